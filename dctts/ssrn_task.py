"""What SSRN learns from, and how it is judged while it learns."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dctts.audio import linear_to_unit, magnitudes
from dctts.batches import CropBatch, bucketed, moved, step_generator
from dctts.config import AudioConfig
from dctts.corpus import Example
from dctts.layers import fuse
from dctts.losses import Reconstruction, fused_reconstruction, reconstruction
from dctts.pictures import draw_mels
from dctts.ssrn import SSRN


@dataclass(frozen=True, kw_only=True)
class SSRNRecipe:
    """How SSRN is taught."""

    batch_size: int = 16
    crop_frames: int = 64
    """Coarse frames in a crop: 3 s."""
    noise: float = 0.02
    """Most standard deviation of noise on the coarse frames of a crop, in unit mels: each draws its own, because
    predictions are never as clean as recordings, and what is clean should still be kept."""
    seed: int = 0


class SSRNTask:
    """SSRN, its examples and its recipe. The linear target is computed on the fly: on disk it would be 7 GB an hour."""

    def __init__(
        self,
        network: SSRN,
        training: Sequence[Example],
        held_out: Sequence[Example],
        *,
        recipe: SSRNRecipe,
        audio: AudioConfig,
    ) -> None:
        self.network: nn.Module = network
        self.reconstruction: Reconstruction = reconstruction
        self.config = network.config
        self.training, self.recipe, self.audio = training, recipe, audio
        # By length only to spread the long clips: a crop costs the same whatever it is cut from.
        self.lengths = [0] * len(training)
        self.held_out = list(held_out)[:32]

    @property
    def about(self) -> Mapping[str, Any]:
        """Kind and configs, to be saved with the weights."""
        return {
            "kind": "ssrn",
            "ssrn": self.config.to_dict(),
            "audio": self.audio.to_dict(),
            "recipe": asdict(self.recipe),
        }

    def batch(self, step: int) -> CropBatch:
        """Build the batch of a step."""
        random = step_generator(self.recipe.seed, step)
        chosen = bucketed(self.lengths, self.recipe.batch_size, self.recipe.seed, step)
        return self._crops([self.training[index] for index in chosen], random)

    def hardest_batch(self) -> CropBatch:
        """Build any batch: all are of one size."""
        return self.batch(0)

    def fuse(self) -> bool:
        """Compile the blocks and the loss."""
        fused = fuse(self.network)
        self.reconstruction = fused_reconstruction() if fused else reconstruction
        return fused

    def loss(self, network: nn.Module, batch: CropBatch, step: int) -> dict[str, Tensor]:
        """L1 and binary divergence of the linear and of the mel output."""
        coarse = batch.mel[:, :: self.audio.reduction]
        strength = torch.rand(len(coarse), 1, 1, device=coarse.device) * self.recipe.noise
        coarse = (coarse + torch.randn_like(coarse) * strength).clamp(0, 1)
        target = linear_to_unit(magnitudes(batch.wave, self.audio), self.audio)
        linear_logits, mel_logits = network(coarse)
        full = torch.full((len(target),), target.shape[1], device=target.device)
        l1, divergence = self.reconstruction(linear_logits, target, full)
        mel_l1, mel_divergence = self.reconstruction(mel_logits, batch.mel, full)
        return {
            "loss": l1 + divergence + mel_l1 + mel_divergence,
            "l1": l1,
            "divergence": divergence,
            "mel_l1": mel_l1,
        }

    def validate(self, network: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Measure L1 on the middle of held-out clips, beside what repeating each coarse frame four times gives."""
        if not self.held_out:
            return {}
        batch = moved(self._crops(self.held_out, None), next(network.parameters()).device)
        coarse = batch.mel[:, :: self.audio.reduction]
        target = linear_to_unit(magnitudes(batch.wave, self.audio), self.audio)
        linear_logits, mel_logits = network(coarse)
        full = torch.full((len(target),), target.shape[1], device=target.device)
        draw_mels(
            {"real": target[0], "predicted": linear_logits[0].float().sigmoid()}, folder / f"ssrn-{step:06d}-linear.png"
        )
        repeated = coarse.repeat_interleave(self.audio.reduction, dim=1)
        return {
            "l1": reconstruction(linear_logits, target, full)[0].item(),
            "mel_l1": reconstruction(mel_logits, batch.mel, full)[0].item(),
            "mel_l1_repeated": (repeated - batch.mel).abs().mean().item(),
        }

    def _crops(self, examples: Sequence[Example], random: np.random.Generator | None) -> CropBatch:
        hop, frames = self.audio.hop_samples, self.recipe.crop_frames * self.audio.reduction
        mels = torch.zeros(len(examples), frames, self.audio.num_mels)
        waves = torch.zeros(len(examples), frames * hop)
        for row, example in enumerate(examples):
            spare = max(0, len(example.mel) - frames)
            # Any full-rate frame may start the crop, so every phase of the reduction is seen.
            start = int(random.integers(spare + 1)) if random is not None else spare // 2
            mel = example.mel[start : start + frames]
            mels[row, : len(mel)] = mel.float()
            wave = example.wave[start * hop : (start + len(mel)) * hop]
            waves[row, : len(wave)] = wave.float() / 32768
        return CropBatch(mel=mels, wave=waves)
