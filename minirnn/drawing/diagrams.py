"""Pictures of a training run: its loss, the window reading the text, sheets of handwriting.

Figures are made without pyplot, so that nothing of a caller's own plotting changes and no display is needed. The
suffix of ``path`` chooses the format: .png, .svg or .pdf.
"""

from pathlib import Path

import numpy as np

from minirnn.drawing.ink import DOT
from minirnn.files import atomic
from minirnn.ink.strokes import bounding_box

MAX_TICKS = 80


def loss_curve(path, log_rows):
    """Draw training and validation loss, and the learning rate, against the steps of a run. The loss before any
    training may lie above the picture, so that one sees the rest.

    Parameters
    ----------
    path : str or Path
    log_rows : list of dicts with the key "step" and any of "train_loss", "validation_loss" and "learning_rate"; a
        value that was not measured at a step is missing or None.
    """
    figure, axes = _figure_and_axes(8, 4.5)
    learned = []
    for key, label, style in [("train_loss", "training", "-"), ("validation_loss", "validation", "o-")]:
        steps, values = _series(log_rows, key)
        if steps:
            axes.plot(steps, values, style, markersize=3, linewidth=1.2, label=label)
        learned += [value for step, value in zip(steps, values) if step > 0]
    if learned and min(learned) < max(learned):
        margin = 0.1 * (max(learned) - min(learned))
        axes.set_ylim(min(learned) - margin, max(learned) + margin)
    axes.set(xlabel="step", ylabel="loss (nats a symbol)")
    axes.grid(alpha=0.3)
    steps, rates = _series(log_rows, "learning_rate")
    if steps:
        right = axes.twinx()
        right.plot(steps, rates, color="0.6", linewidth=1, linestyle="--")
        right.set_ylabel("learning rate (dashed)", color="0.4")
        right.set_ylim(bottom=0)
    if axes.lines:
        axes.legend(loc="upper right")
    _save(figure, path)


def compared_losses(path, logs):
    """Draw the validation losses of several runs in one picture; ``logs``: {name: list of rows as in `loss_curve`}."""
    figure, axes = _figure_and_axes(8, 4.5)
    learned = []
    for name, rows in logs.items():
        steps, values = _series(rows, "validation_loss")
        axes.plot(steps, values, "o-", markersize=3, linewidth=1.2, label=name)
        learned += [value for step, value in zip(steps, values) if step > 0]
    if learned and min(learned) < max(learned):
        margin = 0.1 * (max(learned) - min(learned))
        axes.set_ylim(min(learned) - margin, max(learned) + margin)
    axes.set(xlabel="step", ylabel="validation loss (nats)")
    axes.grid(alpha=0.3)
    axes.legend()
    _save(figure, path)


def _series(rows, key):
    rows = [row for row in rows if row.get(key) is not None]
    return [row["step"] for row in rows], [row[key] for row in rows]


def window_path(path, phi, text):
    """Draw where the soft window looked while the pen wrote: time across, characters up.

    ``phi`` is (T, U): the window's weight on each of the U characters of ``text`` at each of T steps. A network that
    has learned to read shows one steady line from the lower left to the upper right.
    """
    phi = np.asarray(phi)
    figure, axes = _figure_and_axes(9, min(12, 2.5 + 0.14 * phi.shape[1]))
    axes.imshow(phi.T, origin="lower", aspect="auto", cmap="magma", interpolation="nearest", vmin=0)
    axes.set(xlabel="pen move", ylabel="text, upwards")
    if phi.shape[1] <= MAX_TICKS:
        labels = list(text.ljust(phi.shape[1]))[: phi.shape[1]]
        axes.set_yticks(range(phi.shape[1]), ["␣" if c == " " else c for c in labels], fontsize=7)
    _save(figure, path)


def strokes_picture(path, titled_lines, columns=1):
    """Draw lines of handwriting under each other, each below its title, all at one scale.

    Parameters
    ----------
    titled_lines : list of (title, strokes)
        Strokes in any one unit, y down, left ends aligned. A line may have no strokes.
    columns : int
    """
    from matplotlib.collections import LineCollection

    boxes = [bounding_box(strokes) if strokes else (0, 0, 1, 1) for _, strokes in titled_lines]
    cell_width = max([box[2] - box[0] for box in boxes], default=1.0)
    cell_height = max([box[3] - box[1] for box in boxes], default=1.0)
    rows = -(-len(titled_lines) // columns) or 1
    inches_per_unit = min(12 / columns, 0.14 * cell_width) / cell_width
    cell_inches = cell_height * inches_per_unit + 0.3
    figure = _figure(columns * (cell_width * inches_per_unit + 0.3), rows * cell_inches, dpi=150)
    for number, ((title, strokes), box) in enumerate(zip(titled_lines, boxes)):
        row, column = divmod(number, columns)
        axes = figure.add_axes([(column + 0.03) / columns, 1 - (row + 1) / rows, 0.96 / columns,
                                (cell_inches - 0.25) / (cell_inches * rows)])
        axes.set_title(title.replace("$", r"\$"), fontsize=7, color="0.45", loc="left", pad=1)
        axes.axis("off")
        # The line of x and y limits that shows one unit at one size in every cell.
        axes.set_xlim(box[0], box[0] + cell_width)
        axes.set_ylim(box[1] + cell_height, box[1])
        axes.set_aspect("equal", anchor="W")
        # A dot becomes a dash: matplotlib draws nothing for a line that goes nowhere.
        lines = [stroke if len(stroke) > 1 else stroke + np.array([[0.0], [DOT]]) for stroke in strokes]
        axes.add_collection(LineCollection(lines, colors="black", linewidths=0.9, capstyle="round"))
    _save(figure, path)


def _figure(width, height, **options):
    """A figure of so many inches."""
    from matplotlib.figure import Figure  # takes a second to load

    return Figure(figsize=(width, height), **options)


def _figure_and_axes(width, height):
    figure = _figure(width, height, dpi=120, layout="constrained")
    return figure, figure.add_subplot()


def _save(figure, path):
    """Write a figure in the format of the path's suffix, all or nothing."""
    path = Path(path)
    with atomic(path, "wb") as file:
        figure.savefig(file, format=path.suffix[1:] or "png")
