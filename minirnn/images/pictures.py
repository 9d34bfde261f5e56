"""Pictures to check the preprocessing by eye: every step side by side, and traces drawn over their images."""

import matplotlib.figure
import numpy as np

from minirnn.images import augment, lines
from minirnn.images.pipeline import read_page


def draw_traces(path, examples):
    """Images with their traces drawn over them, each stroke in a colour of its own, one below the other.

    ``examples`` is a list of (title, grey, strokes), strokes in pixels of the image.
    """
    figure = matplotlib.figure.Figure(figsize=(16, 2.2 * len(examples)))
    for axes, (title, grey, strokes) in zip(figure.subplots(len(examples), squeeze=False)[:, 0], examples):
        _show(axes, title, grey)
        draw_strokes(axes, strokes)
    figure.savefig(path, dpi=90, bbox_inches="tight")


def draw_steps(path, grey, seed=0):
    """Every step from a page, (H, W) grey levels, to its strokes, and every augmentation of its first line."""
    page, found = read_page(grey)
    labels = lines.label_lines(page.ink, page.pen)
    figure = matplotlib.figure.Figure(figsize=(18, 30))
    # Pages are high, lines are wide: a grid of four columns for the one, rows of two for the other.
    upper, lower = figure.subfigures(2, 1, height_ratios=(1, 1))
    pages = [
        ("1. grey levels", page.grey),
        ("2. light and paper removed", page.even),
        ("3. contrast normalised", page.contrast),
        (f"4. turned upright (lines rose by {page.angle:.2f} degrees)", page.upright),
        ("5. ink: Sauvola's threshold", ~page.threshold),
        ("6. ruled lines removed", ~page.unruled),
        (f"7. specks removed (pen: {page.pen:.1f} pixels)", ~page.ink),
        (f"8. lines found: {len(found)}", labels),
        ("9. traced", page.grey),
    ]
    grid = upper.subplots(3, 3).ravel()
    for axes, (title, picture) in zip(grid, pages):
        if picture is labels:
            axes.imshow(np.where(labels > 0, labels % 8 + 1, 0), cmap="tab10_r", interpolation="nearest")
            axes.set_title(title, fontsize=10)
            axes.set_axis_off()
        else:
            _show(axes, title, picture)
    for line in found:
        draw_strokes(grid[8], line.strokes, width=0.8)
    if found:
        _draw_line_steps(lower, found[0], seed)
    else:
        lower.suptitle("no line was found")
    figure.savefig(path, dpi=80)


def _draw_line_steps(figure, line, seed):
    slant = lines.find_slant(line.ink)
    pictures = [
        ("10. first line, cut out, at uniform height", line.grey),
        (f"11. slant corrected ({slant:.1f} degrees)", lines.correct_slant(line.grey, slant)),
    ]
    for name, change in augment.CHANGES.items():
        pictures.append((f"augmentation: {name}", change(line.grey, np.random.default_rng(seed))))
    pictures.append(("augmentation: all", augment.augment_image(line.grey, np.random.default_rng(seed))))
    for axes, (title, picture) in zip(figure.subplots(len(pictures), 1), pictures):
        _show(axes, title, picture)


def draw_strokes(axes, strokes, width=1.2):
    """Draw strokes in pixels into Matplotlib ``axes``, each in the next colour, dots as dots."""
    for stroke in strokes:
        axes.plot(*stroke.T, "." if len(stroke) == 1 else "-", linewidth=width, markersize=3 * width)


def _show(axes, title, picture):
    axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="bilinear")
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
