import json
import os
import signal
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dctts import checkpoint
from dctts.errors import CheckpointError, TrainingError
from dctts.train import Interrupted, TrainOptions, train


class Line:
    """A task of one weight matrix: learn y = 2x."""

    def __init__(self, *, interrupt_at: int | None = None, poison_at: int | None = None) -> None:
        torch.manual_seed(0)
        self.network: nn.Module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.1))
        self.interrupt_at, self.poison_at = interrupt_at, poison_at

    @property
    def about(self) -> Mapping[str, Any]:
        return {"kind": "line"}

    def batch(self, step: int) -> Tensor:
        return torch.rand(8, 4, generator=torch.Generator().manual_seed(step))

    def fuse(self) -> bool:
        return False

    def loss(self, network: nn.Module, batch: Tensor, step: int) -> dict[str, Tensor]:
        if step == self.interrupt_at:
            os.kill(os.getpid(), signal.SIGINT)
        loss = (network(batch).float() - 2 * batch).square().mean()
        return {"loss": loss * float("nan") if step == self.poison_at else loss}

    def validate(self, network: nn.Module, step: int, folder: Path) -> dict[str, float]:
        return {"loss": (network(torch.ones(1, 4)) - 2).square().mean().item()}


def options(**changes: Any) -> TrainOptions:
    values = {"steps": 40, "learning_rate": 0.05, "warmup_steps": 5, "log_every": 5, "validate_every": 10}
    return TrainOptions(**{**values, "save_every": 10, **changes})


def everything(folder: Path) -> dict[str, bytes]:
    files = [*folder.glob("checkpoints/line/*"), folder / "metrics.jsonl"]
    return {path.name: path.read_bytes() for path in files}


def test_training_learns_and_keeps_its_checkpoints(tmp_path: Path) -> None:
    path = train(Line(), options(), tmp_path, name="line")
    rows = [json.loads(line) for line in (tmp_path / "metrics.jsonl").read_text().splitlines()]
    losses = [row["loss"] for row in rows if "loss" in row]
    assert losses[-1] < losses[0] / 4
    assert path.name == "40.safetensors"
    assert sorted(p.name for p in (tmp_path / "checkpoints/line").iterdir()) == ["30.safetensors", "40.safetensors"]


def test_a_run_in_two_parts_ends_with_the_bytes_of_an_unbroken_one(tmp_path: Path) -> None:
    train(Line(), options(), tmp_path / "whole", name="line")
    stopping = Line(interrupt_at=23)
    with pytest.raises(Interrupted, match="stopped after step 24 of 40"):
        train(stopping, options(), tmp_path / "parts", name="line")
    assert (tmp_path / "parts/checkpoints/line/24.safetensors").is_file()
    train(Line(), options(), tmp_path / "parts", name="line")
    assert everything(tmp_path / "whole") == everything(tmp_path / "parts")


def test_a_run_killed_between_checkpoints_ends_with_the_same_bytes(tmp_path: Path) -> None:
    train(Line(), options(), tmp_path / "whole", name="line")
    with pytest.raises(TrainingError):  # seen when step 30 is logged, before it is saved
        train(Line(poison_at=28), options(), tmp_path / "parts", name="line")
    with (tmp_path / "parts/metrics.jsonl").open("a") as file:
        file.write('{"step": 29, "lo')  # half a line, as a kill may leave it
    train(Line(), options(), tmp_path / "parts", name="line")
    assert everything(tmp_path / "whole") == everything(tmp_path / "parts")


def test_a_part_that_learns_only_from_some_step_on_is_gone_on_with_all_the_same(tmp_path: Path) -> None:
    class Late(Line):
        def __init__(self, *, interrupt_at: int | None = None) -> None:
            super().__init__(interrupt_at=interrupt_at)
            self.network = nn.Sequential(nn.Linear(4, 4), nn.Linear(4, 4))

        def loss(self, network: nn.Module, batch: Tensor, step: int) -> dict[str, Tensor]:
            assert isinstance(network, nn.Sequential)
            return super().loss(network if step >= 12 else network[0], batch, step)

    train(Late(), options(), tmp_path / "whole", name="line")
    with pytest.raises(Interrupted):
        train(Late(interrupt_at=23), options(), tmp_path / "parts", name="line")
    train(Late(), options(), tmp_path / "parts", name="line")
    assert everything(tmp_path / "whole") == everything(tmp_path / "parts")


def test_a_loss_that_is_not_a_number_stops_the_run(tmp_path: Path) -> None:
    with pytest.raises(TrainingError, match="the loss is nan at step 13"):
        train(Line(poison_at=12), options(log_every=1), tmp_path, name="line")


def test_a_run_of_other_settings_is_not_gone_on_with(tmp_path: Path) -> None:
    train(Line(), options(steps=10), tmp_path, name="line")

    class Other(Line):
        @property
        def about(self) -> Mapping[str, Any]:
            return {"kind": "another"}

    with pytest.raises(CheckpointError, match="other settings: kind"):
        train(Other(), options(), tmp_path, name="line")


def test_whoever_watches_may_stop_the_run(tmp_path: Path) -> None:
    path = train(Line(), options(), tmp_path, name="line", on_validate=lambda step, network, measured: step == 20)
    assert path.name == "20.safetensors"


def test_the_average_is_what_is_validated(tmp_path: Path) -> None:
    seen: list[Tensor] = []

    def watch(step: int, network: nn.Module, measured: dict[str, float]) -> bool:
        seen.append(next(network.parameters()).detach().clone())
        return False

    path = train(Line(), options(steps=10), tmp_path, name="line", on_validate=watch)
    saved = checkpoint.load(path)
    assert torch.equal(saved.groups["average"]["0.weight"], seen[-1])
    assert not torch.equal(saved.groups["network"]["0.weight"], seen[-1])


def test_learning_rate_rises_then_falls() -> None:
    plan = options(steps=100, warmup_steps=10, learning_rate=1.0, final_fraction=0.1)
    rates = [plan.learning_rate_at(step) for step in range(100)]
    assert rates[0] == pytest.approx(0.1)
    assert max(rates) == rates[9] == 1.0 or rates.index(max(rates)) in (9, 10)
    assert rates[-1] == pytest.approx(0.1, abs=0.01)
    assert rates[10:] == sorted(rates[10:], reverse=True)


def test_no_steps_are_refused() -> None:
    with pytest.raises(ValueError, match="steps must be at least 1, got 0"):
        TrainOptions(steps=0)


def test_factors_on_the_rate_move_parts_faster_slower_or_not_at_all(tmp_path: Path) -> None:
    factors = {"0.weight": 0.1, "0.bias": 0.0}
    task = Line()
    before = {name: parameter.detach().clone() for name, parameter in task.network.named_parameters()}
    plain = Line()
    train(task, options(steps=3), tmp_path / "a", name="line", rate_of=factors.__getitem__)
    train(plain, options(steps=3), tmp_path / "b", name="line")
    moved = dict(task.network.named_parameters())
    assert torch.equal(moved["0.bias"], before["0.bias"])
    slow = (moved["0.weight"] - before["0.weight"]).abs().mean()
    fast = (dict(plain.network.named_parameters())["0.weight"] - before["0.weight"]).abs().mean()
    assert 0.05 < slow / fast < 0.2


def test_a_pull_keeps_weights_near_where_they_began_and_survives_a_stop(tmp_path: Path) -> None:
    start = [parameter.detach().clone() for parameter in Line().network.parameters()]

    def distance(task: Line) -> float:
        return sum((a - b).square().sum().item() for a, b in zip(task.network.parameters(), start, strict=True))

    free, held = Line(), Line()
    train(free, options(), tmp_path / "free", name="line")
    train(held, options(pull=3.0), tmp_path / "held", name="line")
    assert distance(held) < 0.7 * distance(free)
    with pytest.raises(Interrupted):
        train(Line(interrupt_at=23), options(pull=3.0), tmp_path / "parts", name="line")
    train(Line(), options(pull=3.0), tmp_path / "parts", name="line")
    assert everything(tmp_path / "held") == everything(tmp_path / "parts")


def test_what_a_watcher_adds_is_logged_beside_what_was_measured(tmp_path: Path) -> None:
    def listen(step: int, network: nn.Module, measured: dict[str, float]) -> bool:
        assert set(measured) == {"held_out/loss"}
        measured["heard/cer"] = 0.5
        return False

    train(Line(), options(steps=10), tmp_path, name="line", on_validate=listen)
    last = json.loads((tmp_path / "metrics.jsonl").read_text().splitlines()[-1])
    assert last["heard/cer"] == 0.5
    assert "held_out/loss" in last
