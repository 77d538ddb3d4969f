"""A base voice that nobody has heard: changed in pitch, formants and pace, so that there is a voice to learn."""

import numpy as np
from numpy.typing import NDArray

from dctts.disguise import Disguise, change
from dctts.lexicon import Lexicon
from dctts.synthesize import speak
from dctts.timings import WordTime
from dctts.voice import Voice
from pipeline.demo.speaker import Spoken


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
