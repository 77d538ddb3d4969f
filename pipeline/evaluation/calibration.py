"""What a cosine of speaker vectors means: what each encoder gives for real people, measured once and shipped.

`python -m bench.encoders --write` measures it.
"""

import json
from dataclasses import dataclass

from dctts.errors import ClonePipelineError
from dctts.shipped import shipped

PLACE = "encoder/calibration.json"


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Cosines of real clips to the mean of a speaker's other clips."""

    encoder: str
    same: tuple[float, float, float]
    """To their own speaker: exceeded by 95 %, 50 % and 5 % of the clips."""
    different: tuple[float, float, float]
    """To other speakers, likewise."""
    eer: float
    """Of telling the one from the other."""


def shipped_calibrations() -> list[Calibration]:
    """Read what ships, the encoder that conditions the voices first; nothing where no encoder ships."""
    try:
        place = shipped(PLACE)
    except ClonePipelineError:
        return []
    rows = json.loads(place.read_text(encoding="utf-8"))["encoders"]
    return [
        Calibration(encoder=row["encoder"], same=tuple(row["same"]), different=tuple(row["different"]), eer=row["eer"])
        for row in rows
    ]
