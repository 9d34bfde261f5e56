"""Pictures of what was measured. The suffix of ``path`` chooses the format: .png, .svg or .pdf."""

import numpy as np
from matplotlib.figure import Figure

from minirnn.drawing.diagrams import save_figure

MARKS = {"products alone": ("|", "black"), "PyTorch": ("o", "tab:orange"), "textbook": ("s", "tab:blue")}


def speeds_picture(path, result):
    """The speed of every other contender relative to this package, a line for each row of the table."""
    rows = result["rows"]
    models = sorted({row["model"] for row in rows})
    tallest = max(sum(row["model"] == model for row in rows) for model in models)
    figure = Figure(figsize=(5.5 * len(models) + 1.5, 1.6 + 0.17 * tallest), dpi=120, layout="constrained")
    for axes, model in zip(figure.subplots(1, len(models), squeeze=False)[0], models):
        mine = [row for row in rows if row["model"] == model]
        speeds = [{"products alone": 1 / r["of the limit"], **{n: 1 / x for n, x in r["ratios"].items()}} for r in mine]
        for name, (marker, colour) in MARKS.items():
            places = [(speed[name], -y) for y, speed in enumerate(speeds) if name in speed]
            if places:
                axes.plot(*zip(*places), marker, color=colour, markersize=6, label=name)
        axes.axvline(1, color="tab:red", linewidth=1, label="this package")
        labels = [
            f"H {r['hidden']}, B {r['batch']}, T {r['steps']}, {r['threads']} thr."
            if r["step"] == "train"
            else f"H {r['hidden']}, generation, {r['threads']} thr."
            for r in mine
        ]
        axes.set_yticks([-y for y in range(len(mine))], labels, fontsize=7)
        axes.set(title=model, xlabel="speed, this package = 1", xscale="log")
        axes.grid(axis="x", which="both", alpha=0.3)
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=4, fontsize=8)
    save_figure(figure, path)


def lines_picture(path, series):
    """Time and memory against each size, the points that were measured and the curve that theory expects.

    ``series``: list of `minirnn.studies.benchmarks.scaling.Series`."""
    figure = Figure(figsize=(3 * len(series), 6), dpi=120, layout="constrained")
    for column, one in zip(figure.subplots(2, len(series), squeeze=False).T, series):
        for axes, values in zip(column, (one.milliseconds, one.megabytes)):
            axes.plot(one.sizes, values, "o", color="black", markersize=4)
            dense = np.linspace(0, max(one.sizes), 100)
            curve, miss = one.fit(values)
            axes.plot(dense, curve(dense), color="tab:red", linewidth=1)
            axes.set_title(f"{'line' if one.degree == 1 else 'parabola'}, off by {miss:.0%} at most", fontsize=8)
            axes.set(xlabel=one.name, xlim=(0, None), ylim=(0, None))
            axes.grid(alpha=0.3)
        column[0].set_ylabel("ms per step" if one is series[0] else "")
        column[1].set_ylabel("MB at most" if one is series[0] else "")
    save_figure(figure, path)
