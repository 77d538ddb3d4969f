"""Who is the main speaker: clips' vectors clustered, the cluster with the most minutes taken."""

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

Vector = NDArray[np.float32]
"""float32[256] of norm 1: one voice."""

MOST_CLUSTERED = 2000
"""Clips that are clustered: memory grows with their square (32 MB here); more are thinned out evenly."""


class SpeakerEncoder(Protocol):
    """Maps speech to vectors, nearer for one speaker than for two."""

    def embed_batch(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> Sequence[Vector | None]:
        """Return the vector of each wave, None for one without speech."""


def dominant_voice(vectors: Sequence[Vector], durations_s: Sequence[float], *, least_cosine: float) -> Vector:
    """Return the centroid of the speaker with the most seconds, float32[256] of norm 1.

    Args:
        vectors: one for each clip, norm 1; at least one.
        durations_s: how long each clip is.
        least_cosine: mean cosine between two clusters from which they are one speaker.
    """
    step = -(-len(vectors) // MOST_CLUSTERED)
    points, weights = np.stack(vectors[::step]), np.asarray(durations_s[::step])
    if len(points) == 1:
        return points[0]
    tree = linkage(points, method="average", metric="cosine")
    labels = fcluster(tree, t=1 - least_cosine, criterion="distance")
    seconds = np.bincount(labels, weights=weights)
    # Equal minutes: the label that comes first, which is the same on every run.
    mine = labels == int(seconds.argmax())
    centroid = (points[mine] * weights[mine, None]).sum(axis=0)
    result: Vector = (centroid / np.linalg.norm(centroid)).astype(np.float32)
    return result
