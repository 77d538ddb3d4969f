import json
import os
import time
from pathlib import Path

import pytest
import torch
from torch.utils.tensorboard import SummaryWriter

from dctts.base_card import UNKNOWN_LICENCE, describe_machine, training_hours
from dctts.checkpoint import load
from dctts.voice import load_voice

SHIPPED = Path(__file__).parents[2] / "data" / "base"
MOST_BYTES = 40_000_000


def test_hours_are_those_of_every_session_of_every_network(tmp_path: Path) -> None:
    assert training_hours(tmp_path) == 0
    for number, (network, length_s) in enumerate([("ssrn", 3600), ("ssrn", 1800), ("text2mel", 7200)]):
        board = SummaryWriter(str(tmp_path / "tensorboard" / network), filename_suffix=f".{number}")
        board.add_scalar("loss", 1.0, 1, walltime=time.time() + length_s)
        board.close()
    assert training_hours(tmp_path) == pytest.approx(3.5, abs=0.01)


def test_a_machine_is_named_by_its_processor_and_threads() -> None:
    told = describe_machine("cpu")
    assert f"{os.cpu_count()} cores, 1 thread" in told


@pytest.mark.skipif(not list(SHIPPED.glob("*.safetensors")), reason="no base ships yet")
def test_what_ships_is_small_speaks_and_says_what_it_is_made_of() -> None:
    bases = sorted(SHIPPED.glob("*.safetensors"))
    assert sum(path.stat().st_size for path in bases) <= MOST_BYTES
    for path in bases:
        weights = load(path).groups
        networks = [weights[name].values() for name in ("text2mel", "ssrn", "strangers") if name in weights]
        matrices = [tensor for network in networks for tensor in network if tensor.dim() > 1]
        assert {tensor.dtype for tensor in matrices} == {torch.int8}
        voice = load_voice(path)
        card = json.loads(path.with_suffix(".json").read_text("utf-8"))
        assert {"licences", "minutes", "speakers", "steps", "training_hours", "machine", "seed", "command"} <= set(card)
        assert UNKNOWN_LICENCE not in card["licences"].values()
        assert set(card["speakers"]) == set(voice.speakers) == set(voice.traits)
