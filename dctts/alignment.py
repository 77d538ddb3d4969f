"""Which symbol each coarse frame belongs to, from the times of the words: what attention is taught to follow.

Legend: W words, N symbols, T coarse frames.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dctts.text import WordSpan


def symbol_path(
    words: Sequence[WordSpan], times_s: NDArray[np.float32], num_symbols: int, frame_times_s: NDArray[np.floating[Any]]
) -> NDArray[np.int64]:
    """Give every frame a symbol.

    A word's symbols share its time evenly; what stands between two words (blanks, punctuation) shares the pause between
    them, and gets nothing where there is none; the last symbol gets all that follows the last word.

    Args:
        words: of the text, in order, and where in it they lie.
        times_s: array[W, 2], start and end of each word, neither falling nor overlapping.
        num_symbols: of the text, its end included.
        frame_times_s: array[T], middle of each frame, rising.

    Returns:
        array[T], never falling.
    """
    starts = np.zeros(num_symbols)
    before, clock = 0, 0.0
    for word, (start, end) in zip(words, times_s, strict=True):
        starts[before : word.start] = np.linspace(clock, start, word.start - before, endpoint=False)
        starts[word.start : word.stop] = np.linspace(start, end, word.stop - word.start, endpoint=False)
        before, clock = word.stop, float(end)
    # Closing punctuation passes at once: the silence after the last word is what the end of the text sounds like.
    starts[before:] = clock
    return np.maximum(np.searchsorted(starts, frame_times_s, side="right") - 1, 0)


def diagonal_path(num_symbols: int, num_frames: int) -> NDArray[np.int64]:
    """Give every symbol the same time, array[T]: for clips whose words could not be found."""
    part = np.arange(num_frames) / max(num_frames - 1, 1)
    return np.rint(part * (num_symbols - 1)).astype(np.int64)
