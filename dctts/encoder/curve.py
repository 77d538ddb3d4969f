"""The learning curve of an encoder: loss, mistakes, and the error on people it never heard."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dctts.atomic import whole_file
from dctts.curve import BLACK, BLUE, ORANGE


def draw_encoder_curve(rows: Sequence[Mapping[str, Any]], path: Path) -> None:
    """Draw the rows of `metrics.jsonl`, the loss above and the errors below."""
    figure = Figure(figsize=(8, 5), layout="constrained")
    losses, errors = figure.subplots(2, 1, sharex=True)
    for axes, name, label, colour, style, factor in (
        (losses, "loss", "GE2E loss of a step", BLACK, "-", 1),
        (errors, "wrong", "training: nearer to somebody else", BLACK, "-", 100),
        (errors, "held_out/eer_disturbed", "held-out people, disturbed: EER", ORANGE, "--s", 100),
        (errors, "held_out/eer", "held-out people: EER", BLUE, "-o", 100),
    ):
        known = [(row["step"], factor * row[name]) for row in rows if name in row]
        if known:
            axes.plot(*zip(*known, strict=True), style, color=colour, label=label, markersize=4, linewidth=1)
    losses.set_ylabel("loss")
    errors.set_ylabel("per cent, pieces of 1.6 s")
    errors.set_xlabel("step")
    for axes in (losses, errors):
        axes.set_ylim(bottom=0)
        axes.grid(alpha=0.25)
        axes.legend(fontsize=8)
    FigureCanvasAgg(figure)
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=100, metadata={"Software": None})  # the same run, the same bytes
