"""What a typed text says about its layout, and a small mark-up for what it cannot say.

Plain text is laid out as it was typed. A line is a paragraph; a blank one leaves a line blank.

    a form feed                     a new page
    tabs or spaces at the beginning the indentation of the paragraph's first line
    - milk, * milk, • milk, 1. milk, a) milk
                                    an item of a list: what does not fit its line hangs below the text, not the mark
    Tea <tab> 3                     columns; lines with tabs that follow each other are one table. Three or more spaces
                                    do as well

The mark-up stands in braces at the beginning of a line, and holds for that paragraph; alone on its line it holds for
all that follow, until the next such line. ``{left}`` is the usual.

    {right} 12 May                  at the right, as a date
    {centre} Programme              in the middle
    {quote} As I said.              indented on both sides, as a quotation
    {page}                          a new page, alone on its line
    {page dl}                       a new page of another size, as the envelope of a letter: any size of --page
    \\{right}                        the word itself, in braces
"""

import re
from dataclasses import dataclass, field

LINE_ENDS = re.compile("\r\n|[\n\r\x0b\x85\u2028\u2029]")
MARK = re.compile(r"\{(left|right|centre|center|quote)\}[ \t]*")
PAGE = re.compile(r"\{page(?: ([^{}]+))?\}\s*")
BULLETS = "•◦▪‣·*"  # drawn, and not written: no hand need have learned them
ITEM = re.compile(rf"([{BULLETS}\-–—]|\d{{1,3}}[.)]|[a-z][.)])[ \t]+(?=\S)")
COLUMNS = re.compile(r" *\t *| {3,}")


@dataclass
class Paragraph:
    """A line of the typed text.

    cells   its text; of a line with tabs, that of each column
    align   "left", "right", "centre" or "quote"
    tabs, spaces   that it begins with
    bullet  whether a bullet is to be drawn before it
    hang    characters of its mark, as 3 of "1. ", by which its further lines are indented
    """

    cells: list
    align: str = "left"
    tabs: int = 0
    spaces: int = 0
    bullet: bool = False
    hang: int = 0


@dataclass
class Section:
    """Paragraphs from one page break to the next; ``size`` names their page, None is that of the pages before."""

    size: str | None = None
    paragraphs: list = field(default_factory=list)


def parse(text):
    """Read a typed text -> list of `Section`, without those that have nothing on them; at least one."""
    sections, standing = [Section()], "left"
    for sheet, part in enumerate(text.split("\f")):
        if sheet:
            sections.append(Section(sections[-1].size))
        lines = LINE_ENDS.split(part)
        if sheet and not lines[0].strip():
            lines = lines[1:]  # the end of the line on which the form feed stands
        for line in lines:
            if page := PAGE.fullmatch(line):
                sections.append(Section(page[1] or sections[-1].size))
            elif (mark := MARK.match(line)) and mark.end() == len(line):
                standing = _align(mark)
            else:
                sections[-1].paragraphs.append(_paragraph(line, standing))
    inked = [section for section in sections if any(p.cells or p.bullet for p in section.paragraphs)]
    return inked or sections[:1]


def words_of(sections):
    """All that is to be written of a text, without its mark-up and bullets, with single spaces."""
    cells = (cell for section in sections for paragraph in section.paragraphs for cell in paragraph.cells)
    return " ".join(" ".join(cells).split())


def map_cells(sections, function):
    """Replace the text of every cell by what ``function`` makes of it."""
    for section in sections:
        for paragraph in section.paragraphs:
            paragraph.cells = [function(cell).strip() for cell in paragraph.cells]
            if not any(paragraph.cells):
                paragraph.cells = []


def _align(mark):
    return "centre" if mark[1] == "center" else mark[1]


def _paragraph(line, align):
    if mark := MARK.match(line):
        align, line = _align(mark), line[mark.end() :]
    elif line.startswith("\\") and (MARK.match(line[1:]) or PAGE.fullmatch(line[1:])):
        line = line[1:]
    body = line.lstrip(" \t")
    before = line[: len(line) - len(body)]
    paragraph = Paragraph([], align, before.count("\t"), before.count(" "))
    if item := ITEM.match(body):
        paragraph.bullet = item[1] in BULLETS
        paragraph.hang = 0 if paragraph.bullet else len(item[1]) + 1
        body = body[item.end() :] if paragraph.bullet else f"{item[1]} {body[item.end() :]}"
    if body.strip():
        paragraph.cells = COLUMNS.split(body.rstrip())
    return paragraph
