from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch

from dctts.audio import (
    linear_from_unit,
    linear_to_unit,
    load_wav,
    log_mel,
    loudness_normalise,
    magnitudes,
    mel_from_unit,
    mel_to_unit,
    trim_silence,
)
from dctts.config import AudioConfig
from dctts.errors import AudioError
from dctts.vocoders.griffin_lim import griffin_lim

CONFIG = AudioConfig()


def tone(frequency_hz: float, duration_s: float, level: float = 0.3) -> np.ndarray:
    time_s = np.arange(round(duration_s * CONFIG.sample_rate_hz)) / CONFIG.sample_rate_hz
    return (level * np.sin(2 * np.pi * frequency_hz * time_s)).astype(np.float32)


def test_one_frame_a_hop() -> None:
    frames = magnitudes(torch.from_numpy(tone(440, 1.0)).unsqueeze(0), CONFIG)
    assert frames.shape == (1, 22_050 // 256, 513)


def test_the_mel_is_that_of_hifi_gan() -> None:
    """Written out as meldataset.py does it, with librosa's STFT in place of torch's."""
    wave = (tone(440, 0.5) + np.random.default_rng(0).normal(0, 0.01, 11_025)).astype(np.float32)
    padded = np.pad(wave, 384, mode="reflect")
    spectrum = np.abs(librosa.stft(padded, n_fft=1024, hop_length=256, center=False))
    bank = librosa.filters.mel(sr=22_050, n_fft=1024, n_mels=80, fmin=0, fmax=8000)
    expected = np.log(np.clip(bank @ spectrum, 1e-5, None)).T
    ours = log_mel(magnitudes(torch.from_numpy(wave).unsqueeze(0), CONFIG), CONFIG)[0].numpy()
    np.testing.assert_allclose(ours, expected, atol=2e-3)


def test_unit_scales_go_there_and_back() -> None:
    mel = torch.linspace(-11.5, 2.0, 50)
    torch.testing.assert_close(mel_from_unit(mel_to_unit(mel, CONFIG), CONFIG), mel, rtol=1e-5, atol=1e-4)
    magnitude = torch.logspace(-2.9, 2.4, 50)
    torch.testing.assert_close(
        linear_from_unit(linear_to_unit(magnitude, CONFIG), CONFIG), magnitude, rtol=1e-3, atol=0
    )


def test_silence_is_zero_and_full_scale_is_below_one() -> None:
    silence = magnitudes(torch.zeros(1, 22_050), CONFIG)
    assert mel_to_unit(log_mel(silence, CONFIG), CONFIG).max() < 0.13  # the 1e-9 under the root is what is left
    loud = magnitudes(torch.from_numpy(tone(440, 1.0, level=1.0)).unsqueeze(0), CONFIG)
    assert linear_to_unit(loud, CONFIG).max() <= 1


@pytest.mark.parametrize("frequency_hz", [220.0, 1000.0])
def test_a_tone_comes_back_from_its_magnitudes_at_its_pitch(frequency_hz: float) -> None:
    frames = magnitudes(torch.from_numpy(tone(frequency_hz, 1.0)).unsqueeze(0), CONFIG)[0]
    wave = griffin_lim(frames, CONFIG)
    assert len(wave) == len(frames) * 256
    peak_hz = np.abs(np.fft.rfft(wave)).argmax() * CONFIG.sample_rate_hz / len(wave)
    assert peak_hz == pytest.approx(frequency_hz, abs=2)
    assert np.array_equal(wave, griffin_lim(frames, CONFIG))


def test_reading_mixes_down_and_resamples(tmp_path: Path) -> None:
    soundfile.write(tmp_path / "a.wav", np.stack([tone(440, 1.0)] * 2, axis=1), 44_100)
    wave = load_wav(tmp_path / "a.wav", 22_050)
    assert wave.ndim == 1
    assert len(wave) == pytest.approx(22_050 / 2, abs=2)
    assert wave.dtype == np.float32


def test_what_is_no_sound_is_an_error_with_its_name(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_text("no sound")
    with pytest.raises(AudioError, match=r"a\.wav"):
        load_wav(tmp_path / "a.wav", 22_050)
    soundfile.write(tmp_path / "empty.wav", np.zeros(0), 22_050)
    with pytest.raises(AudioError, match="no sound in"):
        load_wav(tmp_path / "empty.wav", 22_050)


def test_trimming_keeps_the_speech_and_a_margin() -> None:
    quiet = np.zeros(11_025, np.float32)
    trimmed = trim_silence(np.concatenate([quiet, tone(200, 1.0), quiet]), CONFIG)
    assert 22_050 <= len(trimmed) <= 22_050 + 6 * 1024


def test_levels_are_made_equal_without_clipping() -> None:
    for level in (0.01, 0.9):
        wave = loudness_normalise(tone(200, 1.0, level))
        assert 20 * np.log10(np.sqrt(np.mean(wave**2))) == pytest.approx(-23, abs=0.1)
    spiky = np.zeros(22_050, np.float32)
    spiky[::2000] = 1.0
    assert np.abs(loudness_normalise(spiky)).max() <= 0.951
    assert not loudness_normalise(np.zeros(100, np.float32)).any()
