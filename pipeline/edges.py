"""Where a cut between two words goes: the quietest frames of the pause between them, or of the little there is."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from pipeline.records import Span, Word
from pipeline.samples import FRAME_S, Decibels, quietest

MARGIN_S = 0.2
"""Silence kept beside a word where there is that much."""

NEAR_S = 0.05
"""A cut keeps this distance from a word where the pause allows: aligned word edges are off by up to that."""

LONG_PAUSE_S = 0.4
"""Longer pauses inside a clip are shortened to this: a voice learns to stop and wait where its clips do."""

SILENCE_DB = 35.0
"""So far below the vowels of a clip nothing is heard."""


def beside(start_s: float, end_s: float, levels: Decibels, offset_s: float) -> tuple[float, float]:
    """Return where the clip before a pause ends and where the clip after it starts.

    Args:
        start_s: end of the word before the pause, in seconds of the recording.
        end_s: start of the word after it.
        levels: dB, one per 10 ms, smoothed.
        offset_s: where the levels start in the recording.
    """
    near = min(NEAR_S, (end_s - start_s) / 3)

    def quiet(low_s: float, high_s: float) -> float:
        low, high = round((low_s - offset_s) / FRAME_S), round((high_s - offset_s) / FRAME_S)
        return round(offset_s + quietest(levels, low, max(high, low + 1)) * FRAME_S, 3)

    if end_s - start_s < 2 * MARGIN_S:
        middle = quiet(start_s + near, end_s - near)
        return middle, middle
    return quiet(start_s + near, start_s + MARGIN_S), quiet(end_s - MARGIN_S, end_s - near)


def long_pauses(words: Sequence[Word], levels: Decibels, offset_s: float, silence_db: float) -> tuple[Span, ...]:
    """List what to leave out of a clip so that no silence between its words is longer than `LONG_PAUSE_S`.

    The middle of each silence goes. A breath or a laugh in a pause is no silence, and stays with its surroundings.

    Args:
        words: aligned, in order.
        levels: dB, one per 10 ms, smoothed.
        offset_s: where the levels start in the recording.
        silence_db: what is louder than this is heard.
    """
    keep = round(LONG_PAUSE_S / 2 / FRAME_S)
    found = []
    for left, right in pairwise(words):
        if right.start_s - left.end_s <= LONG_PAUSE_S / 2:
            continue
        # Aligned words reach into the silence beside them.
        low, high = (round((at - offset_s) / FRAME_S) for at in (left.end_s - 2 * NEAR_S, right.start_s + 2 * NEAR_S))
        low = max(low, 0)
        quiet = np.concatenate([[False], levels[low:high] < silence_db, [False]])
        edges = np.flatnonzero(np.diff(quiet.astype(np.int8))).reshape(-1, 2) + low
        found += [
            Span(
                start_s=round(offset_s + (start + keep) * FRAME_S, 3), end_s=round(offset_s + (end - keep) * FRAME_S, 3)
            )
            for start, end in edges.tolist()
            if end - start > 2 * keep
        ]
    return tuple(found)
