import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from dctts import checkpoint
from dctts.config import EncoderConfig
from dctts.encoder.network import EncoderNetwork
from dctts.encoder.own import KIND, EncoderFile, OwnEncoder, read_encoder, write_encoder
from dctts.errors import AudioError, CheckpointError
from tests.dctts.people import RATE_HZ, say

TINY = EncoderConfig(channels=16, dilations=(1, 2), pooled=24, attention=8, dimensions=12)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    stranger = np.full(12, 12**-0.5, np.float32)
    path = tmp_path / "encoder.safetensors"
    write_encoder(path, EncoderFile(network=EncoderNetwork(TINY), strangers={"eve": stranger}, card={"speakers": 3}))
    return path


def test_what_was_written_is_read(file: Path) -> None:
    encoder = OwnEncoder(weights=file)
    assert encoder.card == {"speakers": 3}
    np.testing.assert_allclose(encoder.strangers["eve"], 12**-0.5, atol=1e-3)
    torch.manual_seed(0)
    before, after = EncoderNetwork(TINY).eval(), read_encoder(file).network.eval()
    power = torch.rand(4, 160, 40) + 0.1
    assert torch.cosine_similarity(before(power), after(power)).min() > 0.999


def test_it_answers_as_the_other_encoder_does(file: Path) -> None:
    encoder = OwnEncoder(weights=file)
    clips = [say(120, (500, 1500), 3, seed=1), np.zeros(16_000, np.float32), say(200, (600, 1800), 2, seed=2)]
    vectors = encoder.embed_batch(clips, RATE_HZ)
    assert [vector is None for vector in vectors] == [False, True, False]
    assert vectors[0] is not None
    np.testing.assert_allclose(vectors[0], encoder.embed(clips[0], RATE_HZ), atol=1e-5)


@pytest.mark.parametrize("samples", [0, 1, 159, 400, 4_000])
def test_a_clip_too_short_for_anything_is_no_speech_or_a_vector_never_nan(file: Path, samples: int) -> None:
    (vector,) = OwnEncoder(weights=file).embed_batch([say(120, (500, 1500), 1, seed=1)[:samples]], RATE_HZ)
    assert vector is None or np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_half_a_second_of_speech_is_enough_for_a_vector(file: Path) -> None:
    assert OwnEncoder(weights=file).embed(say(120, (500, 1500), 0.5, seed=1), RATE_HZ).shape == (12,)
    with pytest.raises(AudioError, match="no speech found"):
        OwnEncoder(weights=file).embed(np.zeros(8_000, np.float32), RATE_HZ)


def rewritten(file: Path, **changes: Any) -> None:
    saved = checkpoint.load(file)
    groups = {name: dict(group) for name, group in saved.groups.items()}
    about = {**saved.about, **{name: value for name, value in changes.items() if name != "weight"}}
    if "weight" in changes:
        groups["network"]["norm.weight"] = changes["weight"]
    checkpoint.save(file, checkpoint.Checkpoint(groups=groups, about=about))


@pytest.mark.parametrize(
    "changes",
    [
        {"kind": "ssrn"},
        {"encoder": {}},
        {"encoder": "sizes"},
        {"encoder": {**TINY.to_dict(), "channels": 32}},
        {"encoder": {**TINY.to_dict(), "channels": 10**9}},
        {"encoder": {**TINY.to_dict(), "channels": -1}},
        {"encoder": {**TINY.to_dict(), "dilations": 3}},
        {"weight": torch.full((16,), float("nan"))},
        {"weight": torch.ones(10**6)},
    ],
    ids=str,
)
def test_a_file_that_lies_is_refused_before_it_costs_anything(file: Path, changes: dict[str, Any]) -> None:
    rewritten(file, **changes)
    with pytest.raises(CheckpointError, match="is no speaker encoder of clone-pipeline"):
        OwnEncoder(weights=file)


def test_files_of_others_are_refused(tmp_path: Path) -> None:
    torch.save({"model_state": {}}, tmp_path / "pickle.safetensors")
    (tmp_path / "text.safetensors").write_text("no weights", "utf-8")
    save_file({"a": torch.ones(1)}, tmp_path / "foreign.safetensors", metadata={"about": json.dumps({"kind": KIND})})
    for name in ("pickle", "text", "foreign", "absent"):
        with pytest.raises(CheckpointError, match=name):
            OwnEncoder(weights=tmp_path / f"{name}.safetensors")
