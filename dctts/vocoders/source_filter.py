"""A small vocoder: pulses and noise through a filter that a convolutional network draws, in the short-time spectrum.

Legend: B utterances, M frames at the full rate, F mel bands, L linear bins, S = M · hop samples.

After Vocos (arXiv:2306.00814): ConvNeXt blocks at the frame rate, then one inverse short-time transform. Vocos learns
phases from nothing, which takes it a million steps; here a train of pulses at the pitch read from the mels brings
phases that already fit one another, and the network only bends them. This is what a few hours on a CPU can afford.
"""

from dataclasses import dataclass
from functools import lru_cache
from math import log

import librosa
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from dctts.config import AudioConfig, _Saved
from dctts.layers import Conv

LOWEST_HZ = 55.0
BINS_AN_OCTAVE = 48
NUM_PITCHES = 168
"""From 55 Hz up three and a half octaves to 614 Hz, a quarter of a semitone apart."""
PULSE_TAPS = 16
"""Of the windowed sinc that sets a pulse between two samples."""

_LEVEL = log(22_050 / 1024 / 384**0.5)
"""A band of the mels holds the mean magnitude of its bins a hertz; a source of unit power has one of 384**0.5."""


@dataclass(frozen=True, kw_only=True)
class SourceFilterConfig(_Saved):
    """Sizes of the network."""

    num_mels: int = 80
    num_bins: int = 513
    channels: int = 256
    hidden: int = 448
    """Width inside a block."""
    blocks: int = 5
    pitch_channels: int = 96
    pitch_blocks: int = 2

    def __post_init__(self) -> None:
        audio = AudioConfig()
        if (self.num_mels, self.num_bins) != (audio.num_mels, audio.num_bins):
            raise ValueError(f"{self.num_mels} mel bands and {self.num_bins} bins")
        if not all(0 < count <= 64 for count in (self.blocks, self.pitch_blocks)):
            raise ValueError(f"{self.blocks} and {self.pitch_blocks} blocks")


class Block(nn.Module):
    """ConvNeXt: each channel over 7 frames, then all channels of each frame: [B, M, C] → [B, M, C]."""

    KERNEL = 7

    def __init__(self, channels: int, hidden: int, scale: float) -> None:
        super().__init__()
        self.taps = nn.Parameter(torch.empty(self.KERNEL, channels))
        nn.init.normal_(self.taps, std=self.KERNEL**-0.5)
        self.norm = nn.LayerNorm(channels)
        self.wide = nn.Linear(channels, hidden)
        self.narrow = nn.Linear(hidden, channels)
        self.scale = nn.Parameter(torch.full((channels,), scale))

    def forward(self, x: Tensor) -> Tensor:
        """Add what the block makes of `x` to it."""
        y = functional.conv1d(
            x.transpose(1, 2), self.taps.T.unsqueeze(1), padding=self.KERNEL // 2, groups=x.shape[-1]
        ).transpose(1, 2)
        added: Tensor = self.narrow(functional.gelu(self.wide(self.norm(y)))) * self.scale
        return x + added


class Trunk(nn.Module):
    """Entry and blocks: [B, M, F] → [B, M, C]."""

    def __init__(self, num_mels: int, channels: int, hidden: int, blocks: int) -> None:
        super().__init__()
        self.entry = Conv(num_mels, channels, kernel=Block.KERNEL)
        self.entry_norm = nn.LayerNorm(channels)
        self.blocks = nn.ModuleList(Block(channels, hidden, 1 / blocks) for _ in range(blocks))
        self.norm = nn.LayerNorm(channels)

    @property
    def reach(self) -> int:
        """Frames to either side that an output frame depends on."""
        return Block.KERNEL // 2 * (1 + len(self.blocks))

    def forward(self, x: Tensor) -> Tensor:
        """Apply all layers."""
        x = self.entry_norm(self.entry(x))
        for block in self.blocks:
            x = block(x)
        normed: Tensor = self.norm(x)
        return normed


class SourceFilter(nn.Module):
    """The network; what it gives, `synthesize` turns into sound."""

    def __init__(self, config: SourceFilterConfig) -> None:
        super().__init__()
        self.config = config
        self.pitch_trunk = Trunk(config.num_mels, config.pitch_channels, 2 * config.pitch_channels, config.pitch_blocks)
        self.pitch = nn.Linear(config.pitch_channels, NUM_PITCHES)
        self.trunk = Trunk(config.num_mels, config.channels, config.hidden, config.blocks)
        self.filters = nn.Linear(config.channels, 3 * config.num_bins)
        nn.init.normal_(self.filters.weight, std=0.01)
        nn.init.zeros_(self.filters.bias)

    @property
    def reach(self) -> int:
        """Frames to either side that the filters of a frame depend on; those of its pitch are fewer."""
        return max(self.trunk.reach, self.pitch_trunk.reach)

    def pitch_logits(self, mel: Tensor) -> Tensor:
        """Natural-log mels Tensor[B, M, F] → Tensor[B, M, P]: how likely each pitch is."""
        logits: Tensor = self.pitch(self.pitch_trunk(scaled(mel)))
        return logits

    def forward(self, mel: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Draw the filters.

        Args:
            mel: Tensor[B, M, F], natural log, as `audio.log_mel` gives it.

        Returns:
            three Tensor[B, M, L]: log gain and phase (radians) on the pulses, and log gain on the noise.
        """
        drawn = self.filters(self.trunk(scaled(mel))).float()
        pulse_gain, phase, noise_gain = drawn.chunk(3, dim=-1)
        envelope = stretched_bands(mel.float(), self.config.num_bins)
        return envelope + pulse_gain, phase, envelope + noise_gain


def scaled(mel: Tensor) -> Tensor:
    """Bring natural-log mels, -11.5 to 2, to about ±2."""
    return (mel + 5) / 3


def pitch_hz(logits: Tensor) -> Tensor:
    """Tensor[..., P] → Tensor[...]: the mean pitch around the likeliest one, finer than the grid."""
    best = logits.argmax(dim=-1, keepdim=True)
    near = torch.arange(-4, 5, device=logits.device)
    places = (best + near).clamp(0, logits.shape[-1] - 1)
    weights = logits.gather(-1, places).float().softmax(dim=-1)
    return LOWEST_HZ * torch.exp2((weights * places).sum(dim=-1) / BINS_AN_OCTAVE)


def pitch_loss(logits: Tensor, hz: Tensor) -> Tensor:
    """Cross entropy with a bell of a quarter tone around the measured pitch, over frames that have one (hz > 0)."""
    voiced = hz > 0
    place = torch.log2(hz.clamp_min(LOWEST_HZ) / LOWEST_HZ) * BINS_AN_OCTAVE
    bell = -((torch.arange(logits.shape[-1], device=hz.device) - place.unsqueeze(-1)) ** 2) / 4.5
    cross = -(bell.softmax(dim=-1) * logits.float().log_softmax(dim=-1)).sum(dim=-1)
    return (cross * voiced).sum() / voiced.sum().clamp_min(1)


def stretched_bands(mel: Tensor, num_bins: int) -> Tensor:
    """Draw straight lines between the bands, Tensor[..., F] → Tensor[..., L]: log gain on a source of unit power."""
    return mel @ torch.from_numpy(_lines(mel.shape[-1], num_bins)).to(mel.device) + _LEVEL


def pulse_train(hz: Tensor, audio: AudioConfig, turns: Tensor, *, start: int = 0) -> tuple[Tensor, Tensor]:
    """Set a pulse wherever the phase of the pitch comes round.

    Args:
        hz: Tensor[B, M], pitch at the middle of each frame.
        turns: Tensor[B], float64: turns of the phase before the first sample.
        start: the frame to begin with; those before it only bend its pitch.

    Returns:
        Tensor[B, S] of unit power, and the turns after each frame, Tensor[B, M], float64, both from `start` on.
    """
    hop, rate = audio.hop_samples, audio.sample_rate_hz
    sampled = functional.interpolate(hz.log2().unsqueeze(1), scale_factor=hop, mode="linear")[:, 0].exp2()
    sampled = sampled[:, start * hop :]
    phase = (sampled.double() / rate).cumsum(dim=1) + turns.unsqueeze(1)
    whole = phase.floor()
    before = torch.cat([turns.floor().unsqueeze(1), whole[:, :-1]], dim=1)
    row, place = (whole > before).nonzero(as_tuple=True)
    pitch = sampled[row, place]
    late = ((phase - whole)[row, place] * rate / pitch).float()
    taps = torch.arange(-PULSE_TAPS // 2, PULSE_TAPS // 2, device=hz.device)
    distance = taps + late.unsqueeze(1)
    shape = torch.sinc(distance) * torch.cos(distance * (torch.pi / (PULSE_TAPS + 2))).square()
    made = sampled.new_zeros(len(hz), sampled.shape[1] + PULSE_TAPS)
    made.view(-1).index_add_(
        0,
        (row.unsqueeze(1) * made.shape[1] + place.unsqueeze(1) + taps + PULSE_TAPS // 2).flatten(),
        (shape * (rate / pitch).sqrt().unsqueeze(1)).flatten(),
    )
    return made[:, PULSE_TAPS // 2 : -PULSE_TAPS // 2], phase[:, hop - 1 :: hop]


def filtered(pulses: Tensor, noise: Tensor, filters: tuple[Tensor, Tensor, Tensor], audio: AudioConfig) -> Tensor:
    """Shape both sources, Tensor[B, S], frame by frame with three Tensor[B, M, L], and add them up: Tensor[B, S]."""
    pulse_gain, phase, noise_gain = filters
    spectrum = _spectrum(pulses, audio) * torch.polar(pulse_gain.clamp_max(8).exp(), phase)
    spectrum = spectrum + _spectrum(noise, audio) * noise_gain.clamp_max(8).exp()
    return _inverse(spectrum, audio)


def _spectrum(wave: Tensor, audio: AudioConfig) -> Tensor:
    """Tensor[B, S] → complex Tensor[B, M, L], framed as `audio.magnitudes` frames, with silence around."""
    margin = (audio.n_fft - audio.hop_samples) // 2
    frames = functional.pad(wave, (margin, margin)).unfold(1, audio.n_fft, audio.hop_samples)
    spectrum: Tensor = torch.fft.rfft(frames * torch.hann_window(audio.n_fft, device=wave.device))
    return spectrum


def _inverse(spectrum: Tensor, audio: AudioConfig) -> Tensor:
    """Complex Tensor[B, M, L] → Tensor[B, S]: the waveform whose frames are nearest to the spectrum."""
    size, hop = audio.n_fft, audio.hop_samples
    window = torch.hann_window(size, device=spectrum.device)
    frames = torch.fft.irfft(spectrum, size) * window
    wave = _overlap_add(frames, hop)
    envelope = _overlap_add(window.square().expand(1, frames.shape[1], size), hop).clamp_min(1e-2)
    margin = (size - hop) // 2
    return (wave / envelope)[:, margin : wave.shape[1] - margin]


def _overlap_add(frames: Tensor, hop: int) -> Tensor:
    """Tensor[B, M, size] → Tensor[B, (M - 1) · hop + size]."""
    count = frames.shape[2] // hop
    parts = frames.reshape(*frames.shape[:2], count, hop).unbind(2)
    wave = functional.pad(parts[0], (0, 0, 0, count - 1))
    for place, part in enumerate(parts[1:], 1):
        wave = wave + functional.pad(part, (0, 0, place, count - 1 - place))
    return wave.flatten(1)


@lru_cache(maxsize=2)
def _lines(num_mels: int, num_bins: int) -> NDArray[np.float32]:
    audio = AudioConfig()
    bands = librosa.mel_frequencies(num_mels + 2, fmin=audio.f_min_hz, fmax=audio.f_max_hz)[1:-1]
    bins = np.linspace(0, audio.sample_rate_hz / 2, num_bins)
    lines = np.stack([np.interp(bins, bands, row) for row in np.eye(num_mels)])
    return lines.astype(np.float32)
