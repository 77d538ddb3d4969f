"""Where two witnesses disagree, ask the sound: which of the two texts does it fit, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pipeline.align import AlignedWord, Alignment
from pipeline.samples import FRAME_S
from pipeline.variants import Run, different_runs

WINDOW_FRAMES = 30
"""A loss is summed over 0.3 s, a short word: a wrong word loses much at one place, where a recogniser's guess at a name
wins a little everywhere. Area under the curve on 350 disagreements of two talks: 0.971, against 0.955 for the whole run
of words and 0.946 for its mean per frame."""

REACH_FRAMES = 10
"""Frames on either side of the differing words that count: word edges move when a word is added or taken away."""

GUESSED_WEIGHT = 0.5
"""What a loss counts where the caption's word has a guessed pronunciation: half of it may be the guess's fault."""


MISSED_WEIGHT = 2.5
"""What a loss counts where only the second holds words: a short word fills a third of the window, its neighbours the
rest. Raw, right captions lose up to 27 there, wrong ones 24 (an "a") to 383 (bench/thresholds.md)."""


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A run of words that the two witnesses hold differently."""

    start_s: float
    """Where the differing words start, from the start of the samples."""
    end_s: float
    """Where they end."""
    first: slice
    """Which words of the first witness; empty when it holds none there."""
    second: slice
    """Which words of the second."""
    loss: float
    """Most nats by which the second's words fit 0.3 s of sound better; below 0 the first's fit better throughout."""
    frames: tuple[int, int]
    """Where that is looked for."""
    weight: float
    """What a nat counts."""


def compare(first: Alignment, second: Alignment) -> list[Disagreement]:
    """List where two alignments of the same samples hold words that say different things."""
    found = []
    for a, b, c, d in different_runs([word.text for word in first.words], [word.text for word in second.words]):
        own, other = first.words[a:b], second.words[c:d]
        frames = _frames(first, second, (a, b, c, d))
        weight = MISSED_WEIGHT if not own else GUESSED_WEIGHT if any(word.guessed for word in own) else 1.0
        found.append(
            Disagreement(
                start_s=round(min(word.start_s for word in (*own, *other)), 3),
                end_s=round(max(word.end_s for word in (*own, *other)), 3),
                first=slice(a, b),
                second=slice(c, d),
                loss=round(weight * most_lost(first, second, *frames), 1),
                frames=frames,
                weight=weight,
            )
        )
    return found


def loss_within(one: Disagreement, first: Alignment, second: Alignment, start: int, end: int) -> float:
    """Return the loss of a disagreement within frames [start, end): a run of words may reach over a pause."""
    low, high = max(one.frames[0], start), min(one.frames[1], end)
    return round(one.weight * most_lost(first, second, low, high), 1)


def _frames(first: Alignment, second: Alignment, run: Run) -> tuple[int, int]:
    a, b, c, d = run
    start = min(_end(first.words, a - 1), _end(second.words, c - 1))
    end = max(_start(first.words, b), _start(second.words, d))
    end = min(end, len(first.frame_scores), len(second.frame_scores))
    return start - REACH_FRAMES, end + REACH_FRAMES


def most_lost(first: Alignment, second: Alignment, start: int = 0, end: int | None = None) -> float:
    """Return the most nats that `second` wins over `first` in any 0.3 s of frames [start, end)."""
    frames = min(len(first.frame_scores), len(second.frame_scores))
    start, end = max(start, 0), min(frames if end is None else end, frames)
    if end <= start:
        return 0.0
    gain = _running(second.frame_scores[start:end] - first.frame_scores[start:end])
    width = min(WINDOW_FRAMES, end - start)
    return float((gain[width:] - gain[:-width]).max())


def _running(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(scores, dtype=np.float64)])


def _end(words: Sequence[AlignedWord], index: int) -> int:
    return round(words[index].end_s / FRAME_S) if index >= 0 else 0


def _start(words: Sequence[AlignedWord], index: int) -> int:
    return round(words[index].start_s / FRAME_S) if index < len(words) else 10**9
