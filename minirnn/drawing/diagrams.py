"""Pictures of a training run: its losses, the way of the attention window over the text, sheets of handwriting.

Figures are made without pyplot, so that nothing of a caller's own plotting changes and no display is needed. The
suffix of ``path`` chooses the format.
"""

from pathlib import Path

import numpy as np

from minirnn.drawing.ink import DOT
from minirnn.files import atomic
from minirnn.ink.strokes import bounding_box

MAX_TICKS = 80


def loss_curve(path, log_rows):
    """Draw training and validation loss, and the learning rate, against the steps of a run. The loss before any
    training may lie above the picture, so that the rest can be seen.

    Parameters
    ----------
    path : str or Path
    log_rows : list of dicts with the key "step" and any of "train_loss", "validation_loss" and "learning_rate"; a
        value that was not measured at a step is missing or None.
    """
    figure, axes = figure_and_axes(8, 4.5)
    for key, label, style in [("train_loss", "training", "-"), ("validation_loss", "validation", "o-")]:
        if any(row.get(key) is not None for row in log_rows):
            axes.plot(*_series(log_rows, key), style, markersize=3, linewidth=1.2, label=label)
    _show_what_was_learned(axes, "loss (nats per symbol)")
    steps, rates = _series(log_rows, "learning_rate")
    if steps:
        right = axes.twinx()
        right.plot(steps, rates, color="0.6", linewidth=1, linestyle="--")
        right.set_ylabel("learning rate (dashed)", color="0.4")
        right.set_ylim(bottom=0)
    if axes.lines:
        axes.legend(loc="upper right")
    save_figure(figure, path)


def compared_losses(path, logs):
    """Draw the validation losses of several runs in one picture; ``logs``: {name: list of rows as in `loss_curve`}."""
    figure, axes = figure_and_axes(8, 4.5)
    for name, rows in logs.items():
        axes.plot(*_series(rows, "validation_loss"), "o-", markersize=3, linewidth=1.2, label=name)
    _show_what_was_learned(axes, "validation loss (nats)")
    axes.legend()
    save_figure(figure, path)


def _show_what_was_learned(axes, label):
    """Name the axes of curves of losses, and limit them to the losses after the first step."""
    axes.set(xlabel="step", ylabel=label)
    axes.grid(alpha=0.3)
    learned = [y for line in axes.lines for x, y in zip(*line.get_data()) if x > 0]
    if learned and min(learned) < max(learned):
        margin = 0.1 * (max(learned) - min(learned))
        axes.set_ylim(min(learned) - margin, max(learned) + margin)


def _series(rows, key):
    rows = [row for row in rows if row.get(key) is not None]
    return [row["step"] for row in rows], [row[key] for row in rows]


def window_path(path, phi, text):
    """Draw where the attention window was while the pen wrote: time across, characters up.

    ``phi`` is (T, U): the window's weight on each of the U characters of ``text`` at each of T steps. A network that
    has learned to read shows one steady line from the lower left to the upper right.
    """
    phi = np.asarray(phi)
    figure, axes = figure_and_axes(9, min(12, 2.5 + 0.14 * phi.shape[1]))
    axes.imshow(phi.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest", vmin=0)
    axes.set(xlabel="pen move", ylabel="text, upwards")
    if phi.shape[1] <= MAX_TICKS:
        labels = list(text.ljust(phi.shape[1]))[: phi.shape[1]]
        axes.set_yticks(range(phi.shape[1]), ["␣" if c == " " else c for c in labels], fontsize=7)
    save_figure(figure, path)


def strokes_picture(path, titled_lines):
    """Draw lines of handwriting under each other, each below its title, all at one scale.

    ``titled_lines`` is a list of (title, strokes), the strokes in any one unit, y down, left ends aligned. A line may
    have no strokes.
    """
    from matplotlib.collections import LineCollection

    boxes = [bounding_box(strokes) if strokes else (0, 0, 1, 1) for _, strokes in titled_lines]
    cell_width = max([box[2] - box[0] for box in boxes], default=1.0)
    cell_height = max([box[3] - box[1] for box in boxes], default=1.0)
    rows = len(titled_lines) or 1
    inches_per_unit = min(12, 0.14 * cell_width) / cell_width
    cell_inches = cell_height * inches_per_unit + 0.3
    figure = _figure(cell_width * inches_per_unit + 0.3, rows * cell_inches, dpi=150)
    for number, ((title, strokes), box) in enumerate(zip(titled_lines, boxes), start=1):
        height = (cell_inches - 0.25) / (cell_inches * rows)
        axes = figure.add_axes([0.03, 1 - number / rows, 0.96, height])
        axes.set_title(title.replace("$", r"\$"), fontsize=7, color="0.45", loc="left", pad=1)
        axes.axis("off")
        # The line of x and y limits that shows one unit at one size in every cell.
        axes.set_xlim(box[0], box[0] + cell_width)
        axes.set_ylim(box[1] + cell_height, box[1])
        axes.set_aspect("equal", anchor="W")
        # A dot becomes a dash: matplotlib draws nothing for a line that goes nowhere.
        lines = [stroke if len(stroke) > 1 else stroke + np.array([[0.0], [DOT]]) for stroke in strokes]
        axes.add_collection(LineCollection(lines, colors="black", linewidths=0.9, capstyle="round"))
    save_figure(figure, path)


def _figure(width, height, **options):
    """A figure of this size in inches."""
    from matplotlib.figure import Figure  # which takes a second to load

    return Figure(figsize=(width, height), **options)


def figure_and_axes(width, height):
    """A figure of this size in inches, and its only axes."""
    figure = _figure(width, height, dpi=120, layout="constrained")
    return figure, figure.add_subplot()


def save_figure(figure, path, **options):
    """Write a figure in the format of the path's suffix, all or nothing; ``options`` are those of ``savefig``."""
    path = Path(path)
    with atomic(path, "wb") as file:
        figure.savefig(file, format=path.suffix[1:] or "png", **options)
