"""HiFi-GAN's generator (arXiv:2010.05646): mels → sound. Tensor names are those of jik876/hifi-gan, weight norm folded.

Legend: B utterances, M frames at the full rate, F mel bands, S = M · hop samples.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil, prod
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from dctts.checkpoint import Weights
from dctts.config import AudioConfig, _Saved
from dctts.refine import Head
from dctts.vocoders.interface import ContextStream, Wave

_SLOPE, _LAST_SLOPE = 0.1, 0.01
_ENDS = 7
"""Kernel of the first and the last convolution."""
STREAM_BLOCK_FRAMES = 16


@dataclass(frozen=True, kw_only=True)
class HifiGanConfig(_Saved):
    """Sizes of the generator."""

    num_mels: int
    channels: int
    """Before the first upsampling; each of them halves it."""
    rates: tuple[int, ...]
    """Of upsampling; the kernel of each is twice as wide."""
    kernels: tuple[int, ...]
    """Of the residual blocks, which are averaged."""
    dilations: tuple[tuple[int, ...], ...]
    """Of each of them."""
    paired: bool
    """Whether each dilated convolution is followed by a plain one: the paper's V1 and V2."""

    def __post_init__(self) -> None:
        audio = AudioConfig()
        if self.num_mels != audio.num_mels or prod(self.rates) != audio.hop_samples:
            raise ValueError(
                f"it takes {self.num_mels} mel bands and makes {prod(self.rates)} samples of a frame, "
                f"where {audio.num_mels} and {audio.hop_samples} are wanted"
            )
        if not 0 < len(self.kernels) == len(self.dilations) < 9 or any(len(each) > 8 for each in self.dilations):
            raise ValueError(f"{len(self.kernels)} kernels with {len(self.dilations)} sets of dilations")
        # Else the parts of the network would not be of one length.
        if any(rate < 2 or rate % 2 for rate in self.rates) or any(kernel % 2 == 0 for kernel in self.kernels):
            raise ValueError(f"rates {self.rates} must be even, kernels {self.kernels} odd")

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "HifiGanConfig":
        """Rebuild the settings: JSON has no tuples."""
        lists = {name: tuple(values[name]) for name in ("rates", "kernels")}
        return super().from_dict({**values, **lists, "dilations": tuple(tuple(each) for each in values["dilations"])})

    @property
    def reach(self) -> int:
        """Frames to either side that a sample depends on."""
        inside = max(
            sum(kernel // 2 * (one + self.paired) for one in dilations)
            for kernel, dilations in zip(self.kernels, self.dilations, strict=True)
        )
        frames, made = float(_ENDS // 2), 1
        for rate in self.rates:
            frames += 1 / made
            made *= rate
            frames += inside / made
        return ceil(frames + _ENDS // 2 / made)


PAIRED_DILATIONS = ((1, 3, 5), (1, 3, 5), (1, 3, 5))
SINGLE_DILATIONS = ((1, 2), (2, 6), (3, 12))


class _Residual(nn.Module):
    """Dilated convolutions, each adding to what it reads."""

    def __init__(self, channels: int, kernel: int, dilations: tuple[int, ...], *, paired: bool) -> None:
        super().__init__()

        def conv(dilation: int) -> nn.Conv1d:
            return nn.Conv1d(channels, channels, kernel, dilation=dilation, padding=kernel // 2 * dilation)

        if paired:
            self.convs1 = nn.ModuleList(conv(dilation) for dilation in dilations)
            self.convs2 = nn.ModuleList(conv(1) for _ in dilations)
        else:
            self.convs = nn.ModuleList(conv(dilation) for dilation in dilations)
        self.paired = paired

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, T] → [B, C, T]."""
        for place, first in enumerate(self.convs1 if self.paired else self.convs):
            y = first(functional.leaky_relu(x, _SLOPE))
            if self.paired:
                y = self.convs2[place](functional.leaky_relu(y, _SLOPE))
            x = x + y
        return x


class HifiGan(nn.Module):
    """The generator."""

    def __init__(self, config: HifiGanConfig) -> None:
        super().__init__()
        self.config = config
        self.conv_pre = nn.Conv1d(config.num_mels, config.channels, _ENDS, padding=_ENDS // 2)
        self.ups, self.resblocks = nn.ModuleList(), nn.ModuleList()
        width = config.channels
        for rate in config.rates:
            self.ups.append(nn.ConvTranspose1d(width, width // 2, 2 * rate, rate, padding=rate // 2))
            width //= 2
            for kernel, dilations in zip(config.kernels, config.dilations, strict=True):
                self.resblocks.append(_Residual(width, kernel, dilations, paired=config.paired))
        self.conv_post = nn.Conv1d(width, 1, _ENDS, padding=_ENDS // 2)

    def forward(self, mel: Tensor) -> Tensor:
        """Natural-log mels Tensor[B, M, F] → Tensor[B, S] in [-1, 1]."""
        x = self.conv_pre(mel.transpose(1, 2))
        count = len(self.config.kernels)
        for place, up in enumerate(self.ups):
            x = up(functional.leaky_relu(x, _SLOPE))
            blocks = self.resblocks[place * count : (place + 1) * count]
            x = torch.stack([block(x) for block in blocks]).sum(dim=0) / count
        return torch.tanh(self.conv_post(functional.leaky_relu(x, _LAST_SLOPE)))[:, 0]


class HifiGanVocoder:
    """The generator as a vocoder."""

    kind = "hifigan"
    head: Head = "mel"

    def __init__(self, network: HifiGan) -> None:
        self.network = network.eval()

    def about(self) -> Mapping[str, Any]:
        """Give its settings."""
        return self.network.config.to_dict()

    def weights(self) -> Weights:
        """Give its weights."""
        return dict(self.network.named_parameters())

    def open(self, *, seed: int = 0, streaming: bool = False) -> ContextStream:
        """Begin a piece of sound; nothing in it is random."""
        return ContextStream(
            self._run, reach=self.network.config.reach, first_block=STREAM_BLOCK_FRAMES if streaming else 0
        )

    def _run(self, mel: Tensor, before: int, wanted: int) -> Wave:
        hop = AudioConfig().hop_samples
        wave: Wave = self.network(mel.unsqueeze(0))[0, before * hop : (before + wanted) * hop].numpy().copy()
        return wave
