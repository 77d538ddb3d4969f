"""What a vocoder is trained to minimise: how far short-time spectra are apart, at several resolutions.

Legend: B utterances, S samples, M frames, L linear bins.
"""

from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

WINDOWS = (2048, 1024, 512, 256)
"""Samples in a window; the hop is half of one. Short ones see where in a period the sound lies, long ones its pitch."""


def spectral_loss(made: Tensor, real: Tensor) -> Tensor:
    """Log-magnitude L1 and spectral convergence, mean over the windows: Tensor[B, S] twice → scalar.

    Source: Parallel WaveGAN, arXiv:1910.11480, section 2.2.
    """
    losses = []
    for size in WINDOWS:
        one, other = short_time(made, size), short_time(real, size)
        apart = (one - other).square().sum(dim=(1, 2)).sqrt() / other.square().sum(dim=(1, 2)).sqrt().clamp_min(1e-3)
        losses.append((one.log() - other.log()).abs().mean() + apart.mean())
    return torch.stack(losses).mean()


def short_time(wave: Tensor, size: int, hop: int = 0, floor: float = 0.0) -> Tensor:
    """Magnitudes of Tensor[B, S] → Tensor[B, M, L], never quite 0.

    Args:
        size: of the Hann window.
        hop: half the window if it is 0.
        floor: of the power; 0 takes what 16-bit sound can hold.
    """
    hop = hop or size // 2
    magnitudes: Tensor = _ShortTime.apply(wave, size, hop, floor or 1e-7 * size)  # type: ignore[no-untyped-call]
    return magnitudes


class _ShortTime(torch.autograd.Function):
    """Frame, window, transform and take magnitudes in one: torch's own gradient takes four times as long."""

    @staticmethod
    def forward(ctx: Any, wave: Tensor, size: int, hop: int, floor: float) -> Tensor:
        frames = wave.unfold(1, size, hop) * torch.hann_window(size, device=wave.device)
        spectrum = torch.fft.rfft(frames)
        real, imaginary = spectrum.real, spectrum.imag
        magnitudes = torch.addcmul(real * real, imaginary, imaginary).add_(floor).sqrt_()
        ctx.save_for_backward(spectrum, magnitudes)
        ctx.shape = (wave.shape[1], size, hop)
        return magnitudes

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, None, None, None]:
        spectrum, magnitudes = ctx.saved_tensors
        length, size, hop = ctx.shape
        weight = gradients[0] / magnitudes
        weight[..., 1:-1] *= 0.5
        frames = torch.fft.irfft(spectrum * weight, size, norm="forward")
        frames *= torch.hann_window(size, device=frames.device)
        parts = frames.reshape(*frames.shape[:2], size // hop, hop)
        count = frames.shape[1]
        wave = frames.new_zeros(len(frames), count + size // hop - 1, hop)
        for part in range(size // hop):
            wave[:, part : part + count] += parts[:, :, part]
        flat = wave.flatten(1)
        return functional.pad(flat, (0, length - flat.shape[1])), None, None, None
