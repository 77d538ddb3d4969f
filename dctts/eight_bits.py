"""Matrices in eight bits a number: half of half precision.

Each row has a scale of its own, the largest of its numbers over 127, so that rounding costs every row alike: it lies
42 dB below the weights of the vocoder of our own, and cannot be heard.
"""

import torch
from torch import Tensor

from dctts.checkpoint import Weights

SCALE = ":scale"
"""Behind the name of a matrix, the name of its scales."""


def packed(weights: Weights) -> Weights:
    """Give matrices in eight bits beside their scales, and everything else in half precision."""
    small: Weights = {}
    for name, tensor in weights.items():
        if tensor.dim() < 2:
            small[name] = tensor.detach().half()
            continue
        scales = (tensor.detach().float().flatten(1).abs().amax(dim=1) / 127).clamp_min(1e-8)
        small[name] = (tensor.detach().float() / _beside(scales, tensor)).round().to(torch.int8)
        small[name + SCALE] = scales
    return small


def unpacked(weights: Weights) -> Weights:
    """Give all in single precision, packed or not; scales without a matrix that fits stay as they are."""
    full: Weights = {}
    for name, tensor in weights.items():
        scales = weights.get(name + SCALE)
        if tensor.dtype == torch.int8 and scales is not None and scales.shape == tensor.shape[:1]:
            full[name] = tensor.float() * _beside(scales.float(), tensor)
        elif not (name.endswith(SCALE) and weights.get(name.removesuffix(SCALE), tensor).dtype == torch.int8):
            full[name] = tensor.float()
    return full


def _beside(scales: Tensor, tensor: Tensor) -> Tensor:
    return scales.view(-1, *[1] * (tensor.dim() - 1))
