from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from dctts.config import AudioConfig
from dctts.lexicon import Lexicon
from dctts.voice import load_voice
from pipeline.bases import Base
from pipeline.evaluation.reference_curve import draw_reference_curve
from pipeline.evaluation.zero_shot import OWN, UNSEEN, Person, ZeroShot, ZeroShotOptions
from pipeline.listen import Listener
from pipeline.reference import Judges
from tests.conftest import buzz

Wave = NDArray[np.float32]
PITCHES = {"ada": 110, "eve": 150, "joe": 200}
TEXTS = ["One two.", "Three four."]


class Hears(Listener):
    """Hears the first text in anything."""

    def __init__(self) -> None:
        pass

    def hear(self, wave: Wave, sample_rate_hz: int) -> str:
        return "one two"


def who(wave: Wave) -> int:
    """Tell people by the pitch of their buzz; babble has none of them."""
    spectrum, hertz = np.abs(np.fft.rfft(wave)), np.fft.rfftfreq(len(wave), 1 / 22_050)
    shares = [spectrum[np.abs(hertz - pitch) < 3].sum() / spectrum.sum() for pitch in PITCHES.values()]
    return int(np.argmax(shares)) if max(shares) > 0.05 else len(PITCHES)


class Windows:
    """One window a clip."""

    def __init__(self, vector: Wave) -> None:
        self.vectors, self.start_s, self.mean = vector[None], np.zeros(1), vector


class Knows:
    """Tells buzzes by their pitch; says that babble is by somebody between joe and a stranger."""

    def __init__(self, babble_like_joe: float) -> None:
        self.vectors = np.eye(256, dtype=np.float32)[:4]
        other = (1 - babble_like_joe**2) ** 0.5
        self.vectors[3] = babble_like_joe * self.vectors[2] + other * np.eye(256, dtype=np.float32)[9]

    def embed_batch(self, wavs: Sequence[Wave], sample_rate_hz: int) -> list[Wave | None]:
        return [self.vectors[who(wave)] for wave in wavs]

    def embed_windows(self, wavs: Sequence[Wave], sample_rate_hz: int) -> list[Windows]:
        return [Windows(self.vectors[who(wave)]) for wave in wavs]


def person(name: str, group: str) -> Person:
    clips = [buzz(2.0, pitch_hz=PITCHES[name], seed=seed) for seed in range(5)]
    return Person(name=name, group=group, reference=tuple(clips[:2]), clips=tuple(clips[2:]))


def test_every_person_is_spoken_like_and_judged_by_every_judge(tiny_base_file: Path, tmp_path: Path) -> None:
    first, second = Knows(0.6), Knows(0.2)
    judges = Judges(encoder=first, hearing=Hears(), lexicon=Lexicon(), audio=AudioConfig())
    people = [person("ada", OWN), person("eve", UNSEEN), person("joe", UNSEEN)]
    options = ZeroShotOptions(reference_s=3.0, curve_s=(1.0, 3.0), curve_texts=1)
    measured = ZeroShot(
        load_voice(tiny_base_file),
        Base(name="base", path=tiny_base_file),
        judges,
        {"first": first, "second": second},
        options,
    ).measure(people, TEXTS)
    assert measured["base"]["readers"] == ["ada", "bob"]
    assert [one["name"] for one in measured["people"]] == ["ada", "eve", "joe"]
    assert {one["nearest_reader"] for one in measured["people"]} <= {"ada", "bob"}
    joe = measured["people"][2]
    assert joe["wer"] == pytest.approx(0.5)  # the first of two texts is heard rightly
    assert joe["wer_nearest"] == pytest.approx(0.5)  # of the base's reader too
    assert joe["judges"]["first"]["secs"]["value"] == pytest.approx(0.6, abs=1e-4)
    assert joe["judges"]["second"]["secs"]["value"] == pytest.approx(0.2, abs=1e-4)
    assert joe["judges"]["first"]["secs_real"]["value"] == pytest.approx(1)
    assert joe["judges"]["first"]["gain"]["value"] == pytest.approx(0)  # the base babbles alike
    assert joe["judges"]["first"]["margin"]["value"] == pytest.approx(0.6, abs=1e-4)  # over ada, the base's reader
    assert joe["judges"]["first"]["eer"] == 0.0
    assert measured["people"][0]["judges"]["first"]["margin"] is None  # ada herself has no rival among the readers
    own, unseen = measured["groups"]
    assert (own["people"], unseen["people"]) == (1, 2)
    assert unseen["judges"]["first"]["secs"]["value"] == pytest.approx(0.3, abs=1e-4)
    assert unseen["judges"]["first"]["margin_positive"]["value"] == pytest.approx(0.5)
    assert unseen["judges"]["first"]["eer_real"] == 0.0
    rows = [(one["seconds"], one["judge"], round(one["value"], 3)) for one in measured["curve"]]
    assert rows == [(1.0, "first", 0.3), (1.0, "second", 0.1), (3.0, "first", 0.3), (3.0, "second", 0.1)]
    draw_reference_curve(measured["curve"], {"first": 0.9, "second": 0.8}, tmp_path / "curve.png")
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.width > 400
