"""What the encoder learns from, and how it is judged while it learns.

S speakers in a step, U partial utterances of each.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dctts.batches import step_generator
from dctts.encoder.disturb import Disturbances, disturb
from dctts.encoder.features import Speaker
from dctts.encoder.ge2e import ge2e_loss
from dctts.encoder.network import EncoderNetwork
from dctts.encoder.partials import PARTIAL_FRAMES
from dctts.encoder.verification import all_pairs
from dctts.layers import fuse


@dataclass(frozen=True, kw_only=True)
class EncoderRecipe:
    """How the encoder is taught."""

    speakers: int = 32
    """In a step."""
    utterances: int = 4
    """Partial utterances of each."""
    disturbances: Disturbances = field(default_factory=Disturbances)
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class PartialsBatch:
    """What the encoder trains on."""

    power: Tensor
    """Tensor[S · U, 160, 40] of mel power."""
    num_speakers: int


class EncoderTask:
    """The encoder, its speakers and its recipe.

    Args:
        training: at all speeds.
        held_out: other people, at the speed they spoke.
        noises: mel power of recorded noises, Tensor[≥ 160, 40] each.
    """

    def __init__(
        self,
        network: EncoderNetwork,
        training: Sequence[Speaker],
        held_out: Sequence[Speaker],
        noises: Sequence[Tensor] = (),
        *,
        recipe: EncoderRecipe,
    ) -> None:
        self.network: nn.Module = network
        self.config = network.config
        self.training, self.recipe, self.noises = training, recipe, noises
        self.held_out = list(held_out)

    @property
    def about(self) -> Mapping[str, Any]:
        """Kind and configs, to be saved with the weights."""
        return {"kind": "speaker encoder", "encoder": self.config.to_dict(), "recipe": asdict(self.recipe)}

    def fuse(self) -> bool:
        """Compile the blocks."""
        return fuse(self.network)

    def batch(self, step: int) -> PartialsBatch:
        """Draw speakers, partial utterances of theirs, and what disturbs each."""
        random = step_generator(self.recipe.seed, step)
        count = min(self.recipe.speakers, len(self.training))
        chosen = random.choice(len(self.training), count, replace=False)
        cuts = [_cut(self.training[index].clips, random) for index in chosen for _ in range(self.recipe.utterances)]
        power = torch.stack([cut.float() for cut in cuts]).exp()
        return PartialsBatch(power=disturb(power, self.noises, random, self.recipe.disturbances), num_speakers=count)

    def loss(self, network: nn.Module, batch: PartialsBatch, step: int) -> dict[str, Tensor]:
        """GE2E, and the part of partial utterances that lie nearer to somebody else."""
        vectors = network(batch.power)
        parameters = dict(network.named_parameters())
        loss, wrong = ge2e_loss(
            vectors.unflatten(0, (batch.num_speakers, -1)), parameters["scale"], parameters["offset"]
        )
        return {"loss": loss, "wrong": wrong}

    def validate(self, network: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Give the equal error rate of held-out speakers by pieces of 1.6 s, clean and disturbed."""
        cuts = [
            (speaker.name, clip[start : start + PARTIAL_FRAMES])
            for speaker in self.held_out
            for clip in speaker.clips
            for start in range(0, len(clip) - PARTIAL_FRAMES + 1, PARTIAL_FRAMES)
        ]
        power = torch.stack([cut.float() for _, cut in cuts]).exp()
        names = [name for name, _ in cuts]
        rough = disturb(power, self.noises, step_generator(self.recipe.seed, 0, purpose=2), self.recipe.disturbances)
        device = next(network.parameters()).device
        found = {}
        for name, sound in (("eer", power), ("eer_disturbed", rough)):
            vectors = torch.cat([network(part.to(device)) for part in torch.split(sound, 128)]).float().cpu()
            trials = all_pairs(vectors.numpy(), names)
            found[name] = trials.eer
            found[f"{name}_genuine"], found[f"{name}_impostor"] = trials.genuine.mean(), trials.impostor.mean()
        return {name: float(value) for name, value in found.items()}


def _cut(clips: Sequence[Tensor], random: np.random.Generator) -> Tensor:
    clip = clips[int(random.integers(len(clips)))]
    start = int(random.integers(len(clip) - PARTIAL_FRAMES + 1))
    return clip[start : start + PARTIAL_FRAMES]
