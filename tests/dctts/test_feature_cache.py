from pathlib import Path

import torch
from safetensors.torch import save_file

from dctts.feature_cache import is_current


def test_a_cache_is_current_for_the_key_it_was_made_for_and_no_other(tmp_path: Path) -> None:
    cache = tmp_path / "features.safetensors"
    assert not is_current(cache, "a")
    save_file({"x": torch.zeros(3)}, cache, metadata={"key": "a"})
    assert is_current(cache, "a")
    assert not is_current(cache, "b")


def test_a_damaged_cache_is_not_current(tmp_path: Path) -> None:
    cache = tmp_path / "features.safetensors"
    save_file({"x": torch.zeros(3)}, cache, metadata={"key": "a"})
    cache.write_bytes(cache.read_bytes()[:20])
    assert not is_current(cache, "a")


def test_a_cache_without_a_key_is_not_current(tmp_path: Path) -> None:
    cache = tmp_path / "features.safetensors"
    save_file({"x": torch.zeros(3)}, cache)
    assert not is_current(cache, "")
