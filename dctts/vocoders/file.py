"""Vocoders as files: safetensors of our own, and published generators, which are converted once."""

import hashlib
import logging
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from dctts import checkpoint
from dctts.checkpoint import Checkpoint, Weights
from dctts.eight_bits import packed, unpacked
from dctts.errors import CheckpointError
from dctts.unfilled import Unfilled
from dctts.vocoders.hifigan import HifiGan, HifiGanConfig, HifiGanVocoder
from dctts.vocoders.hifigan_import import read_generator
from dctts.vocoders.interface import NeuralVocoder
from dctts.vocoders.source_filter import SourceFilter, SourceFilterConfig
from dctts.vocoders.source_filter_vocoder import SourceFilterVocoder

log = logging.getLogger(__name__)

KIND = "vocoder"


def save_vocoder(vocoder: NeuralVocoder, path: Path, *, card: Mapping[str, Any] | None = None) -> None:
    """Write a vocoder, whole or not at all."""
    about = {"kind": KIND, KIND: describe(vocoder), "card": dict(card or {})}
    checkpoint.save(path, Checkpoint(groups={KIND: compact(vocoder)}, about=about))


def load_vocoder(path: Path) -> NeuralVocoder:
    """Read a vocoder: a file of ours, or a published HiFi-GAN generator in PyTorch's format or as npz.

    Raises:
        CheckpointError: the file is missing, broken, or holds something else.
    """
    if path.suffix == ".safetensors":
        return _load_ours(path)
    if not path.is_file():
        raise CheckpointError(f"no vocoder at {path}", hint="give griffin-lim, or the path of a vocoder's file")
    converted = _cache() / f"{_hash(path)}.safetensors"
    if not converted.is_file():
        config, weights = read_generator(path)
        vocoder = build({"kind": HifiGanVocoder.kind, "settings": config.to_dict()}, weights, path)
        try:
            save_vocoder(vocoder, converted)
            log.info("%s was converted: %s", path, converted)
        except OSError as error:
            log.info("%s could not be kept converted: %s", path, error)
        return vocoder
    return _load_ours(converted)


def describe(vocoder: NeuralVocoder) -> dict[str, Any]:
    """Say what `build` needs to know beside the weights."""
    return {"kind": vocoder.kind, "settings": dict(vocoder.about())}


def compact(vocoder: NeuralVocoder) -> Weights:
    """Give the weights as files hold them: ours in eight bits, published ones in half precision."""
    if vocoder.kind == SourceFilterVocoder.kind:
        return packed(vocoder.weights())
    return {name: tensor.detach().half() for name, tensor in vocoder.weights().items()}


def build(described: Any, weights: Weights, path: Path) -> NeuralVocoder:
    """Put a vocoder together from what `describe` said and its weights.

    Raises:
        CheckpointError: settings nobody knows, or tensors that do not fit them.
    """
    try:
        network = _empty(described["kind"], described["settings"])
    except (TypeError, ValueError, KeyError, RuntimeError, AttributeError) as error:
        raise CheckpointError(f"{path} has a vocoder this version does not know: {error}", hint="upgrade") from error
    weights = unpacked(weights)
    # Shapes are compared before any memory is taken: settings may say anything.
    wanted = {name: tuple(tensor.shape) for name, tensor in network.named_parameters()}
    given = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    differing = sorted(name for name in wanted.keys() | given.keys() if wanted.get(name) != given.get(name))
    if differing:
        name = differing[0]
        raise CheckpointError(
            f"{path}: tensor {name} is {given.get(name, 'missing')}, where {wanted.get(name, 'none')} is expected",
            hint="is the file whole, and of this vocoder?",
        )
    network.load_state_dict(weights, assign=True)
    return HifiGanVocoder(network) if isinstance(network, HifiGan) else SourceFilterVocoder(network)


def _empty(kind: str, settings: Mapping[str, Any]) -> HifiGan | SourceFilter:
    with torch.device("meta"), Unfilled():
        if kind == HifiGanVocoder.kind:
            return HifiGan(HifiGanConfig.from_dict(dict(settings)))
        if kind == SourceFilterVocoder.kind:
            return SourceFilter(SourceFilterConfig.from_dict(dict(settings)))
    raise ValueError(f"kind {kind!r}")


def _load_ours(path: Path) -> NeuralVocoder:
    saved = checkpoint.load(path, groups=(KIND,))
    if saved.about.get("kind") != KIND:
        raise CheckpointError(
            f"{path} holds a {saved.about.get('kind')} checkpoint, not a vocoder",
            hint="give a file of train-vocoder, or a generator of HiFi-GAN",
        )
    return build(saved.about.get(KIND), saved.groups.get(KIND, {}), path)


def _cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "clone-pipeline" / "vocoders"


def _hash(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()[:32]
