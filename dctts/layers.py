"""The building blocks of both networks.

Everything works on [B, T, C] (batch, time, channels), so that a convolution is one matrix product over its taps and a
layer norm runs over contiguous memory: on CPUs with bfloat16 tiles this decides the speed.
"""

import os
import shutil
from collections.abc import Callable
from typing import Any, Literal

import torch
from torch import Tensor, nn
from torch.nn import functional

Padding = Literal["same", "causal"]


class Conv(nn.Module):
    """Dilated 1-D convolution that keeps the length: [B, T, in] → [B, T, out].

    C of the paper, without activation. `weight` is [out, kernel · in], taps from the oldest to the newest.
    """

    def __init__(
        self, in_channels: int, out_channels: int, *, kernel: int = 1, dilation: int = 1, padding: Padding = "same"
    ) -> None:
        super().__init__()
        self.kernel, self.dilation, self.padding = kernel, dilation, padding
        self.weight = nn.Parameter(torch.empty(out_channels, kernel * in_channels))
        self.bias = nn.Parameter(torch.empty(out_channels))
        nn.init.kaiming_normal_(self.weight, nonlinearity="linear")
        # Never zero: on silence, such as the frame before the first, a layer norm would divide by nothing, thirteen
        # layers in a row, and the gradient of the first step would overflow.
        nn.init.uniform_(self.bias, -(in_channels**-0.5), in_channels**-0.5)

    @property
    def reach(self) -> int:
        """Frames between the oldest and the newest tap."""
        return (self.kernel - 1) * self.dilation

    @property
    def before(self) -> int:
        """How many frames back the oldest tap lies."""
        return self.reach if self.padding == "causal" else self.reach // 2

    def forward(self, x: Tensor) -> Tensor:
        """Convolve; what lies outside the sequence counts as zero."""
        if self.kernel > 1:
            x = _Taps.apply(x, self.kernel, self.dilation, self.before)  # type: ignore[no-untyped-call]
        return functional.linear(x, self.weight, self.bias)


class _Taps(torch.autograd.Function):
    """Put the taps of a convolution side by side: [B, T, C] → [B, T, kernel · C].

    Written out because the gradient of slicing allocates and clears a whole tensor for every tap.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, kernel: int, dilation: int, before: int) -> Tensor:
        ctx.shape = (kernel, dilation, before)
        batch, length, channels = x.shape
        taps = x.new_zeros(batch, length, kernel, channels)
        for tap, (into, out_of) in enumerate(_overlaps(length, kernel, dilation, before)):
            taps[:, into, tap] = x[:, out_of]
        return taps.flatten(2)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        kernel, dilation, before = ctx.shape
        taps = gradients[0].view(*gradients[0].shape[:2], kernel, -1)
        length = taps.shape[1]
        gradient = torch.zeros_like(taps[:, :, 0])
        for tap, (into, out_of) in enumerate(_overlaps(length, kernel, dilation, before)):
            gradient[:, out_of] += taps[:, into, tap]
        return gradient, None, None, None


def _overlaps(length: int, kernel: int, dilation: int, before: int) -> list[tuple[slice, slice]]:
    """Where each tap writes, and where in the sequence it reads: position t reads t + tap · dilation - before."""
    shifts = [tap * dilation - before for tap in range(kernel)]
    return [
        (
            slice(max(0, -shift), max(0, min(length, length - shift))),
            slice(max(0, shift), max(0, length + min(0, shift))),
        )
        for shift in shifts
    ]


class NormConv(nn.Module):
    """Convolution of kernel 1, layer norm, then ReLU if asked for: [B, T, in] → [B, T, out]."""

    def __init__(self, in_channels: int, out_channels: int, *, relu: bool = False, dropout: float = 0.0) -> None:
        super().__init__()
        self.conv = Conv(in_channels, out_channels)
        self.norm = nn.LayerNorm(out_channels)
        self.relu, self.dropout = relu, dropout

    def forward(self, x: Tensor) -> Tensor:
        """Apply the layer at every position on its own."""
        y = self.norm(self.conv(x))
        y = functional.relu(y) if self.relu else y
        return y * _channel_mask(y, self.dropout) if self.training and self.dropout else y


class HighwayConv(nn.Module):
    """HC of the paper: σ(H1) ⊙ H2 + (1 - σ(H1)) ⊙ x, where [H1, H2] is a convolution of x: [B, T, C] → [B, T, C].

    H1 and H2 are layer-normalised each (as in Kyubyong/dc_tts; the paper has no norm, and a ReLU on H2). A speaker may
    modulate the norm of H2 (conditional layer norm, arXiv:2103.00993): with `speaker_dim` 0 the block is the plain one,
    and with the zero weights it starts from it also *computes* the plain one.
    """

    def __init__(
        self,
        channels: int,
        *,
        kernel: int = 3,
        dilation: int = 1,
        padding: Padding = "same",
        dropout: float = 0.0,
        speaker_dim: int = 0,
    ) -> None:
        super().__init__()
        self.conv = Conv(channels, 2 * channels, kernel=kernel, dilation=dilation, padding=padding)
        self.gain = nn.Parameter(torch.ones(2, channels))
        self.offset = nn.Parameter(torch.zeros(2, channels))
        self.film = nn.Linear(speaker_dim, 2 * channels, bias=False) if speaker_dim else None
        if self.film is not None:
            nn.init.zeros_(self.film.weight)
        self.dropout = dropout
        self.compiled: Callable[..., Tensor] | None = None

    def forward(self, x: Tensor, speaker: Tensor | None = None, keep: Tensor | None = None) -> Tensor:
        """Apply the block.

        Args:
            x: Tensor[B, T, C].
            speaker: Tensor[B, speaker_dim] from `SpeakerBottleneck`, or None for the plain block.
            keep: Tensor[B, T, 1], 0 on padding, which is zeroed in the output; None where there is none.
        """
        gain, offset = self.candidate_norm(speaker)
        if self.training and self.dropout:
            mask = _channel_mask(x, self.dropout).float()
            gain, offset = gain * mask, offset * mask
        if self.compiled is None:
            return combine(self.conv(x), x, self.gain[0], self.offset[0], gain, offset, keep)
        conv = self.conv
        return self.compiled(
            x, conv.weight, conv.bias, self.gain[0], self.offset[0], gain, offset, keep, conv.dilation, conv.before
        )

    def candidate_norm(self, speaker: Tensor | None) -> tuple[Tensor, Tensor]:
        """Gain and offset of the norm of H2, Tensor[B or 1, 1, C] each: the block's own, modulated by the speaker."""
        gain, offset = self.gain[1].expand(1, 1, -1), self.offset[1].expand(1, 1, -1)
        if self.film is None or speaker is None:
            return gain, offset
        scale, shift = self.film(speaker).float().unsqueeze(1).chunk(2, dim=-1)
        return gain * (1 + scale), offset * (1 + scale) + shift


def combine(
    hidden: Tensor,
    x: Tensor,
    gate_gain: Tensor,
    gate_offset: Tensor,
    gain: Tensor,
    offset: Tensor,
    keep: Tensor | None = None,
) -> Tensor:
    """Normalise both halves of `hidden` and let the first choose between the second and `x`, in float32 inside.

    Args:
        hidden: Tensor[B, T, 2C], H1 and H2 side by side.
        x: Tensor[B, T, C], the block's input; the output has its type.
        gate_gain: Tensor[C], of the norm of H1; `gate_offset` likewise.
        gain: Tensor[B or 1, 1, C], of the norm of H2; `offset` likewise.
        keep: Tensor[B, T, 1], 0 on padding, which is zeroed in the output; None where there is none.
    """
    channels = (x.shape[-1],)
    gate, candidate = hidden.float().chunk(2, dim=-1)
    gate = functional.layer_norm(gate, channels, gate_gain, gate_offset).sigmoid()
    candidate = functional.layer_norm(candidate, channels) * gain + offset
    wide = x.float()
    y = wide + gate * (candidate - wide)
    return (y if keep is None else y * keep).to(x.dtype)


def fuse(network: nn.Module) -> bool:
    """Compile the highway blocks, each as one piece: a third less time a training step than the plain layers take.

    Between the matrix products it is memory traffic that costs; compiling the whole network would save little more and
    take 45 s for every shape, a block takes 6 s for every width. Without a C++ compiler the blocks stay as they are.

    Returns:
        whether they were compiled.
    """
    if shutil.which(os.environ.get("CXX", "g++")) is None:
        return False
    # One graph for every width, kernel and kind of padding; the default of 8 would silently fall back to plain layers.
    torch._dynamo.config.recompile_limit = 64
    compiled = torch.compile(_highway, dynamic=True)
    for block in network.modules():
        if isinstance(block, HighwayConv):
            block.compiled = compiled
    return True


def set_dropout(network: nn.Module, probability: float) -> None:
    """Change the dropout of every layer; what is saved with the weights says what they began with."""
    for layer in network.modules():
        if isinstance(layer, NormConv | HighwayConv):
            layer.dropout = probability


def _highway(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    gate_gain: Tensor,
    gate_offset: Tensor,
    gain: Tensor,
    offset: Tensor,
    keep: Tensor | None,
    dilation: int,
    before: int,
) -> Tensor:
    """Convolve and combine, as `HighwayConv.forward` does, written for the compiler."""
    length, channels = x.shape[1], x.shape[2]
    kernel = weight.shape[1] // channels
    if kernel == 3 and x.device.type == "cpu":
        return combine(three_taps(x, weight, bias, dilation, before), x, gate_gain, gate_offset, gain, offset, keep)
    taps = x
    if kernel > 1:
        reach = (kernel - 1) * dilation
        padded = functional.pad(x, (0, 0, before, reach - before))
        taps = torch.cat([padded[:, tap * dilation : tap * dilation + length] for tap in range(kernel)], dim=-1)
    hidden = functional.linear(taps, weight.to(x.dtype), bias.to(x.dtype))
    return combine(hidden, x, gate_gain, gate_offset, gain, offset, keep)


def three_taps(x: Tensor, weight: Tensor, bias: Tensor, dilation: int, before: int) -> Tensor:
    """Convolution of kernel 3 with four products for two frames instead of six (Winograd's F(2, 3), arXiv:1509.09308).

    Forward and both halves of backward save a third of their multiplications, which are most of a step on a CPU.
    The sums are rounded to bfloat16 once more than in the plain product; the loss stays as near (`bench.same_curve`).

    Args:
        x: Tensor[B, T, C].
        weight: Tensor[out, 3 · C], taps from the oldest to the newest, as in `Conv`.
        bias: Tensor[out].
        dilation: frames between two taps.
        before: how many frames back the oldest tap lies.

    Returns:
        Tensor[B, T, out], float32.
    """
    batch, length, channels = x.shape
    # Two frames `dilation` apart share two taps, so time is cut into stretches of that length, and they go in pairs.
    pairs = -(-length // (2 * dilation))
    padded = functional.pad(x, (0, 0, before, 2 * dilation * (pairs + 1) - length - before))
    stretches = padded.view(batch, pairs + 1, 2, dilation, channels).float()
    a, b, c, d = stretches[:, :-1, 0], stretches[:, :-1, 1], stretches[:, 1:, 0], stretches[:, 1:, 1]
    old, middle, new = weight.view(-1, 3, channels).unbind(1)
    mean, half = (old + new) * 0.5, middle * 0.5
    first, second, third, fourth = (
        functional.linear(frames.to(x.dtype), tap.to(x.dtype)).float()
        for frames, tap in ((a - c, old), (b + c, mean + half), (c - b, mean - half), (b - d, new))
    )
    # Rounded before they are put together: the compiler would store them in float32 otherwise.
    both = [(first + second + third).to(x.dtype), (second - third - fourth).to(x.dtype)]
    return torch.stack(both, dim=2).flatten(1, 3)[:, :length].float() + bias


def _channel_mask(like: Tensor, probability: float) -> Tensor:
    """Dropout of whole channels for a whole utterance, Tensor[B, 1, C]: B · C random numbers instead of B · T · C.

    On two cores drawing a number for every element took an eighth of the step (arXiv:1512.05287 argues for the same).
    """
    keep = 1 - probability
    mask = torch.empty(like.shape[0], 1, like.shape[-1], device=like.device).bernoulli_(keep)
    return (mask / keep).to(like.dtype)


class Upsample(nn.Module):
    """D of the paper: a transposed convolution of kernel and stride 2: [B, T, C] → [B, 2T, C]."""

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv = Conv(channels, 2 * channels)

    def forward(self, x: Tensor) -> Tensor:
        """Give every frame two successors."""
        batch, length, channels = x.shape
        doubled: Tensor = self.conv(x)
        return doubled.reshape(batch, 2 * length, channels)


class SpeakerBottleneck(nn.Module):
    """Speaker vector → the few numbers that modulate blocks: [B, speaker_dim] → [B, bottleneck]."""

    def __init__(self, speaker_dim: int, bottleneck: int) -> None:
        super().__init__()
        self.linear = nn.Linear(speaker_dim, bottleneck)

    def forward(self, speaker: Tensor) -> Tensor:
        """Squeeze a unit-norm speaker vector through tanh."""
        # A unit vector of 256 entries has entries near 1/16: without the factor tanh would start, and stay, near 0.
        return torch.tanh(self.linear(speaker * 4.0))


def length_mask(lengths: Tensor, longest: int) -> Tensor:
    """Tensor[B] of lengths → Tensor[B, longest] of bool, True inside each sequence."""
    return torch.arange(longest, device=lengths.device).unsqueeze(0) < lengths.unsqueeze(1)
