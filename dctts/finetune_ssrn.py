"""The SSRN of a voice: that of the base, taught the target's sound for as long as held-out speech gains by it."""

import logging
from collections.abc import Sequence
from copy import deepcopy
from pathlib import Path

import torch

from dctts.checkpoint import load_average, newest
from dctts.metrics import read_metrics
from dctts.progress import SILENT, Progress
from dctts.ssrn import SSRN
from dctts.ssrn_task import SSRNTask
from dctts.train import TrainOptions, autocast, train

log = logging.getLogger(__name__)

LEAST_GAIN = 0.01
"""Part by which the error on held-out clips must fall, else the SSRN of the base is kept."""
FLAT = 0.003
"""Part by which an evaluation must beat all before it to count as progress."""
PATIENCE = 2
NAME = "ssrn"


def has_flattened(errors: Sequence[float], patience: int = PATIENCE) -> bool:
    """Tell whether none of the last evaluations was clearly better than all before them."""
    if len(errors) <= patience:
        return False
    best = min(errors[:-patience])
    return all(error > (1 - FLAT) * best for error in errors[-patience:])


def train_ssrn(
    task: SSRNTask, options: TrainOptions, run: Path, *, from_base: bool, ends_early: bool, progress: Progress = SILENT
) -> tuple[SSRN, dict[str, float | int | bool]]:
    """Train, or go on, and give the network to speak with, ready to use.

    Args:
        task: its network holds the weights to start from.
        from_base: whether they are those of a base, which are kept unless training clearly improves on them.
        ends_early: stop when held-out error no longer falls.

    Returns:
        the network, and what became of it: steps taken, held-out error before and after, whether it was kept.
    """
    network = task.network
    assert isinstance(network, SSRN)
    untouched = deepcopy(network) if from_base else None
    before = _held_out_error(task, untouched, options, run) if untouched is not None else None

    def errors(until: int) -> list[float]:
        rows = read_metrics(run, NAME)
        return [row["held_out/l1"] for row in rows if "held_out/l1" in row and row["step"] <= until]

    def watch(step: int, _: torch.nn.Module, measured: dict[str, float]) -> bool:
        if not ends_early or "held_out/l1" not in measured:
            return False
        flat = has_flattened([*errors(step - 1), measured["held_out/l1"]])
        if flat and step < options.steps:
            log.info("SSRN: stopping at step %d of %d, held-out error no longer falls", step, options.steps)
        return flat

    last = newest(run / "checkpoints" / NAME)
    if last is None or not (ends_early and has_flattened(errors(int(last.stem)))):
        last = train(task, options, run, name=NAME, progress=progress, on_validate=watch)
    steps = int(last.stem)
    finished = SSRN(network.config)
    load_average(finished, last)
    about: dict[str, float | int | bool] = {"steps": steps, "trained": True}
    found = errors(steps)
    if before is not None and found:
        about |= {"held_out_l1_base": round(before, 5), "held_out_l1": found[-1]}
        if untouched is not None and found[-1] > (1 - LEAST_GAIN) * before:
            log.info("SSRN: held-out error %.4f after %.4f: that of the base is kept", found[-1], before)
            return untouched.eval(), {**about, "trained": False}
    return finished, about


def _held_out_error(task: SSRNTask, network: SSRN, options: TrainOptions, run: Path) -> float | None:
    with torch.no_grad(), autocast(torch.device(options.device), options.bf16):
        return task.validate(network.to(options.device).eval(), 0, run / "previews").get("l1")
