"""The speaker encoder of our own as a judge: what the one that conditions the voices cannot be.

It learnt from other people than any voice is made of, and what it says of a voice the voice was never told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

from dctts import checkpoint
from dctts.config import EncoderConfig
from dctts.encoder.network import EncoderNetwork
from dctts.encoder.partials import Wave
from dctts.encoder.resemblyzer import PartialsEncoder
from dctts.errors import CheckpointError
from dctts.shipped import shipped

KIND = "speaker encoder"
SHIPPED = "encoder/encoder.safetensors"


@dataclass(frozen=True, kw_only=True)
class EncoderFile:
    """What an encoder's file holds."""

    network: EncoderNetwork
    strangers: Mapping[str, Wave]
    """Name → unit vector of people it never learnt from: whom to tell a voice from."""
    card: Mapping[str, Any]
    """What it learnt from and how well; plain JSON values."""


class OwnEncoder(PartialsEncoder):
    """Map speech to a unit vector as `SpeakerEncoder` does, by weights that `clone-pipeline train-encoder` made.

    Args:
        device: where the network runs.
        weights: a file of `train-encoder`; None takes the one that ships.

    Raises:
        CheckpointError: the file is missing, broken, or holds something else.
        ClonePipelineError: no encoder ships with this installation.
    """

    def __init__(self, device: str | torch.device = "cpu", weights: Path | None = None) -> None:
        file = read_encoder(weights or shipped(SHIPPED))
        self.strangers, self.card = file.strangers, file.card
        super().__init__(file.network, device)


def read_encoder(path: Path) -> EncoderFile:
    """Read what `write_encoder` wrote.

    Raises:
        CheckpointError: the file is missing, broken, or holds something else.
    """
    saved = checkpoint.load(path)
    weights = saved.groups.get("network", {})
    try:
        if saved.about.get("kind") != KIND:
            raise ValueError(f"it holds {saved.about.get('kind', 'something else')!r}")
        with torch.device("meta"):  # sizes are checked before anything of those sizes is made
            wanted = EncoderNetwork(EncoderConfig.from_dict(saved.about["encoder"]))
        shapes = {name: tuple(parameter.shape) for name, parameter in wanted.named_parameters()}
        if shapes != {name: tuple(tensor.shape) for name, tensor in weights.items()}:
            raise ValueError("its tensors are not those of its sizes")
        if not all(torch.isfinite(tensor).all() for tensor in weights.values()):
            raise ValueError("it has weights that are no numbers")
    except (ValueError, KeyError, TypeError, RuntimeError) as error:
        raise CheckpointError(
            f"{path} is no speaker encoder of clone-pipeline: {error}", hint="clone-pipeline train-encoder makes one"
        ) from error
    network = EncoderNetwork(wanted.config)
    checkpoint.load_matching(network, weights)
    strangers = {
        name: np.asarray(vector.float().numpy(), np.float32)
        for name, vector in saved.groups.get("strangers", {}).items()
    }
    return EncoderFile(network=network, strangers=strangers, card=saved.about.get("card", {}))


def write_encoder(path: Path, file: EncoderFile) -> None:
    """Write an encoder in float16, whole or not at all: half the size, and vectors the same to a thousandth."""
    groups = {
        "network": {name: parameter.detach().half() for name, parameter in file.network.named_parameters()},
        "strangers": {name: torch.from_numpy(vector).half() for name, vector in file.strangers.items()},
    }
    about = {"kind": KIND, "encoder": file.network.config.to_dict(), "card": dict(file.card)}
    checkpoint.save(path, checkpoint.Checkpoint(groups=groups, about=about))
