"""eSpeak NG through ctypes: text → samples and when each word is said.

The library and its voices come in the `espeakng-loader` wheel. eSpeak NG is GPL-3: an optional part for the demo and
the tests, never needed to fetch, train or speak.
"""

import ctypes
from dataclasses import dataclass
from functools import cache
from typing import ClassVar

import numpy as np
from numpy.typing import NDArray

from dctts.errors import ClonePipelineError
from pipeline.demo.speaker import Spoken

_SYNCHRONOUS = 2
_DO_NOT_EXIT = 0x8000  # else a missing data folder ends the whole process
_UTF8 = 1
_RATE, _PITCH, _RANGE = 1, 3, 4
_WORD_EVENT = 1


@dataclass(frozen=True, kw_only=True)
class EspeakVoice:
    """How somebody speaks."""

    name: str
    """eSpeak's own: a language and a variant, such as `en-us+f3`."""
    words_per_minute: int = 165
    pitch: int = 50
    """0 to 99."""
    liveliness: int = 60
    """How far the pitch moves, 0 to 99."""


class _Event(ctypes.Structure):
    _fields_: ClassVar = [
        ("type", ctypes.c_int),
        ("identifier", ctypes.c_uint),
        ("text_position", ctypes.c_int),
        ("length", ctypes.c_int),
        ("audio_ms", ctypes.c_int),
        ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p),
        ("id", ctypes.c_char * 8),
    ]


_Callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event))


class Espeak:
    """The one synthesiser of this process: the C library keeps its state in globals, so use `open_espeak`.

    Raises:
        ClonePipelineError: the wheel is not installed or its library cannot be loaded.
    """

    def __init__(self) -> None:
        try:
            import espeakng_loader  # optional, so not at the top

            self._library = ctypes.CDLL(espeakng_loader.get_library_path())
            data = espeakng_loader.get_data_path()
        except (ImportError, OSError, RuntimeError) as error:
            raise ClonePipelineError(
                f"cannot load eSpeak NG: {error}", hint="pip install 'clone-pipeline[demo]'"
            ) from error
        rate = self._library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _DO_NOT_EXIT)
        if rate <= 0:
            raise ClonePipelineError(
                f"cannot start eSpeak NG with {data}", hint="pip install --force-reinstall espeakng-loader"
            )
        self.sample_rate_hz = int(rate)
        self._samples: list[NDArray[np.int16]] = []
        self._words: list[tuple[int, int]] = []
        self._callback = _Callback(self._receive)  # kept here, or it is collected while C still calls it
        self._library.espeak_SetSynthCallback(self._callback)

    def speak(self, text: str, voice: EspeakVoice) -> Spoken:
        """Say a text.

        Raises:
            ClonePipelineError: eSpeak NG has no such voice or refuses the text.
        """
        self._samples, self._words = [], []
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise ClonePipelineError(f"eSpeak NG has no voice {voice.name!r}", hint="use one such as en-us or en-us+f3")
        for parameter, value in ((_RATE, voice.words_per_minute), (_PITCH, voice.pitch), (_RANGE, voice.liveliness)):
            self._library.espeak_SetParameter(parameter, value, 0)
        said = text.encode()
        if self._library.espeak_Synth(said, ctypes.c_size_t(len(said) + 1), 0, 1, 0, _UTF8, None, None) != 0:
            raise ClonePipelineError(f"eSpeak NG cannot say {text[:60]!r}", hint="give plain text")
        samples = np.concatenate(self._samples) if self._samples else np.zeros(0, np.int16)
        return Spoken(
            samples=samples, sample_rate_hz=self.sample_rate_hz, word_starts_s=_starts_s(text, dict(self._words))
        )

    def _receive(self, wave: "ctypes._Pointer[ctypes.c_short]", count: int, events: "ctypes._Pointer[_Event]") -> int:
        if wave and count:
            self._samples.append(np.ctypeslib.as_array(wave, (count,)).astype(np.int16))
        place = 0
        while events[place].type:
            if events[place].type == _WORD_EVENT:
                self._words.append((events[place].text_position - 1, events[place].audio_ms))
            place += 1
        return 0


class EspeakSpeaker:
    """One of eSpeak NG's voices."""

    def __init__(self, espeak: Espeak, voice: EspeakVoice) -> None:
        self._espeak, self._voice = espeak, voice
        self.sample_rate_hz = espeak.sample_rate_hz

    def speak(self, text: str) -> Spoken:
        """Say a text.

        Raises:
            ClonePipelineError: eSpeak NG refuses it.
        """
        return self._espeak.speak(text, self._voice)


@cache
def open_espeak() -> Espeak:
    """Start eSpeak NG, once."""
    return Espeak()


def _starts_s(text: str, told_ms: dict[int, int]) -> tuple[float, ...]:
    starts_s: list[float] = []
    position = 0
    for word in text.split():
        position = text.index(word, position)
        # a word eSpeak runs together with the one before it ("of the") gets no event of its own
        told = [told_ms[place] for place in range(position, position + len(word)) if place in told_ms]
        starts_s.append(max(told[0] / 1000 if told else 0.0, starts_s[-1] if starts_s else 0.0))
        position += len(word)
    return tuple(starts_s)
