"""Sheets of paper: sizes, margins, where the baselines lie, and what is printed on them.

All lengths are in millimetres, x to the right and y down from the sheet's upper left corner.
"""

import re
from dataclasses import dataclass, field

import numpy as np

from minirnn.errors import MinirnnError

PAGE_SIZES = {
    "a3": (297.0, 420.0), "a4": (210.0, 297.0), "a5": (148.0, 210.0), "a6": (105.0, 148.0),
    "letter": (215.9, 279.4), "legal": (215.9, 355.6), "postcard": (148.0, 105.0),
}  # fmt: skip
PAPERS = ("plain", "ruled", "squared")

RULE_COLOUR = "#b9cbe4"
MARGIN_COLOUR = "#eab3b3"
RULE_WIDTH = 0.15

# In line spacings: the room that a line needs below its baseline, so that descenders stay on the sheet.
DESCENDER_ROOM = 0.45


def page_size(name):
    """Return (width, height) of ``name``: one of PAGE_SIZES, or a size such as ``120x80`` (or ``120x80mm``)."""
    if name.lower() in PAGE_SIZES:
        return PAGE_SIZES[name.lower()]
    size = re.fullmatch(r"(\d+\.?\d*)\s*x\s*(\d+\.?\d*)\s*(mm)?", name.strip().lower())
    if size is None:
        known = ", ".join(PAGE_SIZES)
        raise MinirnnError(f"unknown page size {name!r}; use one of {known}, or WIDTHxHEIGHT in mm, as 120x80")
    return float(size[1]), float(size[2])


@dataclass
class Sheet:
    """How a page is set.

    Attributes
    ----------
    size : name of a page size, see ``page_size``.
    margins : (top, right, bottom, left); None is a tenth of the shorter side all round.
    letter_size : height of a small letter without ascender (x-height).
    line_spacing : from baseline to baseline; None is 3.8 letter sizes.
    indent : how far the first line of a paragraph is set in.
    paper : "plain", "ruled" (a rule under every line) or "squared" (two squares to a line).
    """

    size: str = "a4"
    margins: tuple | None = None
    letter_size: float = 2.4
    line_spacing: float | None = None
    indent: float = 0.0
    paper: str = "plain"
    width: float = field(init=False)
    height: float = field(init=False)

    def __post_init__(self):
        self.width, self.height = page_size(self.size)
        if self.margins is None:
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
        first, last = top + self.line_spacing, bottom - DESCENDER_ROOM * self.line_spacing
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
