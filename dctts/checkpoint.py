"""Weights and training state in one safetensors file: no pickle is ever read or written.

Tensor names carry their group as a prefix: `network.`, `average.` (moving average of the weights), `moment1.`,
`moment2.` (Adam). The metadata holds one JSON document: kind, step, config, and whatever else belongs to the run.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save_file
from torch import Tensor, nn

from dctts.atomic import whole_file
from dctts.errors import CheckpointError

FORMAT = "clone-pipeline checkpoint 1"

Weights = dict[str, Tensor]


@dataclass(frozen=True, kw_only=True)
class Checkpoint:
    """Everything a file holds."""

    groups: Mapping[str, Weights]
    """Group → name → tensor."""
    about: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON values: what the tensors are and how they came to be."""


def save(path: Path, checkpoint: Checkpoint) -> None:
    """Write a checkpoint, whole or not at all. The same content gives the same bytes."""
    tensors = {
        f"{group}.{name}": tensor.detach().cpu().contiguous()
        for group, weights in checkpoint.groups.items()
        for name, tensor in weights.items()
    }
    about = json.dumps({"format": FORMAT, **checkpoint.about}, ensure_ascii=False, sort_keys=True)
    with whole_file(path) as temporary:
        save_file(tensors, temporary, metadata={"about": about})


def load(path: Path, *, groups: tuple[str, ...] | None = None) -> Checkpoint:
    """Read a checkpoint, or only some groups of it.

    Raises:
        CheckpointError: no such file, not safetensors, or not one of ours.
    """
    about = read_about(path)
    found: dict[str, Weights] = {}
    with safe_open(path, framework="pt") as file:
        for name in file.keys():  # noqa: SIM118 - a safe_open handle is no dictionary
            group, _, rest = name.partition(".")
            if groups is None or group in groups:
                found.setdefault(group, {})[rest] = file.get_tensor(name)
    return Checkpoint(groups=found, about=about)


def read_about(path: Path) -> dict[str, Any]:
    """Read what a checkpoint says of itself, without its tensors.

    Raises:
        CheckpointError: as for `load`.
    """
    if not path.is_file():
        raise CheckpointError(f"no checkpoint at {path}", hint="give the path of a .safetensors file")
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
        about = json.loads(metadata.get("about", "{}"))
    except (SafetensorError, ValueError, OSError) as error:
        raise CheckpointError(f"cannot read {path} as safetensors: {error}", hint="is the file whole?") from error
    if not isinstance(about, dict) or about.get("format") != FORMAT:
        raise CheckpointError(
            f"{path} is not a checkpoint of clone-pipeline",
            hint="weights of other projects cannot be loaded; train a base with `clone-pipeline pretrain`",
        )
    return about


def newest(folder: Path) -> Path | None:
    """Find the checkpoint with the highest step in a folder of `<step>.safetensors`, or None."""
    numbered = [path for path in folder.glob("*.safetensors") if path.stem.isdigit()]
    return max(numbered, key=lambda path: int(path.stem), default=None)


def load_average(network: nn.Module, path: Path) -> None:
    """Put a training checkpoint's averaged weights into a network and make it ready to use."""
    weights = load(path, groups=("average",)).groups["average"]
    with torch.no_grad():
        for name, parameter in network.named_parameters():
            parameter.copy_(weights[name])
    network.eval()


def load_matching(network: nn.Module, weights: Weights) -> list[str]:
    """Load weights by name and give the names that were missing, for example the speaker conditioning of a plain net.

    Raises:
        CheckpointError: a tensor the network does not know, or one of another shape.
    """
    own = dict(network.named_parameters())
    for name, tensor in weights.items():
        if name not in own or own[name].shape != tensor.shape:
            wanted = tuple(own[name].shape) if name in own else "no such tensor"
            raise CheckpointError(
                f"tensor {name} of shape {tuple(tensor.shape)} does not fit this network ({wanted})",
                hint="the checkpoint was made for another size",
            )
        own[name].data.copy_(tensor)
    return sorted(set(own) - set(weights))
