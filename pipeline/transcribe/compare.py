"""Where two witnesses disagree, ask the sound: which of the two texts does it fit, and by how much."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from rapidfuzz.distance import Levenshtein

from pipeline.align import AlignedWord, Alignment


@dataclass(frozen=True, kw_only=True)
class Disagreement:
    """A run of words that the two witnesses hold differently."""

    start_s: float
    end_s: float
    first: slice
    """Which words of the first witness; empty when it holds none there."""
    second: slice
    """Which words of the second."""
    loss: float
    """Nats by which the second witness's words fit the sound better; below 0 the first's do."""


def compare(first: Alignment, second: Alignment) -> list[Disagreement]:
    """List where two alignments of the same samples hold different words.

    The loss is summed over the differing words and one equal word on either side, because a word too many or too few
    moves its neighbours' edges.
    """
    frames = min(len(first.frame_scores), len(second.frame_scores))
    gain = _running(second.frame_scores[:frames]) - _running(first.frame_scores[:frames])
    found = []
    for tag, a, b, c, d in Levenshtein.opcodes([w.text for w in first.words], [w.text for w in second.words]):
        if tag == "equal":
            continue
        start = min(_start(first.words, a - 1), _start(second.words, c - 1))
        end = max(_end(first.words, b, frames), _end(second.words, d, frames))
        inner_start = min(_edge_before(first.words, a), _edge_before(second.words, c))
        inner_end = max(_edge_after(first.words, b, frames), _edge_after(second.words, d, frames))
        found.append(
            Disagreement(
                start_s=inner_start / 100,
                end_s=inner_end / 100,
                first=slice(a, b),
                second=slice(c, d),
                loss=float(gain[min(end, frames)] - gain[min(start, frames)]),
            )
        )
    return found


def _running(scores: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.concatenate([[0.0], np.cumsum(scores, dtype=np.float64)])


def _frame(seconds: float) -> int:
    return round(seconds * 100)


def _start(words: Sequence[AlignedWord], index: int) -> int:
    return _frame(words[index].start_s) if index >= 0 else 0


def _end(words: Sequence[AlignedWord], index: int, frames: int) -> int:
    return _frame(words[index].end_s) if index < len(words) else frames


def _edge_before(words: Sequence[AlignedWord], index: int) -> int:
    return _frame(words[index - 1].end_s) if index > 0 else 0


def _edge_after(words: Sequence[AlignedWord], index: int, frames: int) -> int:
    return _frame(words[index].start_s) if index < len(words) else frames
