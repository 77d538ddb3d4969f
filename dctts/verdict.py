"""How well a text was spoken, by what attention did: nothing is listened to."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from dctts.retry import Take


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How well one chunk went."""

    text: str
    start_s: float
    """Where in the sound it begins."""
    duration_s: float
    """Without the silence that follows."""
    passed: bool
    """Whether the end was reached, coverage is at least 0.95 and the forced rate at most 0.1."""
    reached_end: bool
    """Whether the voice got to the end of the text before the length cap."""
    coverage: float
    """Part of the symbols that were attended."""
    forced_rate: float
    """Part of the frames in which attention had to be moved."""
    attempts: int
    """How often the chunk was decoded."""
    remedy: str
    """What was done otherwise in the take that was kept: `sharper attention`, `narrower window`, `letters for WORD`,
    `split`, or nothing."""


def judge(take: Take, *, text: str, start_s: float, duration_s: float) -> Verdict:
    """Sum up a take; of one that was split, coverage is weighted by symbols and forced rate by frames."""
    decoded = [piece.decoded for piece in take.pieces]
    symbols = sum(len(one.attended) for one in decoded)
    frames = sum(len(one.coarse) for one in decoded)
    return Verdict(
        text=text,
        start_s=round(start_s, 3),
        duration_s=round(duration_s, 3),
        passed=not take.failed,
        reached_end=all(one.reached_end for one in decoded),
        coverage=round(sum(one.coverage * len(one.attended) for one in decoded) / symbols, 4),
        forced_rate=round(sum(one.forced_frames for one in decoded) / max(1, frames), 4),
        attempts=take.attempts,
        remedy=take.remedy,
    )


def summarise(verdicts: Sequence[Verdict], *, duration_s: float) -> dict[str, Any]:
    """Give the document of `speak --verdict`: the whole first, means weighted by duration, then every chunk."""
    weight = sum(verdict.duration_s for verdict in verdicts) or 1.0

    def mean(name: str) -> float:
        total: float = sum(getattr(verdict, name) * verdict.duration_s for verdict in verdicts)
        return round(total / weight, 4)

    return {
        "version": 1,
        "passed": all(verdict.passed for verdict in verdicts),
        "duration_s": round(duration_s, 3),
        "chunks": len(verdicts),
        "chunks_failed": sum(not verdict.passed for verdict in verdicts),
        "chunks_retried": sum(verdict.attempts > 1 for verdict in verdicts),
        "reached_end": all(verdict.reached_end for verdict in verdicts),
        "coverage": mean("coverage"),
        "forced_rate": mean("forced_rate"),
        "each": [asdict(verdict) for verdict in verdicts],
    }
