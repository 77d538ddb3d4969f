"""Neighbouring spans → windows: Whisper's encoder takes 30 s of sound whatever is in them, so they had better be full.

After WhisperX's "VAD Cut & Merge" (Bain et al. 2023, arXiv:2303.00747, section 3.2).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.records import Span

Window = tuple[Span, ...]
"""Spans in order that are heard as one stretch of sound, with the pauses between them."""


@dataclass(frozen=True, kw_only=True)
class WindowOptions:
    """What goes into one window."""

    most_s: float = 30.0
    """Longest window: what Whisper's encoder holds."""
    most_gap_s: float = 1.5
    """A longer pause is the end of a window: in music or silence Whisper makes words up, or stops listening."""

    def __post_init__(self) -> None:
        if not 0 < self.most_s <= 30.0:
            raise ValueError(f"most_s must be above 0 and at most Whisper's 30, got {self.most_s}")


def merge(spans: Sequence[Span], options: WindowOptions | None = None) -> list[Window]:
    """Gather spans into as few windows as there can be, and among those with the longest pauses between them.

    The longest pauses are mostly ends of sentences, where Whisper loses nothing for not hearing what goes on.

    Args:
        spans: in order.
        options: None takes the defaults.

    Returns:
        Windows that hold all spans in order; one longer than `most_s` is a window of its own.
    """
    options = options or WindowOptions()
    gaps = [right.start_s - left.end_s for left, right in pairwise(spans)]
    best: list[tuple[int, float]] = [(0, 0.0)]  # of the first k spans: windows, and minus the pauses between them
    starts: list[int] = []
    for last, span in enumerate(spans):
        found: list[tuple[int, float, int]] = []
        for first in range(last, -1, -1):
            if first < last and (
                gaps[first] > options.most_gap_s or span.end_s - spans[first].start_s > options.most_s
            ):
                break
            count, pauses_s = best[first]
            found.append((count + 1, pauses_s - (gaps[first - 1] if first else 0.0), first))
        count, pauses_s, start = min(found)
        best.append((count, pauses_s))
        starts.append(start)
    windows: list[Window] = []
    end = len(spans)
    while end:
        windows.append(tuple(spans[starts[end - 1] : end]))
        end = starts[end - 1]
    return windows[::-1]
