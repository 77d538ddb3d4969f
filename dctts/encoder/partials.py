"""Speech as GE2E encoders take it: silence cut away, 40 mel bands every 10 ms, partial utterances of 1.6 s.

Filters, level, voice detection and steps are Resemblyzer's (github.com/resemble-ai/Resemblyzer, after Wan et al. 2018,
arXiv:1710.10467), so that its weights fit; the encoder of our own hears the same.

P partial utterances of 160 frames, M frames.
"""

import warnings
from dataclasses import dataclass

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor

with warnings.catch_warnings():  # webrtcvad 2.0.10, which Resemblyzer requires, asks pkg_resources for its version
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    import webrtcvad

Wave = NDArray[np.float32]

SAMPLE_RATE_HZ = 16_000
BANDS = 40
PARTIAL_FRAMES = 160
"""1.6 s"""
_FFT_SAMPLES = 400  # 25 ms
_HOP_SAMPLES = 160  # 10 ms
_STEP_FRAMES = round(SAMPLE_RATE_HZ / 1.3 / _HOP_SAMPLES)  # 1.3 partial utterances a second
_COVERAGE = 0.75
_TARGET_DB = -30.0
_VAD_SAMPLES = 480  # 30 ms
_VAD_AVERAGE_FRAMES = 8
_VAD_KEPT_SILENCE_FRAMES = 6


@dataclass(frozen=True, kw_only=True)
class Voiced:
    """A clip without its silences."""

    wave: Wave
    """float32[samples] at 16 kHz, no quieter than -30 dBFS."""
    kept: NDArray[np.bool_]
    """For each 30 ms of the clip whether it was kept."""

    def start_s(self, count: int) -> NDArray[np.float64]:
        """Say when each of the first `count` partial utterances starts in the whole clip, float64[count]."""
        places = np.flatnonzero(self.kept) * (_VAD_SAMPLES / SAMPLE_RATE_HZ)
        frames = np.arange(count) * _STEP_FRAMES * _HOP_SAMPLES // _VAD_SAMPLES
        return np.asarray(places[np.minimum(frames, len(places) - 1)])


def voiced(wav: Wave, sample_rate_hz: int) -> Voiced:
    """Resample to 16 kHz, raise quiet clips to -30 dBFS and cut silences of more than 0.2 s, as in training."""
    if sample_rate_hz != SAMPLE_RATE_HZ:
        wav = soxr.resample(wav, sample_rate_hz, SAMPLE_RATE_HZ)
    nothing = Voiced(wave=np.zeros(0, dtype=np.float32), kept=np.zeros(0, dtype=np.bool_))
    power = float(np.mean(np.square(wav, dtype=np.float64))) if len(wav) else 0.0
    if not power or not np.isfinite(power):
        return nothing
    gain_db = max(_TARGET_DB - 10 * np.log10(power), 0.0)
    wav = (wav * 10 ** (gain_db / 20)).astype(np.float32)[: len(wav) // _VAD_SAMPLES * _VAD_SAMPLES]
    pcm = (np.clip(wav, -1, 1) * 32767).round().astype("<i2").tobytes()
    vad = webrtcvad.Vad(3)
    step = _VAD_SAMPLES * 2
    found = [vad.is_speech(pcm[start : start + step], SAMPLE_RATE_HZ) for start in range(0, len(pcm), step)]
    if not found:
        return nothing
    kept = _smooth(np.array(found))
    return Voiced(wave=np.asarray(wav[np.repeat(kept, _VAD_SAMPLES)]), kept=kept)


def speech(wav: Wave, sample_rate_hz: int) -> Wave:
    """Give the wave of `voiced` alone."""
    return voiced(wav, sample_rate_hz).wave


class MelFrames:
    """Waves at 16 kHz → mel power; holds the filters and the window.

    Args:
        device: where to compute.
    """

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._filters = torch.from_numpy(mel_filters()).to(device)
        self._window = torch.hann_window(_FFT_SAMPLES, device=device)

    @torch.inference_mode()
    def frames(self, wave: Wave) -> Tensor:
        """Compute the mel power of a wave, Tensor[M, 40]: power, not its logarithm; a wave of nothing gives none."""
        if not len(wave):
            return torch.zeros(0, BANDS, device=self._device)
        samples = torch.from_numpy(np.ascontiguousarray(wave)).to(self._device)
        spectrum = torch.stft(
            samples, _FFT_SAMPLES, _HOP_SAMPLES, window=self._window, pad_mode="constant", return_complex=True
        )
        return (self._filters @ spectrum.abs().square()).T

    def partials(self, wave: Wave) -> Tensor | None:
        """Cut a wave into partial utterances, Tensor[P, 160, 40]; None of nothing."""
        if not len(wave):
            return None
        starts = _partial_starts(len(wave))
        samples = max((starts[-1] + PARTIAL_FRAMES) * _HOP_SAMPLES, len(wave))
        mel = self.frames(np.pad(wave, (0, samples - len(wave))))
        return torch.stack([mel[start : start + PARTIAL_FRAMES] for start in starts])


def mel_filters() -> Wave:
    """Return Slaney's mel filter bank, float32[40, 201]: what librosa.filters.mel gives, without its two seconds."""

    def to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    highest = 15 + 27 * np.log(SAMPLE_RATE_HZ / 2 / 1000) / np.log(6.4)
    edges = to_hz(np.linspace(0, highest, BANDS + 2))
    bins = np.linspace(0, SAMPLE_RATE_HZ / 2, _FFT_SAMPLES // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return (np.maximum(0, np.minimum(rising, falling)) * area[:, None]).astype(np.float32)


def _smooth(found: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep frames with speech in most of their neighbourhood, and the silence right beside them."""
    width = _VAD_AVERAGE_FRAMES
    padded = np.concatenate([np.zeros((width - 1) // 2), found, np.zeros(width // 2)])
    average = np.convolve(padded, np.ones(width) / width, mode="valid")
    kept = np.round(average).astype(bool)
    reach = np.ones(_VAD_KEPT_SILENCE_FRAMES + 1)
    return np.convolve(kept, reach)[len(reach) // 2 :][: len(kept)] > 0


def _partial_starts(samples: int) -> list[int]:
    """Return the first frame of each partial utterance; the last is dropped when mostly padding."""
    frames = -(-(samples + 1) // _HOP_SAMPLES)
    starts = list(range(0, max(1, frames - PARTIAL_FRAMES + _STEP_FRAMES + 1), _STEP_FRAMES))
    covered = (samples - starts[-1] * _HOP_SAMPLES) / (PARTIAL_FRAMES * _HOP_SAMPLES)
    return starts[:-1] if covered < _COVERAGE and len(starts) > 1 else starts
