"""Generalised end-to-end loss (Wan et al. 2018, arXiv:1710.10467), the softmax form.

S speakers, U utterances of each, D dimensions.
"""

import torch
from torch import Tensor
from torch.nn import functional


def similarities(vectors: Tensor) -> Tensor:
    """Cosine of each utterance to the centroid of each speaker, its own counted without itself.

    Args:
        vectors: Tensor[S, U, D] of norm 1, U at least 2.

    Returns:
        Tensor[S, U, S].
    """
    total = vectors.sum(dim=1)
    centroids = functional.normalize(total, dim=-1)
    without = functional.normalize(total.unsqueeze(1) - vectors, dim=-1)
    every = torch.einsum("sud,cd->suc", vectors, centroids)
    own = (vectors * without).sum(dim=-1)
    diagonal = torch.eye(len(vectors), dtype=torch.bool, device=vectors.device).unsqueeze(1)
    return torch.where(diagonal, own.unsqueeze(-1), every)


def ge2e_loss(vectors: Tensor, scale: Tensor, offset: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of naming the speaker of each utterance by the nearest centroid, and how often that is wrong.

    Args:
        vectors: Tensor[S, U, D] of norm 1, U at least 2.
        scale: Tensor[1], kept positive here: a negative one would call strangers alike.
        offset: Tensor[1].
    """
    logits = scale.clamp_min(1e-6) * similarities(vectors) + offset
    speakers = torch.arange(len(vectors), device=vectors.device).repeat_interleave(vectors.shape[1])
    flat = logits.flatten(0, 1)
    wrong = (flat.argmax(dim=-1) != speakers).float().mean()
    return functional.cross_entropy(flat, speakers), wrong
