"""Trials of speaker verification: pairs of recordings, the same speaker or two."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Trials:
    """Cosines of all pairs of some recordings."""

    genuine: NDArray[np.float64]
    """Of two recordings of one speaker."""
    impostor: NDArray[np.float64]
    """Of two speakers."""

    @property
    def eer(self) -> float:
        """The equal error rate."""
        return equal_error_rate(self.genuine, self.impostor)


def all_pairs(vectors: NDArray[np.float32], speakers: Sequence[str]) -> Trials:
    """Compare each recording with every other one.

    Args:
        vectors: float32[N, D] of norm 1.
        speakers: name of each one's speaker.
    """
    first, second = np.triu_indices(len(vectors), 1)
    cosines = np.asarray((vectors @ vectors.T)[first, second], np.float64)
    names = np.asarray(speakers)
    same = names[first] == names[second]
    return Trials(genuine=cosines[same], impostor=cosines[~same])


def equal_error_rate(genuine: NDArray[np.float64], impostor: NDArray[np.float64]) -> float:
    """Find where as many genuine trials fall below a threshold as impostors reach it; 0 tells them all apart."""
    thresholds = np.unique(np.concatenate([genuine, impostor]))
    thresholds = np.append(thresholds, thresholds[-1] + 1)
    rejected = np.searchsorted(np.sort(genuine), thresholds) / len(genuine)
    accepted = 1 - np.searchsorted(np.sort(impostor), thresholds) / len(impostor)
    best = np.argmin(np.abs(rejected - accepted))
    return float((rejected[best] + accepted[best]) / 2)
