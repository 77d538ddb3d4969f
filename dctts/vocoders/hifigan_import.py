"""Generators of jik876/hifi-gan, as published → settings and weights. Nothing that a file says is ever run.

A file may be PyTorch's (read without its pickle code: tensors in dictionaries, nothing else), or NumPy's npz.
"""

import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dctts.checkpoint import Weights
from dctts.errors import CheckpointError
from dctts.vocoders.hifigan import PAIRED_DILATIONS, SINGLE_DILATIONS, HifiGanConfig

MOST_BYTES = 256 << 20
"""The largest generator that was published holds 56 MB."""
_HINT = "give generator_v1, _v2 or _v3 of jik876/hifi-gan, an npz of its tensors, or a file of train-vocoder"


def read_generator(path: Path) -> tuple[HifiGanConfig, Weights]:
    """Read a published generator, or an npz of its tensors.

    Raises:
        CheckpointError: the file is missing, broken, larger than any generator, or holds something else.
    """
    if not path.is_file():
        raise CheckpointError(f"no vocoder at {path}", hint=_HINT)
    if path.stat().st_size > MOST_BYTES:
        raise CheckpointError(f"{path} is larger than any generator of HiFi-GAN", hint=_HINT)
    weights = folded(_read_npz(path) if path.suffix == ".npz" else _read_torch(path), path)
    return recognised(weights, path), weights


def folded(weights: Weights, path: Path) -> Weights:
    """Put direction and length of each weight-normalised tensor together, in either of PyTorch's spellings."""
    plain: Weights = {}
    for name, tensor in weights.items():
        if name.endswith((".weight_v", ".parametrizations.weight.original1")):
            stem = name.removesuffix(".weight_v").removesuffix(".parametrizations.weight.original1")
            length = weights.get(f"{stem}.weight_g", weights.get(f"{stem}.parametrizations.weight.original0"))
            if length is None or length.shape != (len(tensor), *[1] * (tensor.dim() - 1)):
                raise CheckpointError(f"{path}: {stem} lacks the length of its weights", hint=_HINT)
            plain[f"{stem}.weight"] = torch._weight_norm(tensor, length, 0)
        elif not name.endswith((".weight_g", ".parametrizations.weight.original0")):
            plain[name] = tensor
    return plain


def recognised(weights: Weights, path: Path) -> HifiGanConfig:
    """Tell the settings by the shapes; dilations, which leave no trace in them, by the kind of block.

    Raises:
        CheckpointError: no generator, or one for other frames than ours.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in weights.items()}
    paired = "resblocks.0.convs1.0.weight" in shapes
    first = f"resblocks.{{}}.convs{'1' if paired else ''}.0.weight"
    ups = [shapes[name] for name in _numbered("ups.{}.weight", shapes)]
    entry = shapes.get("conv_pre.weight", ())
    blocks = [shapes[name] for name in _numbered(first, shapes)]
    if len(entry) != 3 or not ups or not blocks or any(len(shape) != 3 for shape in (*ups, *blocks)):
        raise CheckpointError(f"{path} holds no generator of HiFi-GAN", hint=_HINT)
    kernels = tuple(shape[2] for shape in blocks[: len(blocks) // len(ups)])
    dilations = PAIRED_DILATIONS if paired else SINGLE_DILATIONS
    if len(kernels) != len(dilations) or len(blocks) != len(ups) * len(kernels):
        raise CheckpointError(f"{path} is no generator of kind V1, V2 or V3", hint=_HINT)
    try:
        return HifiGanConfig(
            num_mels=entry[1],
            channels=entry[0],
            rates=tuple(shape[2] // 2 for shape in ups),
            kernels=kernels,
            dilations=dilations,
            paired=paired,
        )
    except ValueError as error:
        hint = "give a generator for 22,050 Hz, such as generator_v1 of LJ_V1"
        raise CheckpointError(f"{path} is a generator for other frames than ours: {error}", hint=hint) from error


def _numbered(pattern: str, names: dict[str, Any]) -> list[str]:
    found: list[str] = []
    while (name := pattern.format(len(found))) in names:
        found.append(name)
    return found


def _read_torch(path: Path) -> Weights:
    try:
        if zipfile.is_zipfile(path):
            _check_sizes(path)
        saved = torch.load(path, map_location="cpu", weights_only=True)
    except CheckpointError:
        raise
    except Exception as error:  # a file from anywhere: torch raises whatever its bytes lead to
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise CheckpointError(
            f"cannot read {path} without running code: {reason[:200]}", hint=f"only tensors are read; {_HINT}"
        ) from error
    if isinstance(saved, dict) and isinstance(saved.get("generator"), dict):
        saved = saved["generator"]
    if not isinstance(saved, dict) or not all(
        isinstance(name, str) and isinstance(tensor, Tensor) and tensor.layout == torch.strided and not tensor.is_meta
        for name, tensor in saved.items()
    ):
        raise CheckpointError(f"{path} holds no table of tensors", hint=_HINT)
    if sum(tensor.numel() for tensor in saved.values()) * 4 > MOST_BYTES:  # strides of 0 cost a file nothing
        raise CheckpointError(f"{path} is larger than any generator of HiFi-GAN", hint=_HINT)
    return {name: tensor.float() for name, tensor in saved.items()}


def _read_npz(path: Path) -> Weights:
    weights: Weights = {}
    try:
        _check_sizes(path)
        with zipfile.ZipFile(path) as archive:
            for entry in archive.infolist():
                with archive.open(entry) as file:
                    weights[entry.filename.removesuffix(".npy")] = _read_array(file, entry.file_size)
    except (zipfile.BadZipFile, ValueError, OSError, EOFError, NotImplementedError, RuntimeError) as error:
        raise CheckpointError(f"cannot read {path} as npz: {error}", hint=_HINT) from error
    return weights


def _read_array(file: Any, size: int) -> Tensor:
    """Read one array whose header is believed only as far as the bytes behind it go."""
    version = np.lib.format.read_magic(file)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = read(file)
    if dtype.kind != "f":
        raise ValueError(f"an array of type {dtype}, where only numbers are read")
    if math.prod(shape) * dtype.itemsize > size:
        raise ValueError(f"an array of shape {shape} in {size} bytes")
    data = file.read(math.prod(shape) * dtype.itemsize)
    return torch.from_numpy(
        np.frombuffer(data, dtype).reshape(shape, order="F" if fortran else "C").astype(np.float32, order="C")
    )


def _check_sizes(path: Path) -> None:
    """Refuse an archive that would unpack to more than any generator holds."""
    with zipfile.ZipFile(path) as archive:
        if sum(entry.file_size for entry in archive.infolist()) > MOST_BYTES:
            raise CheckpointError(f"{path} would unpack to more than any generator of HiFi-GAN", hint=_HINT)
