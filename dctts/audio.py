"""Waveform → mel and linear frames, and magnitudes back to a waveform.

Legend: B utterances, S samples, F mel bands, L linear bins, M frames at the full rate (one a hop).
"""

from functools import lru_cache
from math import log
from pathlib import Path

import librosa
import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from dctts.config import AudioConfig
from dctts.errors import AudioError

Wave = NDArray[np.float32]


def load_wav(path: Path, sample_rate_hz: int) -> Wave:
    """Read a sound file as mono float32 in [-1, 1] at the rate asked for.

    Raises:
        AudioError: the file cannot be read as sound, or holds none.
    """
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, RuntimeError) as error:
        raise AudioError(
            f"cannot read {path} as sound: {error}", hint="is the file damaged or of another kind?"
        ) from error
    mono: Wave = samples.mean(axis=1)
    if not len(mono):
        raise AudioError(f"no sound in {path}", hint="the file holds 0 samples")
    if rate == sample_rate_hz:
        return mono
    resampled: Wave = librosa.resample(mono, orig_sr=rate, target_sr=sample_rate_hz, res_type="soxr_hq")
    return resampled


def magnitudes(wave: Tensor, config: AudioConfig) -> Tensor:
    """Short-time magnitudes as HiFi-GAN frames them.

    Args:
        wave: Tensor[B, S], float32, S at least `n_fft`.

    Returns:
        Tensor[B, M, L] with M = S // hop: reflect padding of (n_fft - hop)/2 on both sides and no centring.
    """
    pad = (config.n_fft - config.hop_samples) // 2
    padded = functional.pad(wave.unsqueeze(1), (pad, pad), mode="reflect").squeeze(1)
    window = torch.hann_window(config.n_fft, device=wave.device)
    spectrum = torch.stft(padded, config.n_fft, config.hop_samples, window=window, center=False, return_complex=True)
    return (spectrum.real.square() + spectrum.imag.square() + 1e-9).sqrt().transpose(1, 2)


def log_mel(magnitude: Tensor, config: AudioConfig) -> Tensor:
    """Natural log of the slaney mel bands, clamped below: Tensor[B, M, L] → Tensor[B, M, F]."""
    bank = torch.from_numpy(_mel_filters(config)).to(magnitude.device)
    return (magnitude @ bank).clamp_min(config.mel_floor).log()


def mel_to_unit(mel: Tensor, config: AudioConfig) -> Tensor:
    """Map natural-log mels to [0, 1]; louder than the ceiling is clipped."""
    low, high = log(config.mel_floor), log(config.mel_ceiling)
    return ((mel - low) / (high - low)).clamp(0, 1)


def mel_from_unit(unit: Tensor, config: AudioConfig) -> Tensor:
    """Undo `mel_to_unit`: [0, 1] → natural-log mels."""
    low, high = log(config.mel_floor), log(config.mel_ceiling)
    return unit * (high - low) + low


def linear_to_unit(magnitude: Tensor, config: AudioConfig) -> Tensor:
    """Map magnitudes to [0, 1] on a logarithmic scale."""
    low, high = log(config.linear_floor), log(config.linear_ceiling)
    return ((magnitude.clamp_min(config.linear_floor).log() - low) / (high - low)).clamp(0, 1)


def linear_from_unit(unit: Tensor, config: AudioConfig) -> Tensor:
    """Undo `linear_to_unit`: [0, 1] → magnitudes."""
    low, high = log(config.linear_floor), log(config.linear_ceiling)
    return (unit * (high - low) + low).exp()


def trim_silence(wave: Wave, config: AudioConfig, *, below_peak_db: float = 40.0) -> Wave:
    """Cut leading and trailing quiet, keeping two hops of it on both sides."""
    _, (start, end) = librosa.effects.trim(wave, top_db=below_peak_db, frame_length=config.n_fft, hop_length=256)
    margin = 2 * config.hop_samples
    return wave[max(0, start - margin) : end + margin]


def loudness_normalise(wave: Wave, *, target_rms_db: float = -23.0, peak: float = 0.95) -> Wave:
    """Scale to a root mean square level in dBFS, less where the peak would pass `peak`; silence stays as it is."""
    rms = float(np.sqrt(np.mean(np.square(wave))))
    if rms < 1e-6:
        return wave
    gain = min(10 ** (target_rms_db / 20) / rms, peak / float(np.abs(wave).max()))
    return (wave * gain).astype(np.float32)


@lru_cache(maxsize=4)
def _mel_filters(config: AudioConfig) -> NDArray[np.float32]:
    bank = librosa.filters.mel(
        sr=config.sample_rate_hz, n_fft=config.n_fft, n_mels=config.num_mels, fmin=config.f_min_hz, fmax=config.f_max_hz
    )
    return np.ascontiguousarray(bank.T, dtype=np.float32)
