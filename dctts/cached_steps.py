"""AudioEnc and AudioDec, one frame at a time, with as few operations as the arithmetic allows.

At batch 1 a step is bound by reading the weights once (27 MB for the paper's size); what can be saved is all the rest.
Each causal block keeps its past sorted by phase (time modulo dilation), so that the three taps of a frame lie side by
side in memory and the block before writes its output straight into the place of the newest.

Legend: B texts, F mel bands, d = `channels`, δ = dilation.
"""

from itertools import pairwise
from typing import cast

import torch
from torch import Tensor, nn

from dctts.layers import Conv, HighwayConv, NormConv
from dctts.text2mel import Text2Mel

_SLOTS = 10
"""Frames of the past kept for each phase; every eighth time the last two move to the front."""


class CachedSteps:
    """The audio side of Text2Mel for a batch of texts; call `encode`, fill `attended`, call `decode`, and again."""

    def __init__(self, network: Text2Mel, batch: int, condition: Tensor | None) -> None:
        encoder, decoder = network.audio_encoder, network.audio_decoder
        channels = network.config.channels
        self._encoder_entry = [_OneFrame(layer, batch) for layer in encoder.entry]
        self._encoder = [_CachedHighway(block, batch, None) for block in encoder.blocks]
        self._decoder_entry = _OneFrame(decoder.entry, batch)
        self._decoder = [_CachedHighway(block, batch, condition) for block in decoder.blocks]
        self._decoder_exit = [_OneFrame(layer, batch) for layer in decoder.exit]
        self._logits = _affine(decoder.logits, batch)
        self._first = torch.zeros(batch, network.config.num_mels)
        self._heard = torch.zeros(batch, 2 * channels)
        self.attended = self._heard[:, :channels]
        """Tensor[B, d]: what attention reads from the text, to be written between `encode` and `decode`."""
        self._query = self._heard[:, channels:]
        self._time = 0

    def encode(self, frame: Tensor | None) -> Tensor:
        """Previous coarse frame Tensor[B, F], None before the first → query Tensor[B, d], good until the next call."""
        x = self._first if frame is None else frame
        for layer in self._encoder_entry:
            x = layer.step(x)
        self._through(self._encoder, x, self._query)
        return self._query

    def decode(self) -> Tensor:
        """Attended values and query → logits Tensor[B, F] of the next coarse frame."""
        x = self._through(self._decoder, self._decoder_entry.step(self._heard), None)
        for layer in self._decoder_exit:
            x = layer.step(x)
        self._time += 1
        weight, bias = self._logits
        return torch.addmm(bias, x, weight)

    def _through(self, blocks: "list[_CachedHighway]", x: Tensor, out: Tensor | None) -> Tensor:
        blocks[0].newest(self._time).copy_(x)
        for block, following in pairwise(blocks):
            block.step(self._time, following.newest(self._time))
        return blocks[-1].step(self._time, out)


class _OneFrame:
    """A layer of kernel 1."""

    def __init__(self, module: nn.Module, batch: int) -> None:
        layer = cast(NormConv, module)
        self.weight, self.bias = _affine(layer.conv, batch)
        self.gain, self.offset, self.eps = layer.norm.weight, layer.norm.bias, layer.norm.eps
        self.relu = layer.relu
        self.shape = tuple(layer.norm.normalized_shape)

    def step(self, x: Tensor) -> Tensor:
        y: Tensor = torch.addmm(self.bias, x, self.weight)
        y = torch.layer_norm(y, self.shape, self.gain, self.offset, self.eps)
        return y.relu_() if self.relu else y


class _CachedHighway:
    """A causal highway block and its past."""

    def __init__(self, module: nn.Module, batch: int, condition: Tensor | None) -> None:
        block = cast(HighwayConv, module)
        self.dilation, kernel = block.conv.dilation, block.conv.kernel
        self.weight, self.bias = _affine(block.conv, batch)
        gain, offset = block.candidate_norm(condition)
        self.gain = torch.stack([block.gain[0].expand_as(gain), gain], dim=2)[:, 0].contiguous()
        self.offset = torch.stack([block.offset[0].expand_as(offset), offset], dim=2)[:, 0].contiguous()
        channels = self.weight.shape[0] // kernel
        self.shape, self.norm_shape = (batch, 2, channels), (channels,)
        self.keep, self.turns = kernel - 1, _SLOTS - kernel + 1
        past = torch.zeros(self.dilation, batch, _SLOTS, channels)
        self.past = past.unbind()
        # Making a view costs as much as a small product: all are made once, many at a time.
        views, steps = (self.dilation, self.turns, batch), (past.stride(0), channels, past.stride(1))
        taps = past.as_strided((*views, kernel * channels), (*steps, 1))
        latest = past.as_strided((*views, channels), (*steps, 1), (kernel - 1) * channels)
        self.taps = [phase.unbind() for phase in taps.unbind()]
        self.latest: list[tuple[Tensor, ...]] = [phase.unbind() for phase in latest.unbind()]

    def newest(self, time: int) -> Tensor:
        """Where the input Tensor[B, C] of frame `time` must be written before `step`."""
        turn, phase = divmod(time, self.dilation)
        turn %= self.turns
        if turn == 0 and time >= self.dilation:
            self.past[phase][:, : self.keep] = self.past[phase][:, self.turns :]
        return self.latest[phase][turn]

    def step(self, time: int, out: Tensor | None) -> Tensor:
        """Input of frame `time` → output Tensor[B, C], written into `out` if given."""
        turn, phase = divmod(time, self.dilation)
        turn %= self.turns
        hidden = torch.addmm(self.bias, self.taps[phase][turn], self.weight).view(self.shape)
        normal = torch.layer_norm(hidden, self.norm_shape)
        gate, candidate = torch.addcmul(self.offset, normal, self.gain).unbind(1)
        x = self.latest[phase][turn]
        y: Tensor = torch.lerp(x, candidate, gate.sigmoid(), out=out)
        return y


def _affine(conv: Conv, batch: int) -> tuple[Tensor, Tensor]:
    """Weights [in, out] and bias; in a batch it pays to turn them over in memory once."""
    weight = conv.weight.detach().float().t()
    return weight.contiguous() if batch > 1 else weight, conv.bias.detach().float()
