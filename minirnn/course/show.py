"""What every chapter needs to show things: source lines of the package, pictures, and boxes with arrows.

    show.source(lstm.forward, "for t in range(T)", "cell_forward")    prints these lines, found in the package
    show.picture(figure, "02_unrolled.png")                           saves the figure and says where; in a notebook,
                                                                    it appears below the cell instead
    show.box(...), show.arrow(...)                                    for diagrams

Pictures go to the folder that the environment variable MINIRNN_PICTURES names, or to pictures/ beside the script.
"""

import inspect
import os
import pathlib
import sys
import textwrap

import matplotlib.pyplot as plt

import minirnn

IN_A_NOTEBOOK = "ipykernel" in sys.modules  # the figures of a cell appear below it; a script needs no screen
if not IN_A_NOTEBOOK:
    plt.switch_backend("Agg")

PACKAGE = pathlib.Path(minirnn.__file__).parent
CELLS = pathlib.Path(__file__).parent / "cells"  # those of chapter 17

# One colour, one meaning, in all chapters (Okabe and Ito's palette, which every kind of eye can tell apart).
FORWARD, ERROR, CELL, GREY = "#0072B2", "#D55E00", "#009E73", "#777777"
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9"]

plt.rcParams.update(
    {
        "figure.dpi": 110, "figure.constrained_layout.use": True, "axes.spines.top": False,
        "axes.spines.right": False, "axes.prop_cycle": plt.cycler(color=COLOURS), "legend.frameon": False,
        "axes.titlesize": 11, "axes.titlelocation": "left",
    }
)  # fmt: skip


def source(thing, first=None, last=None):
    """Print source lines of ``thing`` (a function, class or module): from the line that contains ``first`` to the
    next one that contains ``last``; ``first`` alone is one line, neither is all of it.

    The lines are looked up in the package as it is now. Raises ValueError where an anchor is no longer there."""
    lines, start = inspect.getsourcelines(thing)
    begin, end = 0, len(lines) - 1
    if first is not None:
        begin = end = _find(lines, first, 0, thing)
    if last is not None:
        end = _find(lines, last, begin, thing)
    path = pathlib.Path(inspect.getsourcefile(thing)).relative_to(PACKAGE.parent)
    print(f"    {path.as_posix()}, line {max(start, 1) + begin}")
    print(textwrap.indent(textwrap.dedent("".join(lines[begin : end + 1])), "    | ", lambda line: True), end="")


def _find(lines, anchor, begin, thing):
    for number in range(begin, len(lines)):
        if anchor in lines[number]:
            return number
    raise ValueError(f"{thing.__name__} has no line with {anchor!r}")


def picture(figure, name):
    """Save ``figure`` as ``name`` in the folder of pictures and print where it is; a notebook shows it anyway."""
    if IN_A_NOTEBOOK:
        return
    folder = pathlib.Path(os.environ.get("MINIRNN_PICTURES", pathlib.Path(sys.argv[0]).parent / "pictures"))
    folder.mkdir(parents=True, exist_ok=True)
    figure.savefig(folder / name)
    print(f"picture: {folder / name}")


def diagram(width, height, x_max, y_max):
    """An empty figure of ``width`` by ``height`` inches for boxes and arrows in 0..x_max, 0..y_max -> figure, ax."""
    figure, ax = plt.subplots(figsize=(width, height))
    ax.set(xlim=(0, x_max), ylim=(0, y_max))
    ax.axis("off")
    return figure, ax


def box(ax, x, y, text, colour=FORWARD, filled=False, size=11):
    """A rounded box with ``text`` around (x, y)."""
    style = {"boxstyle": "round,pad=0.35", "edgecolor": colour, "facecolor": colour if filled else "white"}
    ax.text(x, y, text, ha="center", va="center", size=size, color="white" if filled else "black", bbox=style, zorder=3)


def arrow(ax, start, end, text="", colour=FORWARD, shift=(0, 0), bend=0.0, width=1.5, dashed=False, size=9):
    """An arrow from ``start`` to ``end`` with ``text`` at its middle, moved by ``shift``; ``bend`` curves it."""
    style = {
        "arrowstyle": "-|>", "color": colour, "lw": width, "shrinkA": 0, "shrinkB": 0, "mutation_scale": 12,
        "connectionstyle": f"arc3,rad={bend}", "linestyle": "--" if dashed else "-",
    }  # fmt: skip
    ax.annotate("", xy=end, xytext=start, arrowprops=style, zorder=2)
    middle = ((start[0] + end[0]) / 2 + shift[0], (start[1] + end[1]) / 2 + shift[1])
    ax.text(*middle, text, ha="center", va="center", color=colour, size=size, zorder=4)
