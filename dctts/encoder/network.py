"""The speaker encoder of our own: highway convolutions, attentive statistics pooling, a vector on the unit sphere.

P partial utterances, M frames, C channels, D dimensions.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional

from dctts.config import EncoderConfig
from dctts.encoder.partials import BANDS
from dctts.layers import Conv, HighwayConv, NormConv

FLOOR = 1e-6
"""Of mel power before the logarithm: 60 dB below the bands of speech at -30 dBFS."""


class EncoderNetwork(nn.Module):
    """Mel power of partial utterances → unit vectors; with them the scale and offset that GE2E learns.

    Convolutions see a few tenths of a second; what a speaker is, is how often what occurs there: a weighted mean and
    deviation over time (arXiv:1803.10963).
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.config = config
        self.first = Conv(2 * BANDS, config.channels, kernel=3)
        self.norm = nn.LayerNorm(config.channels)
        self.blocks = nn.ModuleList(
            HighwayConv(config.channels, dilation=dilation, dropout=config.dropout) for dilation in config.dilations
        )
        self.wide = NormConv(config.channels, config.pooled, relu=True)
        self.listen = nn.Linear(config.pooled, config.attention)
        self.attend = nn.Linear(config.attention, config.pooled)
        self.pooled_norm = nn.LayerNorm(2 * config.pooled)
        self.project = nn.Linear(2 * config.pooled, config.dimensions)
        self.scale = nn.Parameter(torch.tensor([10.0]))
        self.offset = nn.Parameter(torch.tensor([-5.0]))

    def forward(self, mels: Tensor) -> Tensor:
        """Map Tensor[P, M, 40] of mel power, M at least 2, to unit vectors Tensor[P, D]."""
        x = (mels.float() + FLOOR).log()
        x = (x - x.mean(dim=1, keepdim=True)) * 0.5  # what stays the same all the while is the microphone's
        x = x[:, : x.shape[1] // 2 * 2].reshape(len(x), -1, 2 * x.shape[2])  # two frames side by side: half the work
        x = self.norm(self.first(x))
        for block in self.blocks:
            x = block(x)
        x = self.wide(x).float()
        weights = self.attend(torch.tanh(self.listen(x))).float().softmax(dim=1)
        mean = (weights * x).sum(dim=1)
        deviation = ((weights * x.square()).sum(dim=1) - mean.square()).clamp_min(1e-5).sqrt()
        pooled = self.pooled_norm(torch.cat([mean, deviation], dim=-1))
        return functional.normalize(self.project(pooled).float(), dim=-1)
