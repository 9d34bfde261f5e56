"""Pictures to check the preprocessing by eye: every step side by side, and traces drawn over their images."""

import matplotlib
import matplotlib.figure
import numpy as np

from minirnn.images import augment, lines
from minirnn.images.pipeline import project


def draw_traces(path, examples, height=2.2):
    """Images with their traces drawn over them, each stroke in a colour of its own, one below the other.

    ``examples`` is a list of (title, grey, strokes), strokes in pixels of the image, each ``height`` inches high.
    """
    figure = matplotlib.figure.Figure(figsize=(16, height * len(examples)))
    for axes, (title, grey, strokes) in zip(figure.subplots(len(examples), squeeze=False)[:, 0], examples):
        _show(axes, title, grey)
        draw_strokes(axes, strokes)
    figure.savefig(path, dpi=100, bbox_inches="tight")


def draw_steps(path, page, found, seed=0):
    """Every step from a page to its strokes, and every augmentation of its first line; ``page`` and ``found`` as
    `minirnn.images.pipeline.read_page` returns them."""
    pages = [
        ("1. grey levels", page.grey),
        ("2. light and paper removed", page.even),
        ("3. contrast normalised", page.contrast),
        (f"4. turned upright by {page.angle:.2f} degrees", page.upright),
        ("5. ink: Sauvola's threshold", ~page.threshold),
        ("6. ruled lines removed", ~page.unruled),
        (f"7. specks removed (pen: {page.pen:.1f} pixels)", ~page.ink),
        (f"8. lines found: {len(found)}", _coloured(page.labels)),
        ("9. traced", page.upright),
    ]
    aspect = page.grey.shape[0] / page.grey.shape[1]
    heights = (3 * (6 * min(aspect, 2) + 0.4), 10.0)  # inches: three rows of pages, then the first line's pictures
    figure = matplotlib.figure.Figure(figsize=(18, sum(heights)), layout="constrained")
    upper, lower = figure.subfigures(2, 1, height_ratios=heights)
    grid = upper.subplots(3, 3).ravel()
    for axes, (title, picture) in zip(grid, pages):
        _show(axes, title, picture)
    to_page = np.linalg.inv(page.matrix)
    for line in found:
        draw_strokes(grid[-1], [project(stroke, to_page) for stroke in line.strokes], width=0.8)
    if found:
        _draw_line_steps(lower, found[0], seed)
    figure.savefig(path, dpi=80)


def _draw_line_steps(figure, line, seed):
    grey = line.grey[:, : 7 * line.grey.shape[0]]  # of a long line the beginning, to be seen in full size
    slant = lines.find_slant(line.ink)
    pictures = [
        ("10. first line (its beginning), cut out, at uniform height", grey),
        (f"11. slant corrected ({slant:.1f} degrees)", lines.correct_slant(grey, slant)),
    ]
    for name, change in augment.CHANGES.items():
        pictures.append((f"augmentation: {name}", change(grey, np.random.default_rng(seed))))
    pictures.append(("augmentation: all", augment.augment_image(grey, np.random.default_rng(seed))))
    for axes, (title, picture) in zip(figure.subplots((len(pictures) + 1) // 2, 2).ravel(), pictures):
        _show(axes, title, picture)


def _coloured(labels):
    """Labels, (H, W) int, as a picture (H, W, 3): 0 white, neighbouring lines in different colours."""
    colours = matplotlib.colormaps["Dark2"](np.arange(8))[:, :3]
    return np.where(labels[:, :, None] > 0, colours[labels % 8], 1.0)


def draw_strokes(axes, strokes, width=1.2):
    """Draw strokes in pixels into Matplotlib ``axes``, each in the next colour, dots as dots."""
    for stroke in strokes:
        axes.plot(*stroke.T, "." if len(stroke) == 1 else "-", linewidth=width, markersize=3 * width)


def _show(axes, title, picture):
    axes.imshow(picture, cmap="gray", vmin=0, vmax=1, interpolation="bilinear")
    axes.set_title(title, fontsize=10)
    axes.set_axis_off()
