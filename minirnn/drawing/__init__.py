"""From strokes to ink: pages, and the files that show, print, plot or play them."""

from pathlib import Path

from minirnn.drawing.animate import page_animation
from minirnn.drawing.gcode import Plotter, page_gcode
from minirnn.drawing.ink import choose_pen
from minirnn.drawing.png import line_image, page_png
from minirnn.drawing.svg import page_single_line_svg, page_svg
from minirnn.errors import MinirnnError
from minirnn.files import atomic

__all__ = ["SUFFIXES", "Plotter", "check_output", "line_image", "save_pages"]

SUFFIXES = (".png", ".svg", ".pdf", ".gcode")


def check_output(path, single_line=False, animate=False):
    """Raise MinirnnError if pages cannot be saved as ``path``: to be asked before the work of writing begins."""
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise MinirnnError(f"cannot tell from {str(path)!r} what to draw; its name must end in {', '.join(SUFFIXES)}")
    if (single_line or animate) and suffix != ".svg":
        raise MinirnnError(f"only .svg can be animated or made of single lines, not {suffix}")
    if single_line and animate:
        raise MinirnnError("an animation cannot be made of single lines as well; choose one")


def save_pages(
    pages,
    path,
    pen="ballpoint",
    colour=None,
    pen_width=None,
    dpi=200,
    single_line=False,
    animate=False,
    duration=None,
    plotter=None,
    seed=0,
):
    """Save pages in the format that the suffix of ``path`` names, each file all or nothing.

    Parameters
    ----------
    pages : list of minirnn.drawing.layout.Page
    path : str or Path
        ``.pdf`` holds all pages. Of ``.png``, ``.svg`` and ``.gcode`` each page has its own file; if there are
        several, they are called name-1.png, name-2.png and so on.
    pen : one of minirnn.drawing.ink.PENS.
    colour : colour of the ink, a name or ``#rrggbb``; None is the pen's own.
    pen_width : of the pen's stroke in mm; None is the pen's own.
    dpi : resolution of .png.
    single_line : .svg for plotters, one path a stroke.
    animate : .svg that writes itself; ``duration`` is the time for a page in seconds, None a pen's own pace.
    plotter : minirnn.drawing.gcode.Plotter for .gcode; None is the default one.
    seed : the same seed gives the same ink.

    Returns
    -------
    list of the Paths written.
    """
    path = Path(path)
    check_output(path, single_line, animate)
    pen = choose_pen(pen, colour, pen_width)
    suffix = path.suffix.lower()
    if suffix == ".pdf":
        from minirnn.drawing.pdf import pages_pdf  # matplotlib takes a second to load: only for who needs it

        contents, paths = [pages_pdf(pages, pen, seed)], [path]
    else:
        contents = []
        for number, page in enumerate(pages):
            if suffix == ".png":
                contents.append(page_png(page, pen, dpi, seed + number))
            elif suffix == ".gcode":
                contents.append(page_gcode(page, plotter or Plotter()))
            elif single_line:
                contents.append(page_single_line_svg(page))
            elif animate:
                contents.append(page_animation(page, pen, duration))
            else:
                contents.append(page_svg(page, pen, seed + number))
        numbers = [""] if len(pages) == 1 else [f"-{number}" for number in range(1, len(pages) + 1)]
        paths = [path.with_name(f"{path.stem}{number}{path.suffix}") for number in numbers]
    # All pages are drawn before the first is written, so that an error leaves no half of a letter behind.
    for target, content in zip(paths, contents):
        with atomic(target, "wb") as file:
            file.write(content.encode() if isinstance(content, str) else content)
    return paths
