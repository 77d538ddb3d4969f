"""Whisper, only where it lies on this machine."""

from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest
import torch
from whisper.model import ModelDimensions, Whisper

from pipeline.errors import TranscribeError
from pipeline.evaluation.second_judge import find_whisper, open_whisper

# openai-whisper leaves the file of its vocabulary open for the garbage collector
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]


def test_the_best_cached_model_is_found_and_none_is_downloaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert find_whisper() is None
    assert find_whisper("small.en") is None
    (tmp_path / "whisper").mkdir()
    for name in ("tiny", "base.en"):
        (tmp_path / "whisper" / f"{name}.pt").touch()
    assert find_whisper() == "base.en"
    assert find_whisper("tiny") == "tiny"
    assert find_whisper("small.en") is None


def test_a_checkpoint_listens_and_says_the_same_twice(tmp_path: Path) -> None:
    torch.manual_seed(0)
    dims = ModelDimensions(
        n_mels=80, n_audio_ctx=1500, n_audio_state=16, n_audio_head=2, n_audio_layer=1,
        n_vocab=51865, n_text_ctx=12, n_text_state=16, n_text_head=2, n_text_layer=1,
    )  # fmt: skip
    weights = Whisper(dims).state_dict()
    for tensor in weights.values():
        tensor.normal_(0, 0.1)
    torch.save({"dims": asdict(dims), "model_state_dict": weights}, tmp_path / "random.pt")
    name = find_whisper(str(tmp_path / "random.pt"))
    assert name is not None
    judge = open_whisper(name)
    sound = np.random.default_rng(0).normal(0, 0.1, 22_050).astype(np.float32)
    assert judge.hear(sound, 22_050) == judge.hear(sound, 22_050)


def test_a_file_that_is_none_is_said(tmp_path: Path) -> None:
    with pytest.raises(TranscribeError, match="no Whisper model"):
        open_whisper(str(find_whisper(str(tmp_path / "absent.pt"))))
