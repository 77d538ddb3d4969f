import numpy as np
import pyloudnorm
import pytest

from pipeline.loudness import TARGET_LUFS, gain_db, true_peak

RATE = 22_050


def noise(seconds: float, level: float = 0.02) -> "np.ndarray[tuple[int], np.dtype[np.float32]]":
    samples = np.random.default_rng(0).normal(0, level, round(seconds * RATE))
    return samples.astype(np.float32)


@pytest.mark.parametrize("level", [0.001, 0.02, 0.05])
def test_a_clip_ends_at_the_target(level: float) -> None:
    samples = noise(2, level)
    gained = samples * 10 ** (gain_db(samples, RATE) / 20)
    assert pyloudnorm.Meter(RATE).integrated_loudness(gained.astype(float)) == pytest.approx(TARGET_LUFS, abs=0.05)


def test_a_clip_too_short_for_the_standard_is_brought_near_the_target_by_its_power() -> None:
    gains = [gain_db(noise(seconds), RATE) for seconds in (0.3, 2)]
    assert gains[0] == pytest.approx(gains[1], abs=4)  # white noise: K-weighting adds 3.6 dB


def test_a_peak_limits_the_gain() -> None:
    samples = noise(2)
    samples[1000] = 0.9
    gained = samples * 10 ** (gain_db(samples, RATE) / 20)
    assert true_peak(gained) == pytest.approx(-1, abs=0.01)


def test_the_true_peak_lies_between_samples() -> None:
    # A sine at a quarter of the rate, sampled 45° off its crests, peaks 3 dB above any sample.
    samples = np.sin(np.pi / 2 * np.arange(4000) + np.pi / 4).astype(np.float32)
    assert 20 * np.log10(np.abs(samples).max()) == pytest.approx(-3.01, abs=0.01)
    assert true_peak(samples) == pytest.approx(0, abs=0.5)


@pytest.mark.parametrize("samples", [np.zeros(RATE, np.float32), np.zeros(10, np.float32), np.zeros(0, np.float32)])
def test_silence_is_left_alone(samples: "np.ndarray[tuple[int], np.dtype[np.float32]]") -> None:
    assert gain_db(samples, RATE) == 0
