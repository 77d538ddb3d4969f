"""`evaluation.html`: scores against goals, every sentence to hear and read, spectrograms; one offline file."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

from markupsafe import Markup

from dctts.atomic import whole_file
from pipeline.evaluation.calibration import shipped_calibrations
from pipeline.evaluation.evaluation import Evaluation
from pipeline.evaluation.meanings import line
from pipeline.evaluation.rows import Row
from pipeline.pages import asset, csp_hash, data_uri, environment


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A row and what is embedded for it."""

    row: Row
    made: str
    """Data URI of the voice's sound."""
    real: str
    picture: str


def write_page(path: Path, evaluation: Evaluation) -> None:
    """Write the page, whole or not at all."""
    style = asset("report.css") + asset("evaluation.css")
    script = asset("report.js")
    scores = evaluation.scores + evaluation.speeds
    lines = sorted(map(line, scores), key=lambda one: _GROUPS.index(one.group))
    page = environment().get_template("evaluation.html.j2").generate(
        evaluation=evaluation,
        style=Markup(style),  # our own files, shown as they are
        script=Markup(script),
        style_hash=csp_hash(style),
        script_hash=csp_hash(script),
        groups=[(name, list(some)) for name, some in groupby(lines, key=lambda one: one.group)],
        headlines=[line(score) for score in scores if score.goal is not None][:_MOST_HEADLINES],
        num_met=sum(one.verdict == "met" for one in lines),
        num_goals=sum(bool(one.verdict) for one in lines),
        shown=_shown(evaluation),
        pictured=[one for one in _shown(evaluation) if one.picture],
        with_real=any(row.real for row in evaluation.rows),
        with_second=any(row.made.second_secs is not None for row in evaluation.rows),
        calibrations=shipped_calibrations(),
        with_whisper=any(row.made.whisper is not None for row in evaluation.rows),
    )  # fmt: skip
    with whole_file(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        file.writelines(page)


_GROUPS = ("Intelligibility", "Likeness", "Reading", "Sound beside the real reading", "Speed")
_MOST_HEADLINES = 12


def _shown(evaluation: Evaluation) -> Iterator[Shown]:
    for row in evaluation.rows:
        yield Shown(
            row=row,
            made=data_uri("audio/mpeg", row.made.sound),
            real=data_uri("audio/mpeg", row.real.sound) if row.real else "",
            picture=data_uri("image/png", row.picture) if row.picture else "",
        )
