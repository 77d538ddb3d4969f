"""Which symbol each coarse frame belongs to, from the times of the phones: what attention is taught to follow.

Legend: W words, K phones, N symbols, T coarse frames.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from dctts.text import WordSpan


def symbol_path(
    words: Sequence[WordSpan], phones: NDArray[np.float32], num_symbols: int, frame_times_s: NDArray[np.floating[Any]]
) -> NDArray[np.int64]:
    """Give every frame a symbol.

    A word written in phones has a symbol for each of its phones, which get their times; the letters of a word are laid
    over its phones evenly. What stands between two words (blanks, punctuation) shares the pause between them, and gets
    nothing where there is none; the last symbol gets all that follows the last word.

    Args:
        words: of the text, in order, and where in it they lie.
        phones: array[K, 3]: of each phone its word, start and end in seconds, neither falling nor overlapping; every
            word has at least one.
        num_symbols: of the text, its end included.
        frame_times_s: array[T], middle of each frame, rising.

    Returns:
        array[T], never falling.
    """
    starts = np.zeros(num_symbols)
    before, clock = 0, 0.0
    for index, word in enumerate(words):
        said = phones[phones[:, 0] == index]
        borders = np.append(said[:, 1], said[-1, 2])
        starts[before : word.start] = np.linspace(clock, borders[0], word.start - before, endpoint=False)
        places = np.linspace(0, len(said), word.stop - word.start, endpoint=False)
        starts[word.start : word.stop] = np.interp(places, np.arange(len(borders)), borders)
        before, clock = word.stop, float(borders[-1])
    # Closing punctuation passes at once: the silence after the last word is what the end of the text sounds like.
    starts[before:] = clock
    return np.maximum(np.searchsorted(starts, frame_times_s, side="right") - 1, 0)


def diagonal_path(num_symbols: int, num_frames: int) -> NDArray[np.int64]:
    """Give every symbol the same time, array[T]: for clips whose words could not be found."""
    part = np.arange(num_frames) / max(num_frames - 1, 1)
    return np.rint(part * (num_symbols - 1)).astype(np.int64)
