"""Caption times made true to their contract: in order, apart, longer than nothing, inside the recording.

Pure arithmetic on [start, end] pairs, so that lying cue times are repaired in one place.
"""

from collections.abc import Sequence
from itertools import pairwise

Times = tuple[float, float]
"""Start and end in seconds."""

SHORTEST_S = 0.001
"""A word is never shorter than the file's own resolution, unless more words than milliseconds must fit."""


def spread(weights: Sequence[float], start_s: float, end_s: float) -> list[Times]:
    """Share a stretch of time among items by weight (characters: longer words take longer to say)."""
    total = sum(weights)
    edges = [start_s]
    done = 0.0
    for weight in weights:
        done += weight
        edges.append(start_s + (end_s - start_s) * done / total)
    return list(pairwise(edges))


def in_order(times: Sequence[Times], end_s: float | None) -> list[Times]:
    """Move times as little as one pass each way can, until each item ends before the next one starts.

    Args:
        times: wanted starts and ends, in the order of the text.
        end_s: the end of the recording, or None when it is not known.

    Returns:
        As many times, with 0 ≤ start < end ≤ next start, and the last end ≤ end_s.
    """
    shortest_s = SHORTEST_S if end_s is None else min(SHORTEST_S, end_s / (2 * max(1, len(times))))
    starts: list[float] = []
    ends: list[float] = []
    earliest_s = 0.0
    for start_s, stop_s in times:
        start_s = max(start_s, earliest_s)
        stop_s = max(stop_s, start_s + shortest_s)
        starts.append(start_s)
        ends.append(stop_s)
        # An end beyond the next start gives way: the start is what a caption knows best.
        earliest_s = start_s + shortest_s
    latest_s = end_s if end_s is not None else (max(ends) if ends else 0.0)
    for index in reversed(range(len(starts))):
        ends[index] = min(ends[index], latest_s)
        starts[index] = min(starts[index], ends[index] - shortest_s)
        latest_s = starts[index]
    return list(zip(starts, ends, strict=True))
