"""Pages as files: which format, how it looks, how the files of several pages are called."""

import re
from dataclasses import dataclass
from pathlib import Path

from minirnn.drawing.animate import page_animation
from minirnn.drawing.gcode import page_gcode
from minirnn.drawing.hpgl import page_hpgl
from minirnn.drawing.ink import choose_pen
from minirnn.drawing.plotters import PLOTTERS, Plotter
from minirnn.drawing.png import page_png
from minirnn.drawing.svg import page_single_line_svg, page_svg
from minirnn.errors import MinirnnError
from minirnn.files import atomic

FORMATS = {
    "png": (".png",), "svg": (".svg",), "pdf": (".pdf",), "gcode": (".gcode", ".nc", ".ngc"), "hpgl": (".hpgl", ".plt"),
}  # fmt: skip
OWN = b"minirnn"  # stands near the beginning of every PNG, SVG and G-code file that was written here
BEGINNING = 2000  # bytes


@dataclass(frozen=True)
class Look:
    """How pages are drawn.

    Attributes
    ----------
    pen : one of minirnn.drawing.ink.PENS.
    colour : colour of the ink, a name, ``#rrggbb`` or ``#rrggbbaa``; None is the pen's own.
    pen_width : of the pen's stroke in mm; None is the pen's own.
    dpi : resolution of png.
    transparent : png and svg without the white of the paper.
    single_line : svg for plotters, one path per stroke.
    animate : svg that writes itself; ``duration`` is the time for a page in seconds, None a pen's own pace.
    plotter : minirnn.drawing.plotters.Plotter for gcode, hpgl and single lines; None is the usual one.
    seed : the same seed gives the same ink.
    """

    pen: str = "ballpoint"
    colour: str | None = None
    pen_width: float | None = None
    dpi: float = 200
    transparent: bool = False
    single_line: bool = False
    animate: bool = False
    duration: float | None = None
    plotter: Plotter | None = None
    seed: int = 0


def format_of(path):
    """The format that the name of a file asks for, one of `FORMATS`. Raises MinirnnError if none does."""
    suffix = Path(path).suffix.lower()
    for kind, suffixes in FORMATS.items():
        if suffix in suffixes:
            return kind
    known = ", ".join(suffix for suffixes in FORMATS.values() for suffix in suffixes)
    raise MinirnnError(f"cannot tell from {str(path)!r} what to draw; its name must end in {known}")


def check_output(kind, look):
    """Raise MinirnnError if pages cannot be drawn so: to be asked before the work of writing begins."""
    if (look.single_line or look.animate) and kind != "svg":
        raise MinirnnError(f"only .svg can be animated or made of single lines, not {kind}")
    if look.single_line and look.animate:
        raise MinirnnError("an animation cannot be made of single lines as well; choose one")
    if look.transparent and (kind not in ("png", "svg") or look.animate or look.single_line):
        raise MinirnnError("only a still .png or .svg can be transparent")
    language = kind if kind in ("gcode", "hpgl") else "svg"
    if look.plotter is not None and look.plotter.language != language:
        wanted = look.plotter.language
        raise MinirnnError(f"this plotter reads {wanted}, not {kind}; use a name that ends in {FORMATS[wanted][0]}")
    if look.plotter is not None and kind in ("png", "pdf"):
        raise MinirnnError(f"a plotter cannot draw a {kind}")
    choose_pen(look.pen, look.colour, look.pen_width)


def page_files(pages, kind, look, progress=lambda done: None):
    """Draw pages as files of a format -> list of (what is added to the file's name, its bytes).

    A ``pdf`` holds all pages. Of the other formats each page has its own file, and so has each part of a page that is
    larger than the plotter. Several pages are numbered, with as many digits as the last one needs. ``progress`` is
    called before each page with the number of those that are done.
    """
    check_output(kind, look)
    pen = choose_pen(look.pen, look.colour, look.pen_width)
    if kind == "pdf":
        from minirnn.drawing.pdf import pages_pdf  # matplotlib takes a second to load

        return [("", pages_pdf(pages, pen, look.seed, progress))]
    files = []
    for number, page in enumerate(pages, 1):
        progress(number - 1)
        parts = _parts(page, kind, look, pen, number)
        of_page = f"-{number:0{len(str(len(pages)))}}" if len(pages) > 1 else ""
        for part, content in enumerate(parts, 1):
            name = of_page + (f"-part{part:0{len(str(len(parts)))}}" if len(parts) > 1 else "")
            files.append((name, content.encode() if isinstance(content, str) else content))
    return files


def _parts(page, kind, look, pen, number):
    """The content of a page's files: one, but for a page that a plotter draws in parts."""
    if kind == "gcode":
        return page_gcode(page, look.plotter or Plotter())
    if kind == "hpgl":
        return page_hpgl(page, look.plotter or PLOTTERS["hpgl"])
    seed = look.seed + number - 1
    if kind == "png":
        return [page_png(page, pen, look.dpi, seed, look.transparent)]
    if look.single_line or look.plotter is not None:
        return [page_single_line_svg(page, look.plotter)]
    if look.animate:
        return [page_animation(page, pen, look.duration)]
    return [page_svg(page, pen, seed, number, look.transparent)]


def letter_files(letters, kind, look):
    """Draw several letters, each a list of pages, as `page_files` does; a ``pdf`` holds them all, of the other formats
    each letter has its number before that of its pages."""
    if kind == "pdf":
        return page_files([page for pages in letters for page in pages], kind, look)
    files = []
    for number, pages in enumerate(letters, 1):
        own = f"-{number:0{len(str(len(letters)))}}"
        files += [(own + name, content) for name, content in page_files(pages, kind, look)]
    return files


def save_pages(pages, path, **look):
    """Save pages in the format that the suffix of ``path`` names, each file all or nothing.

    Pages that an earlier, longer text left under this name are removed: who prints "letter-*.png" would print them
    as well. A file that is called so, but was not written here, is never touched.

    Parameters
    ----------
    pages : list of minirnn.drawing.layout.Page
    path : str or Path; several pages are called name-1.png, name-2.png and so on.
    look : the attributes of `Look`, by name.

    Returns
    -------
    list of the Paths written.

    Raises
    ------
    MinirnnError, and nothing is written.
    """
    return save_files(page_files(pages, format_of(path), Look(**look)), path)


def save_files(files, path):
    """Save what `page_files` or `letter_files` has drawn under the name of ``path``: see `save_pages`."""
    # All pages were drawn before the first is written, so that an error leaves no half of a letter behind.
    path = Path(path)
    paths = [path.with_name(f"{path.stem}{name}{path.suffix}") for name, _ in files]
    stale = _stale(path, paths)
    for target, (_, content) in zip(paths, files):
        with atomic(target, "wb") as file:
            file.write(content)
    for old in stale:
        old.unlink(missing_ok=True)
    return paths


def _stale(path, paths):
    """The pages that an earlier text left under the name of ``path``; a MinirnnError names what might be one."""
    name = re.compile(re.escape(path.stem) + r"(?P<number>(-\d+){1,2})?(-part\d+)?" + re.escape(path.suffix))
    found = []
    for other in sorted(path.parent.iterdir() if path.parent.is_dir() else []):
        match = name.fullmatch(other.name)
        if not match or other in paths or not other.is_file():
            continue
        with open(other, "rb") as file:
            if OWN in file.read(BEGINNING):
                found.append(other)
            elif match["number"]:
                raise MinirnnError(
                    f"{other} looks like a page of an earlier text, but was not written here; remove it or choose "
                    "another name"
                )
    return found
