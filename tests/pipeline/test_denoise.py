"""Noise is lowered where there is some; speech, silence and what is too short stay what they were."""

import numpy as np
import pytest

from pipeline.denoise import denoise
from tests.conftest import Wave, buzz, silence

RATE = 22_050


def decibels(samples: Wave) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64))))


def talk() -> Wave:
    return np.concatenate([silence(0.3), buzz(1.5), silence(0.4), buzz(1.0), silence(0.3)])


def test_noise_is_lowered_in_the_pauses_and_the_voice_keeps_its_loudness() -> None:
    clean = talk()
    noise = np.random.default_rng(0).normal(0, 0.01, len(clean)).astype(np.float32)
    cleaned = denoise(clean + noise, RATE)
    pause, voice = slice(round(1.9 * RATE), round(2.1 * RATE)), slice(round(0.5 * RATE), round(1.6 * RATE))
    assert decibels(cleaned[pause]) < decibels(noise[pause]) - 6
    assert decibels(cleaned[voice]) == pytest.approx(decibels(clean[voice]), abs=1)
    assert cleaned.shape == clean.shape
    assert cleaned.dtype == np.float32


@pytest.mark.parametrize("samples", [talk(), silence(2.0), buzz(0.2)], ids=["no noise", "silence", "too short"])
def test_what_has_no_noise_to_measure_stays_as_it_is(samples: Wave) -> None:
    assert np.array_equal(denoise(samples, RATE), samples)


@pytest.mark.parametrize("rate", [8_000, 16_000, 48_000])
def test_other_rates_can_be_taken(rate: int) -> None:
    samples = np.random.default_rng(0).normal(0, 0.01, 2 * rate).astype(np.float32)
    assert denoise(samples, rate).shape == samples.shape
