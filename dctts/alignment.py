"""Which symbol each frame belongs to, found while training: a monotonic path of least cost.

Legend: B utterances, N symbols, T coarse frames.
"""

import numpy as np
from numpy.typing import NDArray


def monotonic_path(
    cost: NDArray[np.float32], num_frames: NDArray[np.int64], num_symbols: NDArray[np.int64]
) -> NDArray[np.int64]:
    """Find the cheapest way through each utterance, from its first symbol to its last.

    From one frame to the next the path stays or moves on by one symbol (monotonic alignment search, arXiv:2005.11129);
    by more only where an utterance has fewer frames than symbols. A path free to skip finds some text-like way through
    *any* text: with up to three symbols a frame the error was the same with the right text and with another clip's.

    Args:
        cost: array[B, T, N], of frame t belonging to symbol n; what lies in the padding does not matter.
        num_frames: array[B], at least 1.
        num_symbols: array[B], at least 1.

    Returns:
        array[B, T]: the symbol of each frame, never falling, 0 at the first frame, the last symbol at the last one;
        behind an utterance its last place is repeated.
    """
    batch, longest, width = cost.shape
    ahead_allowed = np.maximum(1, -(-(num_symbols - 1) // np.maximum(num_frames - 1, 1)))
    best = np.full((batch, width), np.inf, np.float32)
    best[:, 0] = cost[:, 0, 0]
    steps = np.zeros((longest, batch, width), np.int16)
    totals = np.empty((longest, batch, width), np.float32)
    totals[0] = best
    for time in range(1, longest):
        options = np.full((min(int(ahead_allowed.max()), width - 1) + 1, batch, width), np.inf, np.float32)
        for ahead in range(len(options)):
            options[ahead, :, ahead:] = np.where((ahead <= ahead_allowed)[:, None], best[:, : width - ahead], np.inf)
        steps[time] = options.argmin(axis=0)
        best = options.min(axis=0) + cost[:, time]
        totals[time] = best
    rows = np.arange(batch)
    reachable = np.where(np.isfinite(totals[num_frames - 1, rows]), np.arange(width), 0)
    place = np.minimum(num_symbols - 1, reachable.max(axis=1))  # a single frame reaches the first symbol only
    path = np.empty((batch, longest), np.int64)
    for time in range(longest - 1, -1, -1):
        path[:, time] = place
        place = np.where(time < num_frames, place - steps[time, rows, place], place)
    return path


def diagonal_path(num_frames: NDArray[np.int64], num_symbols: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    """Give every symbol of an utterance the same time, array[B, T]: where to start when nothing is known yet."""
    part = np.arange(longest) / np.maximum(num_frames - 1, 1)[:, None]
    return np.rint(np.minimum(part, 1) * (num_symbols - 1)[:, None]).astype(np.int64)


def diagonal_cost(
    num_frames: NDArray[np.int64], num_symbols: NDArray[np.int64], longest_frames: int, longest_symbols: int
) -> NDArray[np.float32]:
    """Squared distance from each utterance's own diagonal, array[B, T, N]: speakers keep a more or less even pace."""
    frames = np.arange(longest_frames) / np.maximum(num_frames - 1, 1)[:, None]
    symbols = np.arange(longest_symbols) / np.maximum(num_symbols - 1, 1)[:, None]
    return np.square(frames[:, :, None] - symbols[:, None, :]).astype(np.float32)
