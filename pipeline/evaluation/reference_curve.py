"""How like a person a base speaks, by the seconds of them it was told."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dctts.atomic import whole_file

# Okabe and Ito's colours, and a line style and marker of its own for each: told apart in grey and by any eye.
_STYLES = (("#0072B2", "-", "o"), ("#D55E00", "--", "s"), ("#009E73", ":", "^"), ("#000000", "-.", "D"))


def draw_reference_curve(points: Sequence[Mapping[str, Any]], real: Mapping[str, float], path: Path) -> None:
    """Draw SECS over seconds, one line a judge with its 95 % interval, and what each gives real clips.

    Args:
        points: rows of `seconds`, `judge`, `value`, `low` and `high`.
        real: judge → SECS of real clips.
    """
    figure = Figure(figsize=(6.4, 4), layout="constrained")
    axes = figure.subplots()
    for place, judge in enumerate(dict.fromkeys(point["judge"] for point in points)):
        colour, line, marker = _STYLES[place % len(_STYLES)]
        own = [point for point in points if point["judge"] == judge]
        seconds, values = [point["seconds"] for point in own], [point["value"] for point in own]
        axes.plot(seconds, values, line, color=colour, marker=marker, label=f"said, {judge}")
        axes.fill_between(
            seconds, [point["low"] for point in own], [point["high"] for point in own], color=colour, alpha=0.15
        )
        axes.axhline(real[judge], color=colour, linestyle=line, linewidth=0.8)
        axes.annotate(
            f"recorded, {judge}", (seconds[-1], real[judge]), fontsize=8, ha="right", va="bottom", color=colour
        )
    axes.set_xscale("log")
    ticks = sorted({point["seconds"] for point in points})
    axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks])
    axes.minorticks_off()
    axes.set(xlabel="seconds of reference", ylabel="similarity to the speaker (SECS)", ylim=(0, 1))
    axes.grid(alpha=0.25)
    axes.legend(loc="lower right")
    FigureCanvasAgg(figure)
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=100, metadata={"Software": None})  # the same figures, the same bytes
