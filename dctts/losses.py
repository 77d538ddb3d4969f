"""What training minimises: L1, binary divergence and guided attention, counted on real frames only.

Legend: B utterances, N symbols, T frames, F values a frame.
"""

from collections.abc import Callable

import torch
from torch import Tensor
from torch.nn import functional

from dctts.layers import length_mask

Reconstruction = Callable[[Tensor, Tensor, Tensor], tuple[Tensor, Tensor]]


def reconstruction(logits: Tensor, target: Tensor, num_frames: Tensor) -> tuple[Tensor, Tensor]:
    """Mean absolute error and binary divergence over the real frames.

    Args:
        logits: Tensor[B, T, F] before the sigmoid.
        target: Tensor[B, T, F] in [0, 1].
        num_frames: Tensor[B], int64.

    Returns:
        two scalars: L1 of the sigmoid, and cross entropy less the target's own entropy, so that 0 is perfect
        (arXiv:1710.08969, section 3.3, eq. 3).
    """
    logits = logits.float()
    keep = length_mask(num_frames, target.shape[1]).unsqueeze(-1)
    count = keep.sum() * target.shape[-1]
    absolute = ((logits.sigmoid() - target).abs() * keep).sum() / count
    entropy = functional.binary_cross_entropy(target, target, reduction="none")
    cross = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
    return absolute, ((cross - entropy) * keep).sum() / count


def fused_reconstruction() -> Reconstruction:
    """Compile `reconstruction`: one pass over the frames instead of a dozen, a tenth of a step of SSRN."""
    return torch.compile(reconstruction, dynamic=True)


def guided_attention_weights(num_symbols: Tensor, num_frames: Tensor, width: float = 0.2) -> Tensor:
    """Penalise attention far from the diagonal of each utterance's own N × T.

    Args:
        num_symbols: Tensor[B], int64, at least 1.
        num_frames: Tensor[B], int64, at least 1.
        width: g in the paper; unitless, above 0.

    Returns:
        Tensor[B, max T, max N] in [0, 1): 1 - exp(-(n/N - t/T)² / 2g²), 0 on the diagonal and 0 in the padding.

    Raises:
        ValueError: `width` is not above 0.

    Source: arXiv:1710.08969, section 4.1; but by each utterance's own lengths, so that batch mates do not matter.
    """
    if width <= 0:
        raise ValueError(f"width must be above 0, got {width}")
    longest_text, longest_frames = int(num_symbols.max()), int(num_frames.max())
    device = num_symbols.device
    # Positions run from 0 to 1 inclusive, so that the last symbol and the last frame lie on the diagonal too.
    n = torch.arange(longest_text, device=device) / (num_symbols.unsqueeze(1) - 1).clamp_min(1)
    t = torch.arange(longest_frames, device=device) / (num_frames.unsqueeze(1) - 1).clamp_min(1)
    weights = 1 - torch.exp(-((n.unsqueeze(1) - t.unsqueeze(2)) ** 2) / (2 * width**2))
    inside = length_mask(num_symbols, longest_text).unsqueeze(1) & length_mask(num_frames, longest_frames).unsqueeze(2)
    return weights * inside


def aligned_attention(attention: Tensor, path: Tensor, num_frames: Tensor) -> Tensor:
    """Cross entropy of attention with the symbol each frame belongs to, mean over the real frames: a scalar.

    Args:
        attention: Tensor[B, T, N], each row summing to 1.
        path: Tensor[B, T], int64, as `alignment.monotonic_path` finds it.
        num_frames: Tensor[B], int64.
    """
    on_path = attention.gather(2, path.unsqueeze(2)).squeeze(2).clamp_min(1e-6)
    return -(on_path.log() * length_mask(num_frames, path.shape[1])).sum() / num_frames.sum()


def guided_attention(attention: Tensor, num_symbols: Tensor, num_frames: Tensor, width: float = 0.2) -> Tensor:
    """Mean over the real frames of the attention that lies off the diagonal: a scalar in [0, 1).

    The paper's mean runs over N · T, which makes the same penalty about N times weaker: give the weight accordingly.
    """
    weights = guided_attention_weights(num_symbols, num_frames, width)
    penalty = attention[:, : weights.shape[1], : weights.shape[2]] * weights  # batches may be padded beyond the longest
    return penalty.sum() / num_frames.sum()
