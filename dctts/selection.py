"""Which step speaks best: judged by what it says when nobody holds its hand, never by the training loss.

A network that copies its own past has a falling loss and says nothing (Baby et al. 2020: the least error of a listener
chooses better than the least loss).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor

from dctts.corpus import Example
from dctts.voice import Voice

TOLERANCE = 0.01
"""Of the objective: what differs by less is noise, and the earlier step has forgotten less."""
PATIENCE = 5
"""Evaluations without a better step after which training ends."""


@dataclass(frozen=True, kw_only=True)
class Scores:
    """What listening to a voice gave, means over fixed sentences."""

    cer: float
    """Character error rate of the listener over all sentences."""
    cer_held_out: float
    """Over texts of the target that are never trained on."""
    cer_harvard: float
    """Over sentences every voice is asked to say: what rises here was forgotten."""
    cer_unseen: float
    """Over sentences with words that the target's transcripts lack."""
    secs: float
    """Cosine of speaker vectors with the target's, mean over sentences."""
    secs_base: float
    """The same with the nearest of the base's speakers."""
    forced_rate: float
    """Part of the frames in which attention had to be moved."""
    coverage: float
    """Part of the symbols that were attended."""
    length_ratio: float
    """Frames spoken, by what the target's pace predicts."""

    def objective(self, wanted_secs: float) -> float:
        """Sum up what is wrong with a voice: J of the design, 0 is perfect."""
        missing = max(0.0, wanted_secs - self.secs)
        return self.cer + 0.5 * missing + 0.5 * self.forced_rate + 0.2 * (1 - self.coverage)


@dataclass(frozen=True, kw_only=True)
class Original:
    """The speaker a voice is made of, and the base it is made from."""

    held_out: Sequence[Example]
    transcripts: Sequence[str]
    """Of the clips to train on: words that are not in there were never heard."""
    speaker: Tensor
    """Tensor[256], unit norm."""
    base_speakers: Mapping[str, Tensor]
    """Of the base: name → Tensor[256]."""


class Scorer(Protocol):
    """Somebody who listens."""

    @property
    def ceiling(self) -> float:
        """Mean cosine with the target of recordings put together again from their spectra: hardly to be passed."""

    def score(self, voice: Voice) -> Scores:
        """Let a voice say the fixed sentences; the same weights give the same scores."""


@dataclass(frozen=True, kw_only=True)
class Evaluation:
    """A step and what was heard from it."""

    step: int
    objective: float
    scores: Scores
    train_l1: float | None = None
    """Teacher-forced, mean over the steps logged since the last evaluation."""
    held_out_l1: float | None = None


def select(evaluations: Sequence[Evaluation]) -> Evaluation:
    """Take the earliest step whose smoothed objective lies within 0.01 of the least."""
    values = smoothed(evaluations)
    return next(one for one, value in zip(evaluations, values, strict=True) if value <= min(values) + TOLERANCE)


def contenders(evaluations: Sequence[Evaluation]) -> list[Evaluation]:
    """Give the newest step and every one near the least: a later one can only be chosen from these and those to come.

    The newest does not count for the least: what follows it may still raise it.
    """
    values = smoothed(evaluations)
    least = min(values[:-1], default=values[-1])
    return [
        one
        for one, value in zip(evaluations, values, strict=True)
        if value <= least + TOLERANCE or one is evaluations[-1]
    ]


def smoothed(evaluations: Sequence[Evaluation]) -> list[float]:
    """Give each step the mean objective of itself and its neighbours.

    A listener who hears some twenty sentences errs by several hundredths, and the least of many such figures is the
    luckiest; averaged weights change far less from one evaluation to the next.
    """
    values = [one.objective for one in evaluations]
    parts = (values[max(0, place - 1) : place + 2] for place in range(len(values)))
    return [sum(part) / len(part) for part in parts]


def has_settled(evaluations: Sequence[Evaluation], patience: int = PATIENCE) -> bool:
    """Tell whether as many evaluations as `patience` came after the step that would be chosen."""
    if not evaluations:
        return False
    chosen = select(evaluations).step
    return sum(evaluation.step > chosen for evaluation in evaluations) >= patience
