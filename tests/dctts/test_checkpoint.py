import pickle
from pathlib import Path

import pytest
import torch

from dctts.checkpoint import Checkpoint, load, newest, read_about, save
from dctts.errors import CheckpointError


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "7.safetensors"
    save(
        path,
        Checkpoint(
            groups={"network": {"a.b": torch.arange(3.0)}, "average": {"a.b": torch.ones(2)}}, about={"step": 7}
        ),
    )
    loaded = load(path)
    assert loaded.about["step"] == 7
    assert loaded.groups["network"]["a.b"].tolist() == [0, 1, 2]
    assert set(load(path, groups=("average",)).groups) == {"average"}


def test_the_same_content_gives_the_same_bytes(tmp_path: Path) -> None:
    content = Checkpoint(groups={"network": {"b": torch.ones(2), "a": torch.zeros(1)}}, about={"z": 1, "a": "é"})
    save(tmp_path / "1.safetensors", content)
    save(tmp_path / "2.safetensors", content)
    assert (tmp_path / "1.safetensors").read_bytes() == (tmp_path / "2.safetensors").read_bytes()


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"no checkpoint at .*gone\.safetensors"):
        load(tmp_path / "gone.safetensors")


def test_a_pickle_is_never_loaded(tmp_path: Path) -> None:
    class Evil:
        def __reduce__(self) -> tuple[object, tuple[str]]:
            return (Path.touch, (tmp_path / "executed",))  # type: ignore[return-value]

    path = tmp_path / "evil.safetensors"
    path.write_bytes(pickle.dumps(Evil()))
    with pytest.raises(CheckpointError, match="as safetensors"):
        load(path)
    assert not (tmp_path / "executed").exists()


@pytest.mark.parametrize("content", [b"", b"\x00" * 4, b"\xff" * 64, b"PK\x03\x04" + b"a" * 60])
def test_broken_files_are_errors_not_crashes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "broken.safetensors"
    path.write_bytes(content)
    with pytest.raises(CheckpointError):
        read_about(path)


def test_safetensors_of_others_are_refused(tmp_path: Path) -> None:
    from safetensors.torch import save_file

    save_file({"x": torch.ones(1)}, tmp_path / "other.safetensors")
    with pytest.raises(CheckpointError, match="not a checkpoint of clone-pipeline"):
        load(tmp_path / "other.safetensors")


def test_newest_is_by_number_not_by_name(tmp_path: Path) -> None:
    assert newest(tmp_path) is None
    for name in ("9", "10", "notes"):
        (tmp_path / f"{name}.safetensors").touch()
    assert newest(tmp_path) == tmp_path / "10.safetensors"
