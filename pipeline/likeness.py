"""How like the wanted speaker a clip sounds, measured by that speaker's own clips: short ones scatter more."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipeline.speakers import Group, Vector, Windows

SCATTER = 0.155
"""Cosine that a clip of d seconds lies below one of endless length: SCATTER / d. Medians of three hosts at 1.2, 2 and
3.5 s fall on that curve to 0.01 (bench/thresholds.md)."""

WINDOW_S = 1.6
"""Length of one window of the speaker encoder."""


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """The wanted speaker against all others of one recording."""

    centroid: Vector
    rivals: tuple[Vector, ...]
    endless_cos: float
    """Cosine to the centroid that a very long clip of this speaker has."""
    margin: float
    """Median lead of this speaker's clips over the nearest rival."""

    def measures(self, windows: Windows, duration_s: float) -> dict[str, float]:
        """Measure one clip.

        Returns:
            `speaker_cos` to the centroid; `speaker_gap`, how far that lies from what a clip of this length has;
            `speaker_low`, the same for the clip's least like window; and `speaker_lead` over the nearest other
            speaker, as a share of the usual lead, where there are others.
        """
        cos = float(windows.mean @ self.centroid)
        low = float((windows.vectors @ self.centroid).min())
        found = {
            "speaker_cos": round(cos, 3),
            "speaker_gap": round(cos - self.expected(duration_s), 3),
            "speaker_low": round(low - self.expected(min(duration_s, WINDOW_S)), 3),
        }
        if self.rivals:
            lead = cos - max(float(windows.mean @ rival) for rival in self.rivals)
            found["speaker_lead"] = round(lead / max(self.margin, 0.05), 3)
        return found

    def expected(self, duration_s: float) -> float:
        """Return the cosine that a clip of this speaker has, for its length."""
        return self.endless_cos - SCATTER / max(duration_s, 1.0)


def likeness(groups: Sequence[Group], wanted: int, vectors: Sequence[Vector], durations_s: Sequence[float]) -> Likeness:
    """Learn from the wanted speaker's clips how near they lie to their centroid and how far from the others.

    Args:
        groups: the speakers.
        wanted: index of one of them.
        vectors: of all clips that the groups' members count in.
        durations_s: of the same clips.
    """
    group = groups[wanted]
    # A rival with a few seconds is a cough or a laugh; music never has words, so it is none of the groups.
    rivals = tuple(
        other.centroid for k, other in enumerate(groups) if k != wanted and other.seconds >= 0.02 * group.seconds
    )
    cosines = [float(vectors[i] @ group.centroid) + SCATTER / max(durations_s[i], 1.0) for i in group.members]
    leads = [
        float(vectors[i] @ group.centroid) - max(float(vectors[i] @ rival) for rival in rivals)
        for i in group.members
        if rivals
    ]
    return Likeness(
        centroid=group.centroid,
        rivals=rivals,
        endless_cos=float(np.median(cosines)),
        margin=float(np.median(leads)) if leads else 1.0,
    )
