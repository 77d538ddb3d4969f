import math

import numpy as np
import pytest
import torch

from dctts.audio import log_mel, magnitudes
from dctts.config import AudioConfig
from dctts.vocoders.source_filter import (
    BINS_AN_OCTAVE,
    LOWEST_HZ,
    NUM_PITCHES,
    filtered,
    pitch_hz,
    pitch_loss,
    pulse_train,
    stretched_bands,
)

AUDIO = AudioConfig()
START = torch.zeros(1, dtype=torch.float64)


def pulses_at(hz: float, frames: int = 40) -> torch.Tensor:
    return pulse_train(torch.full((1, frames), hz), AUDIO, START)[0]


@pytest.mark.parametrize("hz", [80.0, 123.4, 220.0, 500.0])
def test_pulses_have_the_pitch_and_the_power_asked_for(hz: float) -> None:
    wave = pulses_at(hz)[0]
    spectrum = torch.fft.rfft(wave * torch.hann_window(len(wave))).abs()
    frequency_hz = torch.arange(len(spectrum)) * AUDIO.sample_rate_hz / len(wave)
    harmonics = torch.round(frequency_hz / hz)
    off = (frequency_hz - harmonics * hz).abs() > 3 * AUDIO.sample_rate_hz / len(wave)
    assert spectrum[off & (frequency_hz < 8000)].max() < 0.01 * spectrum[~off].max()
    low, high = (spectrum[~off & (frequency_hz > a) & (frequency_hz < a + 1000)].max() for a in (500, 7000))
    assert high > 0.9 * low  # a pulse between two samples is as sharp as one on a sample
    assert float(wave.square().mean()) == pytest.approx(1, abs=0.1)


def test_pulses_that_go_on_are_those_of_one_go() -> None:
    hz = torch.linspace(100, 300, 50).unsqueeze(0)
    whole, turns = pulse_train(hz, AUDIO, START)
    later, _ = pulse_train(hz, AUDIO, turns[:, 19], start=20)
    torch.testing.assert_close(later[:, 16:], whole[:, 20 * 256 + 16 :], atol=1e-4, rtol=0)
    assert float(turns[0, -1]) == pytest.approx(50 * 256 / AUDIO.sample_rate_hz * 200, rel=0.01)


def test_sources_through_flat_filters_come_out_as_they_went_in() -> None:
    noise = torch.randn(1, 40 * 256, generator=torch.Generator().manual_seed(0))
    flat, silent = torch.zeros(1, 40, 513), torch.full((1, 40, 513), -40.0)
    pulses = pulses_at(200.0)
    inside = slice(1024, -1024)  # around the ends there is silence
    only_noise = filtered(pulses, noise, (silent, flat, flat), AUDIO)
    torch.testing.assert_close(only_noise[:, inside], noise[:, inside], atol=1e-4, rtol=0)
    turned = filtered(pulses, noise, (flat, torch.full_like(flat, math.pi), silent), AUDIO)
    torch.testing.assert_close(turned[:, inside], -pulses[:, inside], atol=1e-4, rtol=0)


def test_noise_through_the_stretched_bands_has_those_bands() -> None:
    """What the network starts from is right already: it has only to add the fine structure."""
    wanted = torch.linspace(-2, -7, 80).expand(1, 200, 80)
    noise = torch.randn(1, 200 * 256, generator=torch.Generator().manual_seed(0))
    envelope = stretched_bands(wanted, 513)
    nothing = torch.full_like(envelope, -40)
    made = filtered(torch.zeros_like(noise), noise, (nothing, nothing, envelope), AUDIO)
    found = log_mel(magnitudes(made, AUDIO), AUDIO)[:, 10:-10].mean(dim=1)
    torch.testing.assert_close(found, wanted[:, 0], atol=0.5, rtol=0)


@pytest.mark.parametrize("hz", [60.0, 100.0, 333.0, 550.0])
def test_the_pitch_is_read_finer_than_the_grid(hz: float) -> None:
    place = math.log2(hz / LOWEST_HZ) * BINS_AN_OCTAVE
    logits = -((torch.arange(NUM_PITCHES) - place) ** 2) / 4.5
    assert float(pitch_hz(logits)) == pytest.approx(hz, rel=0.002)
    voiced = torch.tensor([[hz, 0.0]])
    off = torch.roll(logits, 5)
    assert pitch_loss(logits.expand(1, 2, -1), voiced) < pitch_loss(off.expand(1, 2, -1), voiced)
    # where there is no voice, nothing is asked
    same = pitch_loss(torch.stack([logits, off]).unsqueeze(0), voiced)
    torch.testing.assert_close(same, pitch_loss(logits.expand(1, 2, -1), voiced))
    assert np.isfinite(float(pitch_loss(logits.expand(1, 2, -1), torch.zeros(1, 2))))
