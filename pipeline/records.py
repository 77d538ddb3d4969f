"""What travels between stages: frozen rows, standard library only.

Recording ─ segment ─▶ Span ─ transcribe ─▶ Utterance ─ screen ─▶ Clip
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

CaptionsKind = Literal["manual", "automatic", "none"]


@dataclass(frozen=True, kw_only=True)
class Recording:
    """One fetched video or file: `sources/<id>/` with its audio, captions and where they came from."""

    id: str
    """Letters, digits, `-` and `_`: safe as a file name, the same on every run."""
    folder: Path
    audio: Path
    """The audio as it was fetched, in whatever container it came."""
    audio_sha256: str
    captions: Path | None
    captions_kind: CaptionsKind
    language: str
    url: str
    title: str
    channel: str
    licence: str
    uploaded: str
    """ISO date, "" when the page does not say."""
    duration_s: float


@dataclass(frozen=True, kw_only=True)
class Word:
    """One word and when it is said, in seconds from the start of the recording."""

    text: str
    start_s: float
    end_s: float
    score: float = 0.0
    """Where it was aligned, how well the sound fits it: nats per frame, at most 0; the worst of its spoken words."""


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of the recording that may become a clip, in seconds from its start."""

    start_s: float
    end_s: float

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s


@dataclass(frozen=True, kw_only=True)
class Utterance:
    """A span with the words said in it, by each witness that was asked."""

    source: str
    span: Span
    text: str
    """The text to pair with the audio; "" when no witness heard words."""
    words: tuple[Word, ...] = ()
    """`text` word by word with aligned times, where the aligner found them."""
    witnesses: Mapping[str, str] = field(default_factory=dict)
    """Name of the witness (`captions`, `whisper`, `pocketsphinx`) → what it says was spoken."""
    measures: Mapping[str, float] = field(default_factory=dict)
    """What transcribing measured, such as `alignment_score`."""


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """One person who speaks in a recording."""

    number: int
    """1 has the most minutes; what `--speaker` takes."""
    speech_s: float
    """Of the candidates that sound most like this person."""
    share: float
    """Of all speech with words, in [0, 1]."""
    wanted: bool
    """Whether the dataset is made of this voice."""
    samples: tuple[Span, ...]
    """Up to three stretches that sound like this person most, to listen to."""
    vector: tuple[float, ...]
    """256 numbers of norm 1: the voice."""


@dataclass(frozen=True, kw_only=True)
class Clip:
    """One line of `clips.jsonl`: a candidate, kept or dropped, and every reason."""

    id: str
    """`<source id>-<start ms>`: the same on every run."""
    source: str
    start_s: float
    end_s: float
    text: str
    kept: bool
    reasons: tuple[str, ...] = ()
    """Why it was dropped; empty when kept."""
    measures: Mapping[str, float] = field(default_factory=dict)
    witnesses: Mapping[str, str] = field(default_factory=dict)
    pauses: tuple[Span, ...] = ()
    """Stretches of silence inside it that the dataset leaves out, in order, in seconds of the recording."""

    @property
    def duration_s(self) -> float:
        """Length in seconds of what the dataset holds of it."""
        return self.end_s - self.start_s - sum(pause.duration_s for pause in self.pauses)

    def __post_init__(self) -> None:
        if self.kept == bool(self.reasons):
            raise ValueError(
                f"clip {self.id}: a kept clip has no reasons and a dropped one has some, got {self.reasons}"
            )


def clip_id(source: str, start_s: float) -> str:
    """Name a clip after its source and its start in whole milliseconds."""
    return f"{source}-{round(start_s * 1000):07d}"
