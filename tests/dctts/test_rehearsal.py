from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from dctts.errors import TrainingError
from dctts.rehearsal import seconds_per_step, try_hardest_batch
from dctts.train import TrainOptions

OPTIONS = TrainOptions(steps=10)


class Small:
    """A task whose network fits a machine that takes 8 rows at once."""

    def __init__(self, error: Exception | None = None) -> None:
        self.network: nn.Module = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5))
        self.error = error
        self.rows: list[int] = []

    @property
    def about(self) -> Mapping[str, Any]:
        return {}

    def batch(self, step: int) -> Tensor:
        return torch.ones(2, 4)

    def hardest_batch(self) -> Tensor:
        return torch.ones(32, 4)

    def fuse(self) -> bool:
        return False

    def loss(self, network: nn.Module, batch: Tensor, step: int) -> dict[str, Tensor]:
        self.rows.append(len(batch))
        if self.error and len(batch) > 8:
            raise self.error
        return {"loss": network(batch).float().sum()}

    def validate(self, network: nn.Module, step: int, folder: Path) -> dict[str, float]:
        return {}


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
        RuntimeError("[enforce fail at alloc_cpu.cpp:124] DefaultCPUAllocator: can't allocate memory: you tried ..."),
        MemoryError(),
    ],
)
def test_too_large_a_batch_is_told_with_a_size_to_try(error: Exception) -> None:
    with pytest.raises(
        TrainingError, match="32 of the longest clips at once do not fit into the memory of cpu"
    ) as told:
        try_hardest_batch(Small(error), OPTIONS, batch_size=32)
    assert told.value.hint == "give --batch-size 16, or close other programs"


def test_other_errors_stay_what_they_are() -> None:
    with pytest.raises(RuntimeError, match="shapes"):
        try_hardest_batch(Small(RuntimeError("shapes do not match")), OPTIONS, batch_size=32)


def test_a_rehearsal_leaves_no_trace() -> None:
    task = Small()
    before = [parameter.clone() for parameter in task.network.parameters()]
    torch.manual_seed(7)
    wanted = torch.rand(3)
    torch.manual_seed(7)
    try_hardest_batch(task, OPTIONS, batch_size=32)
    assert seconds_per_step(task, OPTIONS) > 0
    assert task.rows[0] == 32
    assert len(task.rows) > 5
    assert torch.equal(torch.rand(3), wanted)
    assert all(torch.equal(one, two) for one, two in zip(before, task.network.parameters(), strict=True))
    assert all(parameter.grad is None for parameter in task.network.parameters())
