"""Lay two timed word sequences beside each other: the longest weighted common subsequence within a band of time."""

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from pipeline.records import Word
from pipeline.spoken import spoken_forms


@dataclass(frozen=True, kw_only=True)
class MatchOptions:
    """When a word of one witness is taken for a word of the other."""

    reach_s: float = 6.0
    """A word is looked for this far on either side of its time: caption times lie by seconds, never by a scene."""
    least_similarity: float = 0.6
    """Share of equal letters from which two words match: "gene" and "jeanne" are both witnesses of one word."""
    time_weight: float = 0.5
    """What a match at the end of the reach loses of its worth: among many "the", the nearest one."""


def match(left: Sequence[Word], right: Sequence[Word], options: MatchOptions) -> dict[int, int]:
    """Pair words of `left` with words of `right`, both in order of time, crossing nowhere.

    Time and memory grow with len(left) × the words of `right` within reach, so linearly with a talk's length.

    Returns:
        Index in `left` → index in `right`.
    """
    first, second = [_letters(word.text) for word in left], [_letters(word.text) for word in right]
    times = [(word.start_s + word.end_s) / 2 for word in right]
    rows: list[tuple[int, list[float]]] = [(0, [0.0])]  # (column of its first value, best sums); one row per left word
    gains: list[tuple[int, list[float]]] = []
    low = 0
    for word, letters in zip(left, first, strict=True):
        spot = (word.start_s + word.end_s) / 2
        low = max(bisect_left(times, spot - options.reach_s), low)
        high = max(bisect_left(times, spot + options.reach_s), low)
        gain = [
            _similarity(letters, second[j], options.least_similarity)
            * (1 - options.time_weight * min(abs(times[j] - spot) / options.reach_s, 1.0))
            for j in range(low, high)
        ]
        gains.append((low, gain))
        rows.append((low, _next_row(rows[-1], low, gain)))
    return _trace(rows, gains)


def _next_row(previous: tuple[int, list[float]], low: int, gain: Sequence[float]) -> list[float]:
    row = [_at(previous, low)]
    for offset, worth in enumerate(gain):
        column = low + offset
        best = max(row[-1], _at(previous, column + 1))
        row.append(max(best, _at(previous, column) + worth) if worth > 0 else best)
    return row


def _at(row: tuple[int, list[float]], column: int) -> float:
    """Best sum over columns before `column`; sums never fall from left to right, so the ends hold beyond the band."""
    start, values = row
    return values[min(max(column - start, 0), len(values) - 1)]


def _trace(rows: Sequence[tuple[int, list[float]]], gains: Sequence[tuple[int, list[float]]]) -> dict[int, int]:
    pairs: dict[int, int] = {}
    column = rows[-1][0] + len(rows[-1][1]) - 1
    for k in range(len(gains) - 1, -1, -1):
        low, gain = gains[k]
        while column > low:
            if column - low <= len(gain):
                value = _at(rows[k + 1], column)
                worth = gain[column - low - 1]
                if worth > 0 and value == _at(rows[k], column - 1) + worth:
                    pairs[k] = column - 1
                    column -= 1
                    break
                if value != _at(rows[k + 1], column - 1):
                    break  # the sum comes from the row before
            column -= 1
    return dict(sorted(pairs.items()))


def _letters(text: str) -> str:
    return "".join(spoken_forms(text)).replace("'", "")


@lru_cache(maxsize=65536)
def _similarity(first: str, second: str, least: float) -> float:
    if first == second:
        return 1.0 if first else 0.0
    similarity = Levenshtein.normalized_similarity(first, second)
    return float(similarity) if similarity >= least else 0.0
