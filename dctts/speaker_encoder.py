"""Who speaks: the GE2E speaker encoder with the weights that Resemblyzer's wheel carries.

The network, its features and its partial utterances are Resemblyzer's (github.com/resemble-ai/Resemblyzer, after Wan
et al. 2018, arXiv:1710.10467). Only the weights are taken from the package: its own code embeds one clip at a time,
imports modules that SciPy has deprecated, and needs two seconds of librosa for one filter bank.

N clips, P partial utterances of 160 frames, 40 mel bands, 256 dimensions.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import soxr
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dctts.errors import AudioError, CheckpointError

with warnings.catch_warnings():  # webrtcvad 2.0.10, which Resemblyzer requires, asks pkg_resources for its version
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    import webrtcvad

Wave = NDArray[np.float32]

SAMPLE_RATE_HZ = 16_000
DIMENSIONS = 256
_FFT_SAMPLES = 400  # 25 ms
_HOP_SAMPLES = 160  # 10 ms
_BANDS = 40
_PARTIAL_FRAMES = 160  # 1.6 s
_STEP_FRAMES = round(SAMPLE_RATE_HZ / 1.3 / _HOP_SAMPLES)  # 1.3 partial utterances a second
_COVERAGE = 0.75
_TARGET_DB = -30.0
_VAD_SAMPLES = 480  # 30 ms
_VAD_AVERAGE_FRAMES = 8
_VAD_KEPT_SILENCE_FRAMES = 6
_BATCH_PARTIALS = 128
"""Partial utterances through the LSTM at once: beyond, more memory and no more speed."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """The partial utterances of one clip, 1.6 s each, 1.3 a second."""

    vectors: Wave
    """float32[P, 256], each of norm 1."""
    start_s: NDArray[np.float64]
    """float64[P], from the start of the clip; silences that were cut away counted."""

    @property
    def mean(self) -> Wave:
        """The clip's own vector, float32[256] of norm 1."""
        return _unit(self.vectors.mean(axis=0))


class SpeakerEncoder:
    """Map speech to a unit vector: the nearer two vectors, the likelier one speaker.

    Args:
        device: where the network runs; the results are NumPy arrays in any case.
        weights: a file in Resemblyzer's format; None takes the one in the installed package.

    Raises:
        CheckpointError: the weights are missing or not those of this network.
    """

    def __init__(self, device: str | torch.device = "cpu", weights: Path | None = None) -> None:
        self._device = torch.device(device)
        self._network = _Network()
        path = weights or _packaged_weights()
        try:
            # tensors and plain numbers only: a checkpoint must not run code
            state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
            self._network.load_state_dict({name: state[name] for name in self._network.state_dict()})
        except Exception as error:
            raise CheckpointError(
                f"cannot read the speaker encoder {path}: {error}", hint="pip install --force-reinstall Resemblyzer"
            ) from error
        self._network.eval().to(self._device)
        self._filters = torch.from_numpy(_mel_filters()).to(self._device)
        self._window = torch.hann_window(_FFT_SAMPLES, device=self._device)

    def embed(self, wav: Wave, sample_rate_hz: int) -> Wave:
        """Return the speaker vector of one clip, float32[256] of norm 1.

        Args:
            wav: mono samples in [-1, 1], float32[samples].
            sample_rate_hz: their rate; resampled to 16 kHz where it differs.

        Raises:
            AudioError: no speech is left after silence is cut away.
        """
        (vector,) = self.embed_batch([wav], sample_rate_hz)
        if vector is None:
            raise AudioError(
                f"no speech found in {len(wav) / sample_rate_hz:.1f} s of audio", hint="give a clip with clear speech"
            )
        return vector

    def embed_batch(self, wavs: Sequence[Wave], sample_rate_hz: int) -> list[Wave | None]:
        """Return the vector of each clip as `embed` does, None for one without speech; much faster than one by one."""
        windows = self.embed_windows(wavs, sample_rate_hz)
        return [None if one is None else one.mean for one in windows]

    def embed_windows(self, wavs: Sequence[Wave], sample_rate_hz: int) -> list[Windows | None]:
        """Return what `embed_batch` takes the mean of: who speaks when in each clip, None for one without speech."""
        voiced = [_voiced(wav, sample_rate_hz) for wav in wavs]
        slices = [self._partials(wav) for wav, _ in voiced]
        mels = [partials for partials in slices if partials is not None]
        if not mels:
            return [None] * len(wavs)
        with torch.inference_mode():
            vectors = torch.cat(
                [self._network(part) for part in torch.split(torch.cat(mels), _BATCH_PARTIALS)]
            )  # (P, 256)
        found = iter(torch.split(vectors, [len(partials) for partials in mels]))
        return [
            None
            if partials is None
            else Windows(vectors=next(found).cpu().numpy(), start_s=_original_times(kept, len(partials)))
            for partials, (_, kept) in zip(slices, voiced, strict=True)
        ]

    def embed_speaker(self, wavs: Sequence[Wave], sample_rate_hz: int) -> Wave:
        """Return the vector of one speaker from several clips, float32[256] of norm 1: the mean of their vectors.

        Raises:
            AudioError: there is no speech in any of them.
        """
        vectors = [vector for vector in self.embed_batch(wavs, sample_rate_hz) if vector is not None]
        if not vectors:
            raise AudioError(f"no speech found in any of {len(wavs)} clips", hint="give clips with clear speech")
        return _unit(np.mean(vectors, axis=0))

    @torch.inference_mode()
    def _partials(self, wav: Wave) -> Tensor | None:
        """Cut the mel spectrogram of a 16 kHz wave into partial utterances, Tensor[P, 160, 40]; None of nothing."""
        if not len(wav):
            return None
        starts = _partial_starts(len(wav))
        samples = max((starts[-1] + _PARTIAL_FRAMES) * _HOP_SAMPLES, len(wav))
        padded = torch.from_numpy(np.pad(wav, (0, samples - len(wav)))).to(self._device)
        spectrum = torch.stft(
            padded, _FFT_SAMPLES, _HOP_SAMPLES, window=self._window, pad_mode="constant", return_complex=True
        )
        mel = (self._filters @ spectrum.abs().square()).T  # (frames, 40): power, not its logarithm
        return torch.stack([mel[start : start + _PARTIAL_FRAMES] for start in starts])


def load_speaker_encoder(device: str = "cpu") -> SpeakerEncoder:
    """Load the packaged speaker encoder (0.15 s); a device that torch does not know is torch's own error."""
    return SpeakerEncoder(device)


def similarity(first: Wave, second: Wave) -> float:
    """Return the cosine of two speaker vectors, in [0, 1] here because no component is negative."""
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def speech(wav: Wave, sample_rate_hz: int) -> Wave:
    """Resample to 16 kHz, raise quiet clips to -30 dBFS and cut silences of more than 0.2 s, as in training."""
    return _voiced(wav, sample_rate_hz)[0]


def _voiced(wav: Wave, sample_rate_hz: int) -> tuple[Wave, NDArray[np.bool_]]:
    """Return `speech`, and for each 30 ms of the wave whether it was kept."""
    if sample_rate_hz != SAMPLE_RATE_HZ:
        wav = soxr.resample(wav, sample_rate_hz, SAMPLE_RATE_HZ)
    power = float(np.mean(np.square(wav, dtype=np.float64))) if len(wav) else 0.0
    if not power or not np.isfinite(power):
        return np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.bool_)
    gain_db = max(_TARGET_DB - 10 * np.log10(power), 0.0)
    wav = (wav * 10 ** (gain_db / 20)).astype(np.float32)[: len(wav) // _VAD_SAMPLES * _VAD_SAMPLES]
    pcm = (np.clip(wav, -1, 1) * 32767).round().astype("<i2").tobytes()
    vad = webrtcvad.Vad(3)
    step = _VAD_SAMPLES * 2
    voiced = [vad.is_speech(pcm[start : start + step], SAMPLE_RATE_HZ) for start in range(0, len(pcm), step)]
    if not voiced:
        return np.zeros(0, dtype=np.float32), np.zeros(0, dtype=np.bool_)
    kept = _smooth(np.array(voiced))
    return np.asarray(wav[np.repeat(kept, _VAD_SAMPLES)]), kept


def _original_times(kept: NDArray[np.bool_], count: int) -> NDArray[np.float64]:
    """Say when each of `count` partial utterances of the kept 30 ms starts in the whole wave, seconds."""
    places = np.flatnonzero(kept) * (_VAD_SAMPLES / SAMPLE_RATE_HZ)
    frames = np.arange(count) * _STEP_FRAMES * _HOP_SAMPLES // _VAD_SAMPLES
    return np.asarray(places[np.minimum(frames, len(places) - 1)])


def _smooth(voiced: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Keep frames with speech in most of their neighbourhood, and the silence right beside them."""
    width = _VAD_AVERAGE_FRAMES
    padded = np.concatenate([np.zeros((width - 1) // 2), voiced, np.zeros(width // 2)])
    average = np.convolve(padded, np.ones(width) / width, mode="valid")
    kept = np.round(average).astype(bool)
    reach = np.ones(_VAD_KEPT_SILENCE_FRAMES + 1)
    return np.convolve(kept, reach)[len(reach) // 2 :][: len(kept)] > 0


def _partial_starts(samples: int) -> list[int]:
    """Return the first frame of each partial utterance; the last is dropped when mostly padding."""
    frames = -(-(samples + 1) // _HOP_SAMPLES)
    starts = list(range(0, max(1, frames - _PARTIAL_FRAMES + _STEP_FRAMES + 1), _STEP_FRAMES))
    covered = (samples - starts[-1] * _HOP_SAMPLES) / (_PARTIAL_FRAMES * _HOP_SAMPLES)
    return starts[:-1] if covered < _COVERAGE and len(starts) > 1 else starts


def _mel_filters() -> Wave:
    """Return Slaney's mel filter bank, float32[40, 201]: what librosa.filters.mel gives, without its two seconds."""

    def to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))

    highest = 15 + 27 * np.log(SAMPLE_RATE_HZ / 2 / 1000) / np.log(6.4)
    edges = to_hz(np.linspace(0, highest, _BANDS + 2))
    bins = np.linspace(0, SAMPLE_RATE_HZ / 2, _FFT_SAMPLES // 2 + 1)
    rising = (bins - edges[:-2, None]) / np.diff(edges)[:-1, None]
    falling = (edges[2:, None] - bins) / np.diff(edges)[1:, None]
    area = 2 / (edges[2:] - edges[:-2])
    return (np.maximum(0, np.minimum(rising, falling)) * area[:, None]).astype(np.float32)


def _packaged_weights() -> Path:
    spec = find_spec("resemblyzer")  # finds the package without running it
    if spec is None or spec.origin is None:
        raise CheckpointError("the package Resemblyzer is not installed", hint="pip install Resemblyzer")
    return Path(spec.origin).parent / "pretrained.pt"


def _unit(vector: Wave) -> Wave:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class _Network(nn.Module):
    """Three LSTM layers, the last state through a rectified projection to the unit sphere."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(_BANDS, DIMENSIONS, num_layers=3, batch_first=True)
        self.linear = nn.Linear(DIMENSIONS, DIMENSIONS)

    def forward(self, mels: Tensor) -> Tensor:
        """Map Tensor[P, frames, 40] to unit vectors Tensor[P, 256]."""
        _, (hidden, _) = self.lstm(mels)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)
