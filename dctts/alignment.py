"""Which symbol each frame belongs to, found while training: a monotonic path of least cost.

Legend: B utterances, N symbols, T coarse frames.
"""

import numpy as np
from numpy.typing import NDArray


def monotonic_path(
    cost: NDArray[np.float32], num_frames: NDArray[np.int64], num_symbols: NDArray[np.int64], *, most_ahead: int = 3
) -> NDArray[np.int64]:
    """Find the cheapest way through each utterance, from its first symbol to its last.

    From one frame to the next the path stays or moves on by up to `most_ahead` symbols: coarse frames are so long
    (46 ms) that spaces and short phones may get none. Monotonic alignment search (arXiv:2005.11129) moves by one.

    Args:
        cost: array[B, T, N], of frame t belonging to symbol n; what lies in the padding does not matter.
        num_frames: array[B], at least 1.
        num_symbols: array[B], at least 1.

    Returns:
        array[B, T]: the symbol of each frame, never falling, 0 at the first frame, the last symbol at the last one.
        Where there are too few frames to reach the end, as far as they reach; behind an utterance its last place is
        repeated.
    """
    batch, longest, width = cost.shape
    best = np.full((batch, width), np.inf, np.float32)
    best[:, 0] = cost[:, 0, 0]
    steps = np.zeros((longest, batch, width), np.int8)
    totals = np.empty((longest, batch, width), np.float32)
    totals[0] = best
    for time in range(1, longest):
        options = np.full((most_ahead + 1, batch, width), np.inf, np.float32)
        for ahead in range(min(most_ahead, width - 1) + 1):
            options[ahead, :, ahead:] = best[:, : width - ahead]
        steps[time] = options.argmin(axis=0)
        best = options.min(axis=0) + cost[:, time]
        totals[time] = best
    rows = np.arange(batch)
    reachable = np.where(np.isfinite(totals[num_frames - 1, rows]), np.arange(width), 0)
    place = np.minimum(num_symbols - 1, reachable.max(axis=1))
    path = np.empty((batch, longest), np.int64)
    for time in range(longest - 1, -1, -1):
        path[:, time] = place
        place = np.where(time < num_frames, place - steps[time, rows, place], place)
    return path


def diagonal_path(num_frames: NDArray[np.int64], num_symbols: NDArray[np.int64], longest: int) -> NDArray[np.int64]:
    """Give every symbol of an utterance the same time, array[B, T]: where to start when nothing is known yet."""
    part = np.arange(longest) / np.maximum(num_frames - 1, 1)[:, None]
    return np.rint(np.minimum(part, 1) * (num_symbols - 1)[:, None]).astype(np.int64)
