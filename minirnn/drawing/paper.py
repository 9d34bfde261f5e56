"""Sheets of paper: sizes, margins, where the baselines lie, and what is printed on them.

All lengths are in millimetres, x to the right and y down from the sheet's upper left corner.
"""

import re
from dataclasses import dataclass, field, replace

import numpy as np

from minirnn.errors import MinirnnError

ENVELOPES = {"dl": (220.0, 110.0), "c6": (162.0, 114.0), "c5": (229.0, 162.0), "#10": (241.3, 104.775)}
PAGE_SIZES = {
    "a3": (297.0, 420.0), "a4": (210.0, 297.0), "a5": (148.0, 210.0), "a6": (105.0, 148.0), "a7": (74.0, 105.0),
    "b5": (176.0, 250.0), "letter": (215.9, 279.4), "legal": (215.9, 355.6), "postcard": (148.0, 105.0),
    "index": (127.0, 76.2), "business": (85.0, 55.0), **ENVELOPES,
}  # fmt: skip
UNITS = {"mm": 1.0, "cm": 10.0, "in": 25.4}
# Margins of an envelope, in shares of its height and width: the address stands right of the middle.
ADDRESS = (0.38, 0.05, 0.08, 0.42)
PAPERS = ("plain", "ruled", "squared")
LARGEST = 100_000.0  # mm of a page's side

RULE_COLOUR = "#b9cbe4"
MARGIN_COLOUR = "#eab3b3"
RULE_WIDTH = 0.15

# In letter sizes: the room that a line needs above its baseline for tall letters, and below it for those that hang.
ASCENDER_ROOM = 2.6
DESCENDER_ROOM = 1.5


def page_size(name):
    """Return (width, height) in mm of ``name``: one of PAGE_SIZES, or a size such as ``120x80`` (mm) or ``4x6in``; it
    may be followed by ``landscape`` or ``portrait``, which turn it."""
    plain, way = re.fullmatch(r"(.*?)\s*(landscape|portrait|)\s*", name.strip().lower(), re.DOTALL).groups()
    size = re.fullmatch(r"(\d+\.?\d*)\s*x\s*(\d+\.?\d*)\s*(mm|cm|in)?", plain)
    if plain in PAGE_SIZES:
        width, height = PAGE_SIZES[plain]
    elif size:
        width, height = (float(size[n]) * UNITS[size[3] or "mm"] for n in (1, 2))
    else:
        known = ", ".join(PAGE_SIZES)
        raise MinirnnError(f"unknown page size {name!r}; use one of {known}, or WIDTHxHEIGHT, as 120x80 (mm) or 4x6in")
    if max(width, height) > LARGEST:
        raise MinirnnError(f"a page of {width:g} x {height:g} mm is too large; a side may have {LARGEST:g} mm")
    if way:
        width, height = sorted((width, height), reverse=way == "landscape")
    return width, height


@dataclass
class Sheet:
    """How a page is set.

    Attributes
    ----------
    size : name of a page size, see ``page_size``.
    margins : (top, right, bottom, left); None is a tenth of the shorter side all round, and on an envelope what
        leaves the address its place.
    letter_size : height of a small letter without ascender (x-height).
    line_spacing : from baseline to baseline; None is 3.8 letter sizes.
    indent : how far the first line of a paragraph is set in.
    mirrored : whether even pages have the right margin at the left, as the left pages of a booklet.
    paper : "plain", "ruled" (a rule under every line) or "squared" (two squares to a line).
    """

    size: str = "a4"
    margins: tuple | None = None
    letter_size: float = 2.4
    line_spacing: float | None = None
    indent: float = 0.0
    paper: str = "plain"
    mirrored: bool = False
    width: float = field(init=False)
    height: float = field(init=False)

    def __post_init__(self):
        self.width, self.height = page_size(self.size)
        if self.margins is None and self.size.strip().lower() in ENVELOPES:
            top, right, bottom, left = ADDRESS
            self.margins = (top * self.height, right * self.width, bottom * self.height, left * self.width)
        elif self.margins is None:
            self.margins = (min(self.width, self.height) / 10,) * 4
        if self.line_spacing is None:
            self.line_spacing = 3.8 * self.letter_size
        if self.paper not in PAPERS:
            raise MinirnnError(f"unknown paper {self.paper!r}; use one of {', '.join(PAPERS)}")
        if self.letter_size < 0.1:
            raise MinirnnError(f"letters of {self.letter_size:g} mm are too small to write; give 0.1 mm or more")
        if not self.letter_size <= self.line_spacing / 1.5:
            raise MinirnnError(
                f"a letter size of {self.letter_size:g} mm does not suit a line spacing of "
                f"{self.line_spacing:g} mm; the spacing must be 1.5 letter sizes or more, 3.8 look best"
            )
        if min(self.margins) < 0 or self.indent < 0:
            raise MinirnnError("margins and indent must not be negative")
        left, top, right, bottom = self.text_box
        if right - left - self.indent < 5 * self.letter_size or not self.baselines:
            raise MinirnnError(
                f"the margins leave {right - left:g} x {bottom - top:g} mm of a {self.width:g} x "
                f"{self.height:g} mm page, too little to write in; use smaller margins, letters or line spacing"
            )

    def of_page(self, number):
        """The sheet of the page with this number, counted from 1: this one, or its mirror image."""
        if not self.mirrored or number % 2:
            return self
        top, right, bottom, left = self.margins
        return replace(self, margins=(top, left, bottom, right))

    @property
    def text_box(self):
        """(left, top, right, bottom) of the area inside the margins; no ink leaves it."""
        top, right, bottom, left = self.margins
        return left, top, self.width - right, self.height - bottom

    @property
    def text_width(self):
        """Width of the area inside the margins."""
        return self.text_box[2] - self.text_box[0]

    @property
    def baselines(self):
        """The y of every baseline of the page, from the top."""
        _, top, _, bottom = self.text_box
        first = top + min(ASCENDER_ROOM * self.letter_size, self.line_spacing)
        last = bottom - min(DESCENDER_ROOM * self.letter_size, self.line_spacing)
        count = int(np.floor((last - first) / self.line_spacing + 1e-9)) + 1
        return [first + k * self.line_spacing for k in range(max(0, count))]

    @property
    def guides(self):
        """What is printed on the paper: a list of (colour, (2, 2) array of a line's ends)."""
        if self.paper == "ruled":
            rules = [_horizontal(y, self.width) for y in self.baselines]
            margin = np.array([[self.text_box[0] - 2, 0], [self.text_box[0] - 2, self.height]])
            margins = [(MARGIN_COLOUR, margin)] if margin[0, 0] > 0 else []
            return [(RULE_COLOUR, rule) for rule in rules] + margins
        if self.paper == "squared":
            pitch = self.line_spacing / 2
            rows = np.arange(self.baselines[0] % pitch, self.height, pitch)
            columns = np.arange(self.text_box[0] % pitch, self.width, pitch)
            lines = [_horizontal(y, self.width) for y in rows]
            lines += [np.array([[x, 0.0], [x, self.height]]) for x in columns]
            return [(RULE_COLOUR, line) for line in lines]
        return []


def _horizontal(y, width):
    return np.array([[0.0, y], [width, y]])
