"""Listen to a run while it trains, keep the weights that may be chosen, and tell when to stop.

`selection.json` holds every evaluation and what came of them; `candidates/<step>.safetensors` the averaged weights of
the steps that may still be chosen, in half precision as a voice has them. A run that is stopped and goes on listens
again to what it had not saved, and ends with the same files.
"""

import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch import nn

from dctts import checkpoint
from dctts.atomic import write_json
from dctts.checkpoint import Checkpoint
from dctts.curve import draw_learning_curve
from dctts.metrics import mean_since
from dctts.selection import (
    PATIENCE,
    TOLERANCE,
    Evaluation,
    Scorer,
    Scores,
    contenders,
    has_settled,
    select,
    smoothed,
)
from dctts.signals import findings, forgetting_alarm, is_forgetting
from dctts.voice import Voice

log = logging.getLogger(__name__)

CEILING_PART = 0.95
"""Of the similarity of copied speech: what a voice is asked for. Beyond it nothing is gained by sounding nearer."""


@dataclass(frozen=True, kw_only=True)
class Heard:
    """All that was heard of a run: what `selection.json` holds."""

    ceiling: float
    """Cosine with the target of its own recordings through the vocoder."""
    base: Scores
    """Of the base, in its own voice."""
    evaluations: tuple[Evaluation, ...] = ()
    stopped: str = ""
    """Why training ended before its last step, if it did."""
    ssrn: dict[str, Any] = field(default_factory=dict)
    """What became of the SSRN."""

    @property
    def wanted_secs(self) -> float:
        """The similarity that is asked for, S* of the design."""
        return CEILING_PART * self.ceiling

    def until(self, step: int) -> "Heard":
        """Forget what was heard from a step on."""
        kept = tuple(one for one in self.evaluations if one.step < step)
        return Heard(ceiling=self.ceiling, base=self.base, evaluations=kept, ssrn=self.ssrn)

    def why(self) -> str:
        """Say why the step that is chosen was chosen."""
        values = dict(zip((one.step for one in self.evaluations), smoothed(self.evaluations), strict=True))
        chosen, last = select(self.evaluations).step, self.evaluations[-1].step
        least = min(values, key=lambda step: values[step])
        text = f"step {chosen} of {last}: J {values[chosen]:.3f} with its neighbours"
        if chosen != least:
            text += f", the earliest within {TOLERANCE} of the least ({values[least]:.3f} at step {least})"
        else:
            text += ", the least of all"
        if chosen != last:
            text += f"; the last step has {values[last]:.3f}"
        return text


def load_heard(path: Path) -> Heard | None:
    """Read `selection.json`; None when there is none yet."""
    if not path.is_file():
        return None
    saved = json.loads(path.read_text(encoding="utf-8"))
    return Heard(
        ceiling=saved["ceiling"],
        base=Scores(**saved["base"]),
        evaluations=tuple(Evaluation(**{**row, "scores": Scores(**row["scores"])}) for row in saved["evaluations"]),
        stopped=saved["stopped"],
        ssrn=saved["ssrn"],
    )


class Selector:
    """Judge the steps of one run.

    Args:
        run: the run's folder.
        patience: evaluations without a better step after which training ends; None goes on to the last step.
        deadline_s: time of `time.monotonic` at which to end; None for no end.
    """

    def __init__(self, run: Path, *, patience: int | None = PATIENCE, deadline_s: float | None = None) -> None:
        self._run, self._patience, self._deadline_s = run, patience, deadline_s
        self._path = run / "selection.json"
        self._heard = load_heard(self._path)
        self._warned = False
        self._watched_s: float | None = None

    @property
    def heard(self) -> Heard:
        """What was heard so far; `begin` comes first."""
        assert self._heard is not None
        return self._heard

    @property
    def has_begun(self) -> bool:
        """Whether the base was heard already."""
        return self._heard is not None

    def begin(self, scorer: Scorer, base: Voice) -> None:
        """Hear the base itself, before anything is changed in it."""
        self._heard = Heard(ceiling=round(scorer.ceiling, 4), base=_rounded(scorer.score(base)))
        self._save()

    def note_ssrn(self, **values: Any) -> None:
        """Put down what became of the SSRN."""
        self._heard = replace(self.heard, ssrn=values)
        self._save()

    def is_over(self, newest_step: int) -> bool:
        """Tell whether a run whose newest checkpoint has this step was ended by what was heard of it."""
        heard = self.heard
        return bool(heard.stopped and heard.evaluations and heard.evaluations[-1].step == newest_step)

    def watch(self, step: int, voice: Voice, scorer: Scorer, measured: dict[str, float]) -> bool:
        """Listen to a step and keep it if it may be chosen; tell whether to stop.

        Args:
            voice: with the averaged weights of this step.
            measured: of the same step; what was heard is added to it.
        """
        scores = _rounded(scorer.score(voice))
        heard = self.heard.until(step)
        before = heard.evaluations[-1].step if heard.evaluations else 0
        train_l1 = mean_since(self._run, "text2mel", "l1", after=before)
        evaluation = Evaluation(
            step=step,
            objective=round(scores.objective(heard.wanted_secs), 4),
            scores=scores,
            train_l1=train_l1 if train_l1 is None else round(train_l1, 5),
            held_out_l1=round(measured["held_out/l1"], 5) if "held_out/l1" in measured else None,
        )
        measured |= {"heard/objective": evaluation.objective}
        measured |= {f"heard/{name}": value for name, value in asdict(scores).items()}
        evaluations = (*heard.evaluations, evaluation)
        self._keep(step, voice.text2mel, evaluations)
        stopped = ""
        if self._patience is not None and has_settled(evaluations, self._patience):
            stopped = f"nothing better was heard in {self._patience} evaluations"
        # Another step would take as long to train and to listen to as this one has taken.
        now_s, before_s = monotonic(), self._watched_s
        next_s = now_s if before_s is None else 2 * now_s - before_s
        self._watched_s = now_s
        if not stopped and self._deadline_s is not None and next_s > self._deadline_s:
            stopped = "the time was up"
        self._heard = replace(heard, evaluations=evaluations, stopped=stopped)
        self._save()
        self._tell(evaluation)
        return bool(stopped)

    def finish(self, network: nn.Module) -> Evaluation:
        """Put the weights of the step that is chosen into a network, and draw the curve."""
        heard = self.heard
        chosen = select(heard.evaluations)
        checkpoint.load_average(network, self._candidate(chosen.step))
        self._forget({chosen.step, heard.evaluations[-1].step})
        draw_learning_curve(
            heard.evaluations,
            chosen,
            self._run / "learning-curve.png",
            wanted_secs=heard.wanted_secs,
            base=heard.base,
            why=heard.why(),
        )
        log.info("chosen: %s", heard.why())
        for line in findings(heard.evaluations, chosen, heard.base):
            log.warning("%s", line)
        return chosen

    def _tell(self, evaluation: Evaluation) -> None:
        scores, heard = evaluation.scores, self.heard
        mark = ", best so far" if select(heard.evaluations) == evaluation else ""
        log.info(
            "step %d: J %.3f, CER %.0f %%, similarity %.2f of %.2f%s",
            *(evaluation.step, evaluation.objective, 100 * scores.cer, scores.secs, heard.wanted_secs, mark),
        )
        if is_forgetting(scores, heard.base) and not self._warned:
            self._warned = True
            log.warning("%s", forgetting_alarm(evaluation, heard.base))
        if heard.stopped:
            log.info("stopping at step %d: %s", evaluation.step, heard.stopped)

    def _keep(self, step: int, network: nn.Module, evaluations: Sequence[Evaluation]) -> None:
        weights = {name: value.detach().to(torch.float16) for name, value in network.named_parameters()}
        saved = Checkpoint(groups={"average": weights}, about={"kind": "candidate", "step": step})
        checkpoint.save(self._candidate(step), saved)
        self._forget({step, *(one.step for one in contenders(evaluations))})

    def _candidate(self, step: int) -> Path:
        return self._run / "candidates" / f"{step}.safetensors"

    def _forget(self, kept: set[int]) -> None:
        for path in self._candidate(0).parent.glob("*.safetensors"):
            if path.stem.isdigit() and int(path.stem) not in kept:
                path.unlink()

    def _save(self) -> None:
        heard = self.heard
        document: dict[str, Any] = {"version": 1, "wanted_secs": round(heard.wanted_secs, 4), **asdict(heard)}
        if heard.evaluations:
            chosen = select(heard.evaluations)
            document |= {
                "selected": chosen.step,
                "why": heard.why(),
                "findings": findings(heard.evaluations, chosen, heard.base),
            }
        write_json(self._path, document)


def _rounded(scores: Scores) -> Scores:
    return Scores(**{name: round(value, 4) for name, value in asdict(scores).items()})
