"""Where each second of a recording went: kept, dropped and why, or never speech."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

from pipeline.records import Clip

NOT_SPEECH = "not speech"


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A stretch of a recording with one verdict."""

    start_s: float
    end_s: float
    reason: str
    """"" when kept, `NOT_SPEECH` when no candidate covers it, else why it was dropped."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, kw_only=True)
class Funnel:
    """Seconds of one or more recordings by what became of them; they add up to the whole."""

    total_s: float
    kept_s: float
    not_speech_s: float
    dropped_s: tuple[tuple[str, float], ...]
    """(reason, seconds), the largest first; a clip with several reasons counts under its first."""


def stretches(clips: Sequence[Clip], duration_s: float) -> list[Stretch]:
    """Give every moment of one recording its verdict.

    Where candidates overlap, a moment that any kept clip holds is kept, else the earlier candidate's reason counts.

    Args:
        clips: the candidates of one recording.
        duration_s: its length; clips are cut off there.

    Returns:
        Stretches in order, without gaps or overlaps, from 0 to `duration_s`.
    """
    ranked = sorted(clips, key=lambda clip: (not clip.kept, clip.start_s, clip.id))
    edges = sorted({0.0, duration_s, *(min(edge, duration_s) for clip in clips for edge in (clip.start_s, clip.end_s))})
    starting = sorted(range(len(ranked)), key=lambda rank: ranked[rank].start_s)
    active: set[int] = set()
    result: list[Stretch] = []
    for start, end in pairwise(edges):
        while starting and ranked[starting[0]].start_s <= start:
            active.add(starting.pop(0))
        active = {rank for rank in active if ranked[rank].end_s > start}
        reason = ("" if ranked[min(active)].kept else label(ranked[min(active)].reasons[0])) if active else NOT_SPEECH
        if result and result[-1].reason == reason == NOT_SPEECH:
            result[-1] = Stretch(start_s=result[-1].start_s, end_s=end, reason=reason)
        else:
            result.append(Stretch(start_s=start, end_s=end, reason=reason))
    return result


def add_up(parts: Iterable[Stretch]) -> Funnel:
    """Add up the stretches of any number of recordings."""
    seconds: dict[str, float] = {}
    for part in parts:
        seconds[part.reason] = seconds.get(part.reason, 0.0) + part.duration_s
    kept_s, not_speech_s = seconds.pop("", 0.0), seconds.pop(NOT_SPEECH, 0.0)
    dropped = tuple(sorted(seconds.items(), key=lambda item: (-item[1], item[0])))
    total_s = kept_s + not_speech_s + sum(value for _, value in dropped)
    return Funnel(total_s=total_s, kept_s=kept_s, not_speech_s=not_speech_s, dropped_s=dropped)


def label(reason: str) -> str:
    """Name the kind of a reason: `other_speaker` in words, "snr 8.1 dB < 15" and "snr 9.4 dB < 15" counted together."""
    kind = re.split(r"\s*[:(=<>≥≤]|\s+[-+]?\d", reason, maxsplit=1)[0].strip() or reason
    return kind.replace("_", " ")
