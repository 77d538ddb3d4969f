import sys

import librosa
import numpy as np
import pytest
from numpy.typing import NDArray

from dctts.disguise import Disguise, change
from dctts.errors import ClonePipelineError


def hum(duration_s: float) -> NDArray[np.float32]:
    """Harmonics of 200 Hz."""
    time_s = np.arange(round(duration_s * 22_050)) / 22_050
    return np.asarray(sum(0.1 * np.sin(2 * np.pi * 200 * n * time_s) / n for n in range(1, 20)), dtype=np.float32)


def test_a_disguise_has_the_pitch_the_pace_and_the_level_asked_for() -> None:
    plain = hum(2.0)
    changed = change(plain, 22_050, Disguise(pitch_hz=130, formants=0.9, duration=1.25))
    assert len(changed) == pytest.approx(1.25 * len(plain), rel=0.02)
    pitch_hz, voiced, _ = librosa.pyin(changed, fmin=60, fmax=400, sr=22_050)
    assert np.median(pitch_hz[voiced]) == pytest.approx(130, rel=0.03)
    assert np.std(changed) == pytest.approx(np.std(plain), rel=0.05)


def test_a_tone_lifts_and_lowers_parts_of_the_spectrum() -> None:
    plain, rate_hz = hum(2.0), 22_050
    changed = [
        change(plain, rate_hz, Disguise(pitch_hz=200, formants=1.0, tone_db=tone_db)) for tone_db in ((), (6.0, -6.0))
    ]
    flat, tilted = (np.abs(np.fft.rfft(wave)) for wave in changed)
    low_db, high_db = (
        20 * np.log10(tilted[near].max() / flat[near].max()) for near in (slice(360, 440), slice(7160, 7240))
    )
    # Two gains are 11,025 Hz apart, with a straight line between them.
    assert low_db - high_db == pytest.approx(12 * (3600 - 200) / 11_025, abs=0.2)


def test_praat_that_is_not_installed_is_told_with_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "parselmouth", None)
    with pytest.raises(ClonePipelineError, match="cannot load Praat") as refused:
        change(hum(0.5), 22_050, Disguise(pitch_hz=130, formants=0.9))
    assert "clone-pipeline[demo]" in str(refused.value.hint)
