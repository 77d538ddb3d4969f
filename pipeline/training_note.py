"""What a fine-tuning run left for people to see: its learning curve, why its step was chosen, what it bought."""

import json
from dataclasses import dataclass
from pathlib import Path

from pipeline.side_by_side import SideBySide, read_side_by_side

SELECTION, CURVE = "selection.json", "learning-curve.png"
_LARGEST_BYTES = 2_000_000


@dataclass(frozen=True, kw_only=True)
class TrainingNote:
    """One run, as the report shows it."""

    run: str
    why: str
    """Why the chosen step was chosen, "" when none is yet."""
    findings: tuple[str, ...]
    """What there is to worry about."""
    curve_png: bytes
    """b"" when there is none."""
    side_by_side: SideBySide | None = None
    """What the minutes bought, where the voice was made from a base."""


def read_training(run: Path | None) -> TrainingNote | None:
    """Read what a run left; None when it left nothing, or nothing that can be read.

    A run of an earlier version has no such files, and one that is training writes them while this reads: neither is
    an error.
    """
    if run is None:
        return None
    try:
        selection = json.loads((run / SELECTION).read_text(encoding="utf-8"))
        why, findings = str(selection.get("why", "")), tuple(str(line) for line in selection.get("findings", ()))
    except (OSError, ValueError, AttributeError, TypeError):
        why, findings = "", ()
    curve = run / CURVE
    png = curve.read_bytes() if curve.is_file() and curve.stat().st_size <= _LARGEST_BYTES else b""
    compared = read_side_by_side(run)
    if not (why or png or compared):
        return None
    return TrainingNote(run=run.name, why=why, findings=findings, curve_png=png, side_by_side=compared)
