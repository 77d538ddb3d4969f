"""DC-TTS as the public implementations write it: float32, [B, C, T], layer norms on transposed tensors, plain Adam.

The baseline of `bench/training.py`: the same layers and sizes as ours (arXiv:1710.08969), none of the care for speed.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional


class _Norm(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.norm = nn.LayerNorm(channels)

    def forward(self, x: Tensor) -> Tensor:
        normed: Tensor = self.norm(x.transpose(1, 2))
        return normed.transpose(1, 2)


class _Conv(nn.Module):
    def __init__(self, inputs: int, outputs: int, *, relu: bool = False) -> None:
        super().__init__()
        self.conv, self.norm, self.relu = nn.Conv1d(inputs, outputs, 1), _Norm(outputs), relu

    def forward(self, x: Tensor) -> Tensor:
        y: Tensor = self.norm(self.conv(x))
        return functional.dropout(functional.relu(y) if self.relu else y, 0.05, self.training)


class _Highway(nn.Module):
    def __init__(self, channels: int, kernel: int, dilation: int, *, causal: bool) -> None:
        super().__init__()
        reach = (kernel - 1) * dilation
        self.pad = (reach, 0) if causal else (reach // 2, reach - reach // 2)
        self.conv = nn.Conv1d(channels, 2 * channels, kernel, dilation=dilation)
        self.gate, self.candidate = _Norm(channels), _Norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        first, second = self.conv(functional.pad(x, self.pad)).chunk(2, dim=1)
        gate = torch.sigmoid(self.gate(first))
        return functional.dropout(gate * self.candidate(second) + (1 - gate) * x, 0.05, self.training)


def _highways(channels: int, shapes: list[tuple[int, int]], *, causal: bool) -> list[nn.Module]:
    return [_Highway(channels, kernel, dilation, causal=causal) for kernel, dilation in shapes]


class PlainText2Mel(nn.Module):
    """Text2Mel of the paper's size: ids Tensor[B, N], frames Tensor[B, F, T] → logits Tensor[B, F, T], attention."""

    def __init__(self, num_symbols: int, d: int = 256) -> None:
        super().__init__()
        wide = [(3, 1), (3, 3), (3, 9), (3, 27)]
        self.embedding = nn.Embedding(num_symbols, 128, padding_idx=0)
        self.text = nn.Sequential(
            _Conv(128, 2 * d, relu=True),
            _Conv(2 * d, 2 * d),
            *_highways(2 * d, [*wide, *wide, (3, 1), (3, 1), (1, 1), (1, 1)], causal=False),
        )
        self.audio = nn.Sequential(
            _Conv(80, d, relu=True),
            _Conv(d, d, relu=True),
            _Conv(d, d),
            *_highways(d, [*wide, *wide, (3, 3), (3, 3)], causal=True),
        )
        self.decoder = nn.Sequential(
            _Conv(2 * d, d),
            *_highways(d, [*wide, (3, 1), (3, 1)], causal=True),
            *(_Conv(d, d, relu=True) for _ in range(3)),
            nn.Conv1d(d, 80, 1),
        )

    def forward(self, text: Tensor, frames: Tensor) -> tuple[Tensor, Tensor]:
        """Teacher forcing; padding is neither masked nor skipped, as in most public implementations."""
        keys, values = self.text(self.embedding(text).transpose(1, 2)).chunk(2, dim=1)
        queries = self.audio(frames)
        attention = torch.softmax(keys.transpose(1, 2) @ queries / keys.shape[1] ** 0.5, dim=1)
        logits: Tensor = self.decoder(torch.cat([values @ attention, queries], dim=1))
        return logits, attention


class PlainSSRN(nn.Module):
    """SSRN of the paper's size: Tensor[B, F, T] → logits Tensor[B, L, 4T]."""

    def __init__(self, bins: int = 513, c: int = 512) -> None:
        super().__init__()
        layers: list[nn.Module] = [_Conv(80, c), *_highways(c, [(3, 1), (3, 3)], causal=False)]
        for _ in range(2):
            layers += [nn.ConvTranspose1d(c, c, 2, stride=2), *_highways(c, [(3, 1), (3, 3)], causal=False)]
        layers += [_Conv(c, 2 * c), *_highways(2 * c, [(3, 1), (3, 1)], causal=False), _Conv(2 * c, bins)]
        layers += [_Conv(bins, bins, relu=True), _Conv(bins, bins, relu=True), nn.Conv1d(bins, bins, 1)]
        self.layers = nn.Sequential(*layers)

    def forward(self, coarse: Tensor) -> Tensor:
        """Refine a batch."""
        logits: Tensor = self.layers(coarse)
        return logits
