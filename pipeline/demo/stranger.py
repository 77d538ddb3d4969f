"""A base voice that nobody has heard: changed in pitch, formants and pace by Praat, so that there is a voice to learn.

Praat is GPL 3 and comes in the `praat-parselmouth` wheel: an optional part for the demo, as eSpeak NG is.
"""

import warnings
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from dctts.errors import ClonePipelineError
from dctts.lexicon import Lexicon
from dctts.synthesize import speak
from dctts.timings import WordTime
from dctts.voice import Voice
from pipeline.demo.speaker import Spoken

_LOWEST_HZ, _HIGHEST_HZ = 75.0, 500.0
_PEAK = 0.95


@dataclass(frozen=True, kw_only=True)
class Disguise:
    """How a voice is changed."""

    pitch_hz: float
    """Its new median."""
    formants: float
    """Factor on all resonances: below 1 as of somebody taller."""
    liveliness: float = 1.0
    """Factor on how far the pitch moves."""
    duration: float = 1.0
    """Factor on how long everything takes."""


class Stranger:
    """A base voice in disguise.

    Args:
        voice: who really speaks.
        lexicon: pronunciations.
        disguise: what is made of it.
    """

    def __init__(self, voice: Voice, lexicon: Lexicon, disguise: Disguise) -> None:
        self._voice, self._lexicon, self._disguise = voice, lexicon, disguise

    @property
    def sample_rate_hz(self) -> int:
        """The base voice's own."""
        return self._voice.audio.sample_rate_hz

    def speak(self, text: str) -> Spoken:
        """Say a text.

        Raises:
            TextError: nothing in the text can be spoken.
            ClonePipelineError: Praat is not installed.
        """
        pieces: list[NDArray[np.float32]] = []
        words: list[WordTime] = []
        for spoken in speak(text, self._voice, self._lexicon):
            pause = np.zeros(round(spoken.silence_ms / 1000 * self.sample_rate_hz), np.float32)
            pieces += [spoken.wave, pause]
            words += spoken.words
        plain = np.concatenate(pieces)
        changed = change(plain, self.sample_rate_hz, self._disguise)
        stretch = len(changed) / len(plain)
        return Spoken(
            samples=(changed * 32767).round().astype(np.int16),
            sample_rate_hz=self.sample_rate_hz,
            word_starts_s=tuple(word.start_s * stretch for word in words),
        )


def change(wave: NDArray[np.float32], sample_rate_hz: int, disguise: Disguise) -> NDArray[np.float32]:
    """Give speech another pitch, other formants and another pace, as loud as it was.

    Raises:
        ClonePipelineError: Praat is not installed.

    Source: Praat's "Change gender", Boersma and Weenink: resampling, then overlap-add of pitch periods.
    """
    try:
        import parselmouth  # optional, so not at the top
        from parselmouth.praat import call
    except ImportError as error:
        raise ClonePipelineError(f"cannot load Praat: {error}", hint="pip install 'clone-pipeline[demo]'") from error
    sound = parselmouth.Sound(wave.astype(np.float64), sample_rate_hz)
    factors = (disguise.formants, disguise.pitch_hz, disguise.liveliness, disguise.duration)
    with warnings.catch_warnings():  # a voice too young to have a pitch is changed all the same
        warnings.filterwarnings("ignore", "There were no voiced segments found", parselmouth.PraatWarning)
        changed = call(sound, "Change gender", _LOWEST_HZ, _HIGHEST_HZ, *factors).values[0]
    loudness = np.sqrt(np.mean(np.square(wave)) / max(np.mean(np.square(changed)), 1e-12))
    level = min(loudness, _PEAK / max(float(np.abs(changed).max()), 1e-6))
    return np.asarray(level * changed, dtype=np.float32)
