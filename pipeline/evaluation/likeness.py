"""Whether a voice sounds like the one it should be: cosines of speaker vectors.

SECS is the cosine to the mean vector of the speaker's own clips. Vectors have no negative component, so strangers lie
near 0.55, not near 0. The voice was conditioned on the same encoder's vector: see it beside what real clips get.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

ENOUGH_SPEAKERS = 10
"""Fewer give an equal error rate that a single stranger decides."""


class Likeness:
    """Compare with one speaker, and with strangers.

    Args:
        own: clip id → unit speaker vector of the speaker's own clips; of a voice without clips, the vector it has.
        others: name → unit speaker vector of everybody else at hand.
    """

    def __init__(self, own: Mapping[str, Vector], others: Mapping[str, Vector]) -> None:
        self._own = dict(own)
        self._sum = np.sum(list(own.values()), axis=0)
        self.others = {name: others[name] for name in sorted(others)}
        self._strangers = np.stack(list(self.others.values())) if others else np.zeros((0, len(self._sum)), np.float32)

    def secs(self, vector: Vector | None, without: str = "") -> float:
        """Cosine to the speaker, one of whose clips may be left out; 0 where no speech was found."""
        if vector is None:
            return 0.0
        mean = self._sum - self._own[without] if without in self._own and len(self._own) > 1 else self._sum
        return float(vector @ mean / np.linalg.norm(mean))

    def strangers(self, vector: Vector | None) -> tuple[float, ...]:
        """Cosine to each of the others."""
        if vector is None:
            return (0.0,) * len(self._strangers)
        return tuple(float(value) for value in self._strangers @ vector)
