"""The learning curve of a run: what was heard at each step, and which one was taken."""

import textwrap
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from dctts.atomic import whole_file
from dctts.selection import Evaluation, Scores

# Okabe and Ito's colours, and a line style and marker of its own for each: told apart in grey and by any eye.
BLACK, ORANGE, BLUE, GREEN, VERMILION = "#000000", "#E69F00", "#0072B2", "#009E73", "#D55E00"


def draw_learning_curve(
    evaluations: Sequence[Evaluation],
    chosen: Evaluation,
    path: Path,
    *,
    wanted_secs: float,
    base: Scores,
    why: str,
) -> None:
    """Draw the objective and errors, the similarities, and the teacher-forced losses, one under the other.

    Args:
        evaluations: in order, at least one.
        chosen: the one that was taken; a line marks it in every panel.
        wanted_secs: the similarity that is asked for.
        base: what the base itself scored.
        why: the sentence under the title.
    """
    figure = Figure(figsize=(8, 8), layout="constrained")
    errors, similarities, losses = figure.subplots(3, 1, sharex=True)
    steps = [one.step for one in evaluations]

    def line(axes: Any, value: Callable[[Evaluation], float | None], label: str, colour: str, style: str) -> None:
        known = [(one.step, found) for one in evaluations if (found := value(one)) is not None]
        if known:
            axes.plot(*zip(*known, strict=True), style, color=colour, label=label, markersize=4)

    line(errors, lambda one: one.objective, "J (lower is better)", BLACK, "-o")
    line(errors, lambda one: one.scores.cer, "character errors, all sentences", BLUE, "--s")
    line(errors, lambda one: one.scores.cer_harvard, "character errors, Harvard sentences", VERMILION, ":^")
    errors.axhline(base.cer_harvard, color=VERMILION, linewidth=0.8, linestyle=(0, (1, 4)))
    errors.annotate("the base on Harvard", (steps[0], base.cer_harvard), fontsize=7, va="bottom", color=VERMILION)
    line(similarities, lambda one: one.scores.secs, "to the target", BLUE, "-o")
    line(similarities, lambda one: one.scores.secs_base, "to the base", ORANGE, "--s")
    similarities.axhline(wanted_secs, color=GREEN, linewidth=0.8, linestyle="-.")
    similarities.annotate("asked for", (steps[0], wanted_secs), fontsize=7, va="bottom", color=GREEN)
    line(losses, lambda one: one.train_l1, "training clips", BLUE, "-o")
    line(losses, lambda one: one.held_out_l1, "held-out clips", ORANGE, "--s")
    for axes, label in ((errors, "errors"), (similarities, "speaker similarity"), (losses, "teacher-forced L1")):
        axes.axvline(chosen.step, color=BLACK, linewidth=1, linestyle=(0, (4, 2)))
        axes.set_ylabel(label)
        axes.grid(alpha=0.25)
        if axes.get_legend_handles_labels()[0]:
            axes.legend(fontsize=8)
    losses.set_xlabel("step of Text2Mel")
    errors.set_title(textwrap.fill(why, 110), fontsize=9)
    FigureCanvasAgg(figure)
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=100, metadata={"Software": None})  # the same run, the same bytes
