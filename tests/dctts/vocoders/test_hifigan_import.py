import io
import pickle
import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from dctts.errors import CheckpointError
from dctts.vocoders.file import load_vocoder
from dctts.vocoders.hifigan import PAIRED_DILATIONS, SINGLE_DILATIONS, HifiGan, HifiGanConfig
from dctts.vocoders.hifigan_import import read_generator

V1 = HifiGanConfig(
    num_mels=80, channels=32, rates=(8, 8, 2, 2), kernels=(3, 7, 11), dilations=PAIRED_DILATIONS, paired=True
)
V3 = HifiGanConfig(
    num_mels=80, channels=16, rates=(8, 8, 4), kernels=(3, 5, 7), dilations=SINGLE_DILATIONS, paired=False
)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache"


def generator(config: HifiGanConfig) -> HifiGan:
    torch.manual_seed(0)
    return HifiGan(config)


def published(network: HifiGan, normed: Callable[[nn.Module], nn.Module]) -> dict[str, torch.Tensor]:
    """The tensors as training leaves them: direction and length apart."""
    for part in network.modules():
        if isinstance(part, nn.Conv1d | nn.ConvTranspose1d):
            normed(part)
    return network.state_dict()


def old_norm(part: nn.Module) -> nn.Module:
    """The spelling of PyTorch before 2.0, in which the generators were published."""
    weight = part.weight.data
    assert isinstance(weight, torch.Tensor)
    del part.weight
    part.weight_g = nn.Parameter(weight.flatten(1).norm(dim=1).view(-1, 1, 1))
    part.weight_v = nn.Parameter(weight * 3)
    return part


@pytest.mark.parametrize("config", [V1, V3], ids=["V1", "V3"])
@pytest.mark.parametrize("normed", [old_norm, nn.utils.parametrizations.weight_norm])
@pytest.mark.parametrize("old_file", [False, True])
def test_a_published_generator_is_recognised_and_its_norm_folded(
    config: HifiGanConfig, normed: Callable[[nn.Module], nn.Module], old_file: bool, tmp_path: Path
) -> None:
    plain = {name: tensor.clone() for name, tensor in generator(config).state_dict().items()}
    path = tmp_path / "generator_v1"
    torch.save({"generator": published(generator(config), normed)}, path, _use_new_zipfile_serialization=not old_file)
    found, weights = read_generator(path)
    assert found == config
    assert weights.keys() == plain.keys()
    for name, tensor in plain.items():
        torch.testing.assert_close(weights[name], tensor, atol=1e-6, rtol=1e-5)


def test_a_generator_is_converted_once(tmp_path: Path, cache: Path) -> None:
    path = tmp_path / "generator_v3"
    torch.save({"generator": generator(V3).state_dict()}, path)
    load_vocoder(path)
    (converted,) = cache.rglob("*.safetensors")
    content = converted.read_bytes()
    converted.write_bytes(content[:-1])  # what is there is read, not made again
    with pytest.raises(CheckpointError):
        load_vocoder(path)
    converted.unlink()
    load_vocoder(path)
    assert converted.read_bytes() == content


def test_npz_and_torch_files_give_the_same_vocoder(tmp_path: Path) -> None:
    weights = generator(V3).state_dict()
    torch.save(weights, tmp_path / "g.pth")
    arrays = {name: np.asfortranarray(tensor.numpy()) for name, tensor in weights.items()}
    np.savez(tmp_path / "g.npz", **arrays)  # type: ignore[arg-type]
    first, second = read_generator(tmp_path / "g.pth"), read_generator(tmp_path / "g.npz")
    assert first[0] == second[0] == V3
    for name, tensor in first[1].items():
        torch.testing.assert_close(second[1][name], tensor)


class Bomb:
    def __init__(self, target: Path) -> None:
        self.target = target

    def __reduce__(self) -> Any:
        return Path.touch, (self.target,)


def npy(shape: tuple[int, ...], data: bytes, descr: str = "<f4") -> bytes:
    file = io.BytesIO()
    np.lib.format.write_array_header_1_0(file, {"descr": descr, "fortran_order": False, "shape": shape})
    return file.getvalue() + data


def archive(path: Path, **entries: bytes) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
        for name, data in entries.items():
            file.writestr(f"{name}.npy", data)
    return path


def hostile(kind: str, folder: Path) -> Path:
    weights = generator(V3).state_dict()
    path = folder / ("v.npz" if kind.startswith("npz") else "v.pth")
    if kind == "pickle":
        path.write_bytes(pickle.dumps({"generator": Bomb(folder / "ran")}))
    elif kind == "torch pickle":
        torch.save({"generator": weights, "more": Bomb(folder / "ran")}, path)
    elif kind == "npz pickle":
        np.savez(path, allow_pickle=True, a=np.array([Bomb(folder / "ran")], dtype=object))
    elif kind == "npz huge":
        archive(path, **{"conv_pre.weight": npy((10**6, 10**6, 10**3), b"")})
    elif kind == "npz bomb":
        archive(path, a=bytes(300 << 20))
    elif kind == "npz negative":
        archive(path, **{"conv_pre.weight": npy((-4, -80, 7), b"x" * 100)})
    elif kind == "npz no zip":
        path.write_bytes(b"PK\x03\x04 nothing")
    elif kind == "stretched":  # a stride of 0: gigabytes declared in four bytes
        torch.save({**weights, "conv_pre.weight": torch.zeros(1).expand(2**20, 80, 700)}, path)
    elif kind == "wrong shapes":
        torch.save({**weights, "ups.1.weight": torch.zeros(8, 8, 16)}, path)
    elif kind == "wide entry":  # the network it asks for would fill the memory
        torch.save({**weights, "conv_pre.weight": torch.zeros(400_000, 80, 1)}, path)
    elif kind == "other hop":
        torch.save({**weights, "ups.2.weight": torch.zeros(4, 2, 16)}, path)
    elif kind == "no length":
        torch.save({"conv_pre.weight_v": weights["conv_pre.weight"]}, path)
    elif kind == "numbers":
        torch.save({"generator": {"conv_pre.weight": 3}}, path)
    elif kind == "list":
        torch.save([1, 2], path)
    elif kind == "empty":
        path.write_bytes(b"")
    elif kind == "cut off":
        torch.save(weights, path)
        path.write_bytes(path.read_bytes()[:5000])
    return path


@pytest.mark.parametrize(
    "kind",
    [
        "pickle",
        "torch pickle",
        "npz pickle",
        "npz huge",
        "npz bomb",
        "npz negative",
        "npz no zip",
        "stretched",
        "wrong shapes",
        "wide entry",
        "other hop",
        "no length",
        "numbers",
        "list",
        "empty",
        "cut off",
        "missing",
    ],
)
def test_a_file_from_anywhere_runs_nothing_and_is_refused_in_words(kind: str, tmp_path: Path, cache: Path) -> None:
    with pytest.raises(CheckpointError) as caught:
        load_vocoder(hostile(kind, tmp_path))
    assert caught.value.hint
    assert "\n" not in caught.value.message
    assert not (tmp_path / "ran").exists()
    assert not list(cache.rglob("*.safetensors"))
