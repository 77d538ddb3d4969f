from pathlib import Path

import numpy as np
import pytest

from dctts.audio import load_wav
from dctts.manifest import read_dataset
from dctts.text import encode_words
from pipeline.phone_times import PhoneTimes


@pytest.fixture(scope="module")
def finder() -> PhoneTimes:
    return PhoneTimes()


def words_of(text: str) -> list[str]:
    return [word.text for word in encode_words(text).words]


def test_the_phones_of_a_clip_are_found_in_order(shared: Path, finder: PhoneTimes) -> None:
    row = read_dataset(shared / "data" / "arctic_slt")[0]  # "Author of the danger trail, Philip Steels, etc."
    wave = load_wav(row.wav, 22_050)
    times = finder.find(words_of(row.text), wave, 22_050)
    assert times is not None
    assert sorted(set(times[:, 0])) == list(range(len(words_of(row.text))))
    assert np.sum(times[:, 0] == 0) == 3  # AO TH ER
    assert np.all(times[:, 1] < times[:, 2])
    assert np.all(times[1:, 1] >= times[:-1, 2] - 1e-6)
    assert 0.05 < times[0, 1] < 0.4
    assert times[-1, 2] < len(wave) / 22_050


def test_a_text_that_is_not_said_is_not_found(shared: Path, finder: PhoneTimes) -> None:
    row = read_dataset(shared / "data" / "arctic_slt")[0]
    wave = load_wav(row.wav, 22_050)
    assert (
        finder.find(words_of("Zebras juggle fourteen quiet xylophones below my kitchen window."), wave, 22_050) is None
    )


def test_noise_and_inline_pronunciations_are_not_found(finder: PhoneTimes) -> None:
    noise = np.random.default_rng(0).normal(0, 0.1, 22_050).astype(np.float32)
    assert finder.find(["hello", "world"], noise, 22_050) is None
    assert finder.find(["{N UH1 R AH0 L}"], noise, 22_050) is None
