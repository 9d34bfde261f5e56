"""Where everything stands on the sheet, in millimetres from the upper left corner of its box."""

from dataclasses import dataclass

import numpy as np

PAPERS = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}  # width, height

BOX_WIDTH, BOX_HEIGHT = 186.0, 256.0  # fits both papers with a margin that every printer can print

# Corner marks: three squares, and a triangle of about the same area in the upper left corner.
SQUARE = 8.0
TRIANGLE = 11.0  # its two legs, along the edges of the box
CORNERS = ("upper left", "upper right", "lower right", "lower left")
_SQUARE = np.array([[0, 0], [SQUARE, 0], [SQUARE, SQUARE], [0, SQUARE]])
_RIGHT, _DOWN = np.array([BOX_WIDTH - SQUARE, 0]), np.array([0, BOX_HEIGHT - SQUARE])
MARKS = (
    np.array([[0, 0], [TRIANGLE, 0], [0, TRIANGLE]]),
    _SQUARE + _RIGHT,
    _SQUARE + _RIGHT + _DOWN,
    _SQUARE + _DOWN,
)  # outlines, in the order of CORNERS: clockwise on paper
CENTRES = np.array([mark.mean(axis=0) for mark in MARKS])  # centres of gravity

# The page's mark: its number in binary, highest bit first, and then the same bits turned round. A blot or a shadow
# can only make light squares dark, and no such change makes one page's mark into another's.
CODE_BITS = 6
CELL, CELL_STEP = 4.0, 5.0
CODE_CORNER = (BOX_WIDTH / 2 - CODE_BITS * CELL_STEP, 1.5)

# A band is the room for writing; its prompt is above it, and hairlines on both sides show the baseline.
FIRST, PITCH = 12.5, 16.8
PROMPT_HEIGHT = 3.4  # from the top of the prompt's capitals to the top of the band
GAP = 0.6  # from the bottom of the band to the capitals of the next prompt
CAP_HEIGHT = 2.0
BAND_LEFT, BAND_RIGHT = 8.0, 178.0
BASELINE = 8.6  # below the top of the band
HAIRLINE = (1.0, 6.5)  # from, to: to the left of the band, and mirrored to its right


@dataclass(frozen=True)
class Band:
    """Room for one line of writing: y of the top of its prompt, of its own top, of its baseline and its bottom."""

    prompt: float
    top: float
    baseline: float
    bottom: float


def band(index):
    """The `Band` number ``index``, the uppermost is 0. It ends a little above the next prompt."""
    prompt = FIRST + index * PITCH
    top = prompt + PROMPT_HEIGHT
    return Band(prompt, top, top + BASELINE, prompt + PITCH - GAP)


def code_cells(number):
    """The squares of the mark of page ``number``: list of ((x, y) of the upper left corner, whether it is dark)."""
    bits = [bool(number >> bit & 1) for bit in reversed(range(CODE_BITS))]
    bits += [not bit for bit in bits]
    x, y = CODE_CORNER
    return [((x + index * CELL_STEP, y), bit) for index, bit in enumerate(bits)]


def decode(dark):
    """Number of the page whose squares are ``dark``, or None if no page has such a mark."""
    first, second = dark[:CODE_BITS], dark[CODE_BITS:]
    if any(a == b for a, b in zip(first, second)):
        return None
    return sum(bit << place for place, bit in enumerate(reversed([int(bit) for bit in first])))
