"""Draws curves.

Inputs: a JSON array on stdin, each entry a file, a title, the names of the axes x and y, and curves with
  a label and points (x, y), of which several may have the same x; as argument the directory for the
  files FILE.svg.
Idempotence: the same input gives the same bytes.
"""

import json
import os
import statistics
import sys
import tempfile

os.environ["MPLCONFIGDIR"] = tempfile.mkdtemp()
import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt

plt.rcParams.update(
    {
        # Keep text as text, use matplotlib's own font, and create the same ids in each run.
        "svg.fonttype": "none",
        "svg.hashsalt": "kafkalab",
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        # An opaque background is readable on dark and light pages.
        "figure.facecolor": "white",
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.grid": True,
        "grid.color": "#dddddd",
    }
)


def medians(points):
    """One point for each x: the median of its values."""
    xs = sorted({x for x, _ in points})
    return xs, [statistics.median(y for x2, y in points if x2 == x) for x in xs]


def draw(plot, directory):
    figure, axes = plt.subplots(figsize=(7, 4), layout="constrained")
    for curve, marker in zip(plot["curves"], "osD^vP" * len(plot["curves"])):
        xs, ys = medians(curve["points"])
        (line,) = axes.plot(xs, ys, marker=marker, label=curve["label"])
        axes.scatter(*zip(*curve["points"]), s=10, color=line.get_color(), alpha=0.5)
    axes.set_title(plot["title"])
    axes.set_xlabel(plot["x"])
    axes.set_ylabel(plot["y"])
    axes.set_xticks(sorted({x for curve in plot["curves"] for x, _ in curve["points"]}))
    axes.set_ylim(bottom=0)
    axes.legend()
    metadata = {"Date": None, "Creator": None}
    figure.savefig(os.path.join(directory, plot["file"] + ".svg"), metadata=metadata)
    plt.close(figure)


for each in json.load(sys.stdin):
    draw(each, sys.argv[1])
