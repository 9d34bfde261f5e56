"""The document of the page: a text and how it is to be written, as the browser keeps it and sends it."""

import dataclasses

from minirnn.drawing import PLOTTERS, Look
from minirnn.drawing.ink import PENS, choose_pen
from minirnn.drawing.paper import PAPERS, Sheet
from minirnn.errors import MinirnnError, is_text

LONGEST = 40_000  # characters of a text
MOST_AGAIN = 200  # words of a line that were written again


@dataclasses.dataclass(frozen=True)
class Document:
    """What is to be written, and how. All lengths are in millimetres.

    text, seed      the text; another seed writes all of it anew
    hand, own       the number of the hand, or the name of one of one's own; "" means the numbered one
    neatness, untidiness, slant   how regular the hand is, how far its lines drift, degrees of slant to the right
                    beside its own
    letter_size, line_spacing           of the lines; the spacing in letter sizes
    page, landscape, margin, paper      the sheet; ``margin`` 0 is the page's usual one
    pen, colour, pen_width              the ink; "" and 0 are the pen's own
    plain           whether accents are dropped
    again           {name of a line: how often it was asked to be written again, and then of which words, each by its
                    first character}
    """

    text: str = ""
    seed: int = 0
    hand: int = 1
    own: str = ""
    neatness: float = 1.0
    untidiness: float = 0.5
    slant: float = 0.0
    letter_size: float = 2.2
    line_spacing: float = 3.8
    page: str = "a5"
    landscape: bool = False
    margin: float = 0.0
    paper: str = "plain"
    pen: str = "ballpoint"
    colour: str = ""
    pen_width: float = 0.0
    plain: bool = False
    again: dict = dataclasses.field(default_factory=dict)

    def sheet(self):
        """The `Sheet` that it is written on. MinirnnError if there is none such."""
        return Sheet(
            size=self.page + (" landscape" if self.landscape else ""),
            margins=(self.margin,) * 4 if self.margin else None,
            letter_size=self.letter_size,
            line_spacing=self.line_spacing * self.letter_size,
            paper=self.paper,
        )

    def look(self, **more):
        """The `Look` of its ink."""
        return Look(
            pen=self.pen, colour=self.colour or None, pen_width=self.pen_width or None, seed=self.seed, **more
        )  # fmt: skip

    def ink(self):
        """The `minirnn.drawing.ink.Pen` that it is written with."""
        return choose_pen(self.pen, self.colour or None, self.pen_width or None)


# Least and greatest of every number.
RANGES = {
    "seed": (0, 10**6), "hand": (1, 10**3), "neatness": (0.3, 3), "untidiness": (0, 2), "slant": (-30, 30),
    "letter_size": (0.5, 20), "line_spacing": (1.5, 8), "margin": (0, 200), "pen_width": (0, 5),
}  # fmt: skip


def read_document(asked):
    """The `Document` in a JSON object that was sent; what it lacks is as usual. MinirnnError, naming what is wrong."""
    values = {}
    for field in dataclasses.fields(Document):
        if field.name in asked:
            values[field.name] = _checked(field.name, asked[field.name], getattr(Document(), field.name))
    document = Document(**values)
    document.sheet(), document.ink()
    return document


def _checked(name, value, usual):
    if name in RANGES:
        low, high = RANGES[name]
        good = type(value) in (int, float) and low <= value <= high  # which no NaN is
        if not good or (isinstance(usual, int) and value != int(value)):
            raise MinirnnError(f"{name} is to be a number from {low:g} to {high:g}")
        return type(usual)(value)
    if name == "again":
        if not isinstance(value, dict) or len(value) > LONGEST or not all(_is_again(*item) for item in value.items()):
            raise MinirnnError("again is to say of lines how often they, and which words, were written again")
        return value
    if type(value) is not type(usual) or (isinstance(value, str) and not is_text(value)):
        raise MinirnnError(f"{name} is to be a {'text' if isinstance(usual, str) else 'true or false'}")
    if isinstance(value, str) and len(value) > LONGEST:
        raise MinirnnError(f"{name} is longer than {LONGEST:,} characters; write it in parts")
    return value


def _is_again(key, numbers):
    if not is_text(key) or not isinstance(numbers, list) or not 1 <= len(numbers) <= MOST_AGAIN:
        return False
    return all(type(n) is int and 0 <= n < 10**6 for n in numbers)


def choices():
    """What the page offers to choose from."""
    return {"pens": {name: pen.colour for name, pen in PENS.items()}, "papers": PAPERS, "plotters": list(PLOTTERS),
            "usual": dataclasses.asdict(Document()), "ranges": RANGES}  # fmt: skip
