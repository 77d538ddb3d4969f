"""Before the first step: does the hardest batch fit into memory, and how long will a step take?

Nothing of it is left behind: no weight is touched, and the random state is put back.
"""

import logging
from time import perf_counter
from typing import Any, Protocol, TypeVar

import torch
from torch import nn

from dctts.batches import moved
from dctts.errors import TrainingError
from dctts.train import Task, TrainOptions, autocast

log = logging.getLogger(__name__)

BatchT = TypeVar("BatchT")

WARM_STEPS, TIMED_STEPS = 3, 8
"""Steps that compile and fill caches, and steps that are timed: over batches of many lengths."""


class HardTask(Task[BatchT], Protocol[BatchT]):
    """A task that knows its hardest batch."""

    def hardest_batch(self) -> BatchT:
        """Build a batch at least as large as any: the longest texts and the longest clips at once."""


def try_hardest_batch(task: HardTask[Any], options: TrainOptions, *, batch_size: int) -> None:
    """Take one step of the largest size there can be, so that a run does not end after hours for want of memory.

    Raises:
        TrainingError: it does not fit.
    """
    try:
        _forward_and_back(task, options, task.hardest_batch(), step=0)
    except (MemoryError, RuntimeError) as error:  # torch.OutOfMemoryError is a RuntimeError, as is the CPU's
        if not _is_for_memory(error):
            raise
        raise TrainingError(
            f"{batch_size} of the longest clips at once do not fit into the memory of {options.device}",
            hint=f"give --batch-size {max(1, batch_size // 2)}, or close other programs",
        ) from error


def seconds_per_step(task: Task[Any], options: TrainOptions) -> float:
    """Measure a step on batches of the run itself, after compiling."""
    if options.compile:
        task.fuse()
    begun = 0.0
    for step in range(WARM_STEPS + TIMED_STEPS):
        if step == WARM_STEPS:
            begun = perf_counter()
        _forward_and_back(task, options, task.batch(step), step=step)
    return (perf_counter() - begun) / TIMED_STEPS


def _forward_and_back(task: Task[Any], options: TrainOptions, batch: Any, *, step: int) -> None:
    device = torch.device(options.device)
    network: nn.Module = task.network.to(device)
    devices = [torch.cuda.current_device()] if device.type == "cuda" else []
    try:
        with torch.random.fork_rng(devices):
            network.train()
            with autocast(device, options.bf16):
                loss = task.loss(network, moved(batch, device), step)["loss"]
            loss.backward()  # type: ignore[no-untyped-call]
            loss.item()  # a GPU is still at work until somebody asks
    finally:
        network.zero_grad(set_to_none=True)


def _is_for_memory(error: Exception) -> bool:
    words = str(error).lower()
    return isinstance(error, MemoryError | torch.OutOfMemoryError) or "allocate memory" in words or "alloc" in words
