"""A picture of the lines that were found on a page, to be looked at before anything is learned from them."""

from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from minirnn.drawing.diagrams import save_figure
from minirnn.forms import geometry

GOOD, BAD = "#1a7f37", "#c62828"
STROKES = ("#0b57d0", "#d9480f", "#7b2cbf", "#00838f")  # one stroke after the other, to see where the pen was lifted


def draw_found(path, page):
    """Draw a `minirnn.forms.photographs.ReadPage` as PNG: its bands, the strokes on their ink, and what is wrong."""
    figure = Figure(figsize=(geometry.BOX_WIDTH / 15, geometry.BOX_HEIGHT / 15), dpi=110)
    axes = figure.add_axes([0, 0, 1, 1], xlim=(0, geometry.BOX_WIDTH), ylim=(geometry.BOX_HEIGHT, 0))
    axes.axis("off")
    axes.imshow(
        page.picture, cmap="gray", vmin=-0.5, vmax=1, aspect="auto",
        extent=(0, geometry.BOX_WIDTH, geometry.BOX_HEIGHT, 0),
    )
    for band in page.bands:
        left, top, right, bottom = band.corners
        colour = BAD if band.fault else GOOD
        axes.add_artist(Rectangle((left, top), right - left, bottom - top, fill=False, edgecolor=colour, linewidth=1))
        words = f"REFUSED: {band.fault}" if band.fault else band.text
        axes.text(right, top - 0.4, words.replace("$", r"\$"), color=colour, fontsize=7, ha="right", va="bottom")
        lines = [stroke for stroke in band.strokes if len(stroke) > 1]
        dots = [stroke[0] for stroke in band.strokes if len(stroke) == 1]
        axes.add_collection(LineCollection(lines, colors=STROKES, linewidths=0.8))
        if dots:
            axes.plot(*zip(*dots), ".", color=STROKES[0], markersize=2)
    save_figure(figure, path)
