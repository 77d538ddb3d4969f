"""Who speaks in a recording: clips' vectors clustered, the clusters in order of their minutes, one of them wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

from pipeline.errors import SpeakerError

Vector = NDArray[np.float32]
"""float32[256] of norm 1: one voice."""

MOST_CLUSTERED = 2000
"""Clips that are clustered: memory grows with their square (32 MB here); more are thinned out evenly."""

STEADY_S = 2.0
"""Clips from this length on make the clusters, shorter ones join the nearest: their vectors scatter."""

LEAST_CLIPS = 2
LEAST_SHARE = 0.05
"""A speaker has at least two steady clips, or this share of them all; else it is an odd clip of somebody else."""

SAME_PERSON_COS = 0.85
"""Clusters whose centroids lie nearer are one person who sat further from the microphone for a while."""


class Windows(Protocol):
    """The vectors of a clip's windows of 1.6 s."""

    @property
    def vectors(self) -> Vector:
        """float32[P, 256]."""

    @property
    def start_s(self) -> NDArray[np.float64]:
        """When each starts in the clip."""

    @property
    def mean(self) -> Vector:
        """The clip's own vector."""


class SpeakerEncoder(Protocol):
    """Maps speech to vectors, nearer for one speaker than for two."""

    def embed_windows(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> Sequence[Windows | None]:
        """Return the windows of each wave, None for one without speech."""


@dataclass(frozen=True, kw_only=True)
class Group:
    """One speaker of a recording."""

    members: tuple[int, ...]
    """Which clips, in order of time."""
    seconds: float
    centroid: Vector


def find_groups(
    vectors: Sequence[Vector], durations_s: Sequence[float], clean: Sequence[bool], *, least_cosine: float
) -> list[Group]:
    """Group clips by speaker, the one with the most seconds first.

    Args:
        vectors: one for each clip, norm 1.
        durations_s: how long each clip is.
        clean: which are free of noise: a voice over an engine would make a speaker of its own. Every clip is given
            to a speaker, but only clean ones make one.
        least_cosine: mean cosine between two clusters from which they are one speaker.
    """
    if not len(vectors):
        return []
    every, seconds = np.stack(vectors), np.asarray(durations_s, np.float64)
    steady = np.flatnonzero((seconds >= STEADY_S) & np.asarray(clean))
    if len(steady) < 2:
        steady = np.arange(len(every))
    steady = steady[:: -(-len(steady) // MOST_CLUSTERED)]
    labels = np.ones(len(steady), np.int64)
    if len(steady) > 1:
        tree = linkage(every[steady], method="average", metric="cosine")
        labels = fcluster(tree, t=1 - least_cosine, criterion="distance")
    found = [steady[labels == one] for one in np.unique(labels)]
    enough_s = LEAST_SHARE * seconds[steady].sum()
    found = [own for own in found if len(own) >= LEAST_CLIPS or seconds[own].sum() >= enough_s] or found
    centroids = [_centroid(every[own], seconds[own]) for own in found]
    centroids = _joined(centroids, [float(seconds[own].sum()) for own in found])
    nearest = (every @ np.stack(centroids).T).argmax(axis=1)
    groups = [
        Group(
            members=tuple(int(i) for i in np.flatnonzero(nearest == k)),
            seconds=float(seconds[nearest == k].sum()),
            centroid=centroid,
        )
        for k, centroid in enumerate(centroids)
        if (nearest == k).any()
    ]
    # Equal minutes: who speaks first, which is the same on every run.
    return sorted(groups, key=lambda group: (-round(group.seconds, 3), group.members[0]))


def choose(groups: Sequence[Group], *, number: int, reference: Vector | None, least_cosine: float) -> int:
    """Return the index of the wanted speaker.

    Args:
        groups: as `find_groups` orders them; at least one.
        number: 1 takes the speaker with the most minutes, 2 the next.
        reference: a vector of the wanted voice; it goes before `number`.
        least_cosine: to the reference, below which nobody here is that person.

    Raises:
        SpeakerError: there are not so many, or none of them sounds like the reference.
    """
    if reference is not None:
        cosines = [float(group.centroid @ reference) for group in groups]
        best = int(np.argmax(cosines))
        if cosines[best] < least_cosine:
            raise SpeakerError(
                f"none of {len(groups)} speakers sounds like the reference: the nearest has a cosine of "
                f"{cosines[best]:.2f}, {least_cosine} is needed",
                hint="give a clip of the same person, 5 to 20 s of clear speech, or pick one by --speaker",
            )
        return best
    if number > len(groups):
        raise SpeakerError(
            f"no speaker {number}: {len(groups)} speak here", hint="see who with --list-speakers, then give --speaker"
        )
    return number - 1


def _joined(centroids: list[Vector], seconds: list[float]) -> list[Vector]:
    """Join clusters whose centroids are one person's, the nearest two first."""
    while len(centroids) > 1:
        points = np.stack(centroids)
        cosines = points @ points.T - 2 * np.eye(len(points))
        first, second = sorted(int(k) for k in np.unravel_index(int(cosines.argmax()), cosines.shape))
        if cosines[first, second] < SAME_PERSON_COS:
            break
        weights = np.array([seconds[first], seconds[second]])
        centroids[first], seconds[first] = _centroid(points[[first, second]], weights), float(weights.sum())
        del centroids[second], seconds[second]
    return centroids


def _centroid(points: NDArray[np.float32], weights: NDArray[np.float64]) -> Vector:
    mean = (points * weights[:, None]).sum(axis=0)
    result: Vector = (mean / np.linalg.norm(mean)).astype(np.float32)
    return result
