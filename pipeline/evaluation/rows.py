"""One text said by the voice, listened to and measured; and, where there is one, its real reading likewise."""

from dataclasses import dataclass

from pipeline.evaluation.acoustics import Distance
from pipeline.evaluation.material import Prompt
from pipeline.listen import Errors


@dataclass(frozen=True, kw_only=True)
class Heard:
    """A sound as the judges take it."""

    text: str
    """What PocketSphinx heard."""
    errors: Errors
    whisper: str | None
    """What Whisper heard; None where it was not asked."""
    whisper_errors: Errors | None
    secs: float
    """Cosine of speaker vectors to the speaker."""
    strangers: tuple[float, ...]
    """The same to each other speaker at hand."""
    duration_s: float
    sound: bytes
    """MP3, for the page."""
    second_secs: float | None = None
    """Cosine to the speaker by an encoder that the voice was not conditioned on; None where it was not asked."""
    second_strangers: tuple[float, ...] = ()
    """The same to each stranger that it knows."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One text."""

    prompt: Prompt
    made: Heard
    reached_end: bool
    coverage: float
    """Part of the symbols that were attended."""
    forced_rate: float
    """Part of the frames in which attention had to be moved."""
    num_chunks: int
    num_retried: int
    """Chunks that had to be decoded more than once."""
    length_ratio: float
    """Duration by what the speaker's rate lets expect."""
    spent_s: float
    """Seconds from text to sound."""
    processor_s: float
    """The same in processor time, which other programs do not stretch."""
    real: Heard | None = None
    distance: Distance | None = None
    """Of the voice from the real reading."""
    picture: bytes = b""
    """PNG: both spectrograms, of some rows."""
