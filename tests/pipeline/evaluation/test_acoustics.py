"""Distances between readings: nothing to itself, more to others, and pitch apart from timbre."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

from pipeline.evaluation.acoustics import ORDER, Frames, analyse, distance, mel_cepstra

TEXT = "We came home early."


@pytest.fixture(scope="module")
def frames(espeak: Callable[..., Any]) -> Callable[..., Frames]:
    return lambda *arguments, **named: analyse(*espeak(TEXT, *arguments, **named))


def test_a_clip_is_no_distance_from_itself(frames: Callable[..., Frames]) -> None:
    same = distance(frames(), frames())
    assert same.mcd_db == pytest.approx(0, abs=1e-9)
    assert same.log_f0_rmse == 0
    assert same.vuv_error == 0


def test_another_speaker_is_farther_in_timbre_than_the_same_one_slower(frames: Callable[..., Frames]) -> None:
    slower, other = distance(frames(), frames(words_per_minute=130)), distance(frames(), frames("en-us+m3"))
    assert 0 < slower.mcd_db < 0.7 * other.mcd_db


def test_pitch_is_measured_in_pitch(frames: Callable[..., Frames]) -> None:
    low, high = distance(frames(), frames(pitch=45)), distance(frames(), frames(pitch=90))
    assert low.log_f0_rmse is not None
    assert high.log_f0_rmse is not None
    assert high.log_f0_rmse > 2 * low.log_f0_rmse


def test_where_nobody_is_voiced_there_is_no_pitch_to_compare() -> None:
    still = Frames(cepstra=np.random.default_rng(0).normal(size=(40, ORDER)), f0_hz=np.zeros(40))
    voiced = Frames(cepstra=still.cepstra, f0_hz=np.full(40, 120.0))
    assert distance(still, still).log_f0_rmse is None
    assert distance(still, voiced).vuv_error == 1


def test_loudness_is_no_timbre_and_a_ripple_is_its_coefficient() -> None:
    power = np.exp(np.random.default_rng(0).normal(size=(5, 513)))
    np.testing.assert_allclose(mel_cepstra(power), mel_cepstra(100 * power), atol=1e-9)
    bent = np.linspace(0, np.pi, 4097)
    straight = bent - 2 * np.arctan(0.42 * np.sin(bent) / (1 + 0.42 * np.cos(bent)))
    # log|H| = 0.8 cos 3ω on the bent axis is a third coefficient of 0.8 and nothing else, as SPTK counts them
    ripple = np.exp(2 * 0.8 * np.cos(3 * np.interp(np.linspace(0, np.pi, 4097), straight, bent)))
    expected = np.zeros(ORDER)
    expected[2] = 0.8
    np.testing.assert_allclose(mel_cepstra(ripple[None])[0], expected, atol=1e-4)
