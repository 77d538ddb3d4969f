"""Real speech to measure: eSpeak NG's, as waves and as a dataset."""

from collections.abc import Callable
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dctts.atomic import write_text
from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.manifest import write_metadata
from pipeline.demo.espeak import EspeakVoice, open_espeak

Wave = NDArray[np.float32]
TEXTS = ("We came home early.", "She saw a red bird.", "It was cold outside.", "The sun rose at six.")


@cache
def said(text: str, voice: str = "en-us+f3", pitch: int = 50, words_per_minute: int = 165) -> tuple[Wave, int]:
    spoken = open_espeak().speak(text, EspeakVoice(name=voice, pitch=pitch, words_per_minute=words_per_minute))
    return (spoken.samples / 32768).astype(np.float32), spoken.sample_rate_hz


@pytest.fixture(scope="session")
def espeak() -> Callable[..., tuple[Wave, int]]:
    return said


@pytest.fixture(scope="session")
def spoken_dataset(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Four short clips of one reader, the last two held out."""
    folder = tmp_path_factory.mktemp("corpora") / "robot"
    (folder / "wavs").mkdir(parents=True)
    rows = [(f"robot-{number}", text, text) for number, text in enumerate(TEXTS)]
    for identity, text, _ in rows:
        soundfile.write(folder / "wavs" / f"{identity}.wav", *said(text), subtype="PCM_16")
    write_metadata(folder, rows)
    write_text(folder / "val.txt", "robot-2\nrobot-3\n")
    return folder


class Parrot:
    """A judge that hears what it is told: a stand-in for minutes of listening."""

    def __init__(self, *answers: str) -> None:
        self._answers, self.calls = answers, 0

    def hear(self, wave: Wave, sample_rate_hz: int) -> str:
        self.calls += 1
        return self._answers[(self.calls - 1) % len(self._answers)]


@pytest.fixture(scope="session")
def parrot() -> type[Parrot]:
    return Parrot


@pytest.fixture(scope="session")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder()
