"""One training loop for every network: bfloat16, moving average, exact resume."""

import json
import logging
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import asdict, dataclass
from math import cos, isfinite, pi
from pathlib import Path
from time import perf_counter
from types import FrameType
from typing import Any, Protocol, TypeVar

import torch
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from dctts import checkpoint
from dctts.atomic import write_text
from dctts.batches import moved, prefetched
from dctts.checkpoint import Checkpoint, Weights, load_matching
from dctts.errors import CheckpointError, TrainingError
from dctts.progress import SILENT, Progress

log = logging.getLogger(__name__)

BatchT = TypeVar("BatchT")


@dataclass(frozen=True, kw_only=True)
class TrainOptions:
    """How one run is driven."""

    steps: int
    """Optimizer steps to take in all."""
    learning_rate: float = 1e-3
    """Peak, reached after the warm-up."""
    final_fraction: float = 0.05
    """The cosine ends at this part of the peak."""
    warmup_steps: int = 500
    weight_decay: float = 1e-6
    clip_norm: float = 1.0
    pull: float = 0.0
    """Towards the weights a run starts from (L2-SP, arXiv:1802.01483): what the data says nothing about stays put."""
    average_decay: float = 0.999
    """Of the moving average of the weights, which is what is evaluated and shipped."""
    seed: int = 0
    device: str = "cpu"
    bf16: bool = True
    """Matrix products in bfloat16; sums, softmax and losses stay in float32."""
    log_every: int = 50
    validate_every: int = 500
    save_every: int = 500
    keep_checkpoints: int = 2
    compile: bool = False
    """Compile the highway blocks: about a minute at the start, then a step takes a third to a half less time."""

    def __post_init__(self) -> None:
        if self.steps < 1:
            raise ValueError(f"steps must be at least 1, got {self.steps}")

    def learning_rate_at(self, step: int) -> float:
        """Learning rate of a step: linear warm-up, then a cosine down to `final_fraction` of the peak."""
        if step < self.warmup_steps:
            return self.learning_rate * (step + 1) / self.warmup_steps
        done = (step - self.warmup_steps) / max(1, self.steps - self.warmup_steps)
        return self.learning_rate * (self.final_fraction + (1 - self.final_fraction) * (1 + cos(pi * done)) / 2)


class Task(Protocol[BatchT]):
    """One network and what it learns from."""

    network: nn.Module

    @property
    def about(self) -> Mapping[str, Any]:
        """Plain JSON values to save with the weights: kind and configs."""

    def batch(self, step: int) -> BatchT:
        """Build the batch of a step: a pure function of the step (and the task's seed)."""

    def fuse(self) -> bool:
        """Compile what pays, if there is a compiler; tell whether there is."""

    def loss(self, network: nn.Module, batch: BatchT, step: int) -> dict[str, Tensor]:
        """Give scalars to log; the one named `loss` is minimised."""

    def validate(self, network: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Measure held-out quality; pictures and previews go into `folder`."""


class Interrupted(KeyboardInterrupt):
    """Ctrl-C while training: the step in hand was finished and everything saved; the same command goes on."""


def train(
    task: Task[Any],
    options: TrainOptions,
    folder: Path,
    *,
    name: str,
    progress: Progress = SILENT,
    rate_of: Callable[[str], float] | None = None,
    on_validate: Callable[[int, nn.Module, dict[str, float]], bool] | None = None,
) -> Path:
    """Train until `options.steps`, or go on with what `folder` holds.

    Writes `checkpoints/<name>/<step>.safetensors`, rows in `metrics.jsonl` (no times in them: a resumed run writes the
    same bytes), TensorBoard events in `tensorboard/<name>/`, and what the task draws in `previews/`.

    Args:
        folder: of the run; several networks may share it.
        name: of the network.
        rate_of: name of a parameter → factor on its learning rate; 0 leaves it as it is. None trains all alike.
        on_validate: called with step, averaged network and measures, as they will be logged; it may add its own. True
            stops the run early.

    Returns:
        path of the last checkpoint.

    Raises:
        TrainingError: the loss is not a number.
        CheckpointError: the folder holds a run of another network.
        Interrupted: Ctrl-C; a checkpoint was saved first.
    """
    device = torch.device(options.device)
    torch.manual_seed(options.seed)
    network = task.network.to(device)
    if options.compile and not task.fuse():
        log.info("no C++ compiler: training without compiled blocks, which takes about half as long again")
    average = {name: parameter.detach().clone() for name, parameter in network.named_parameters()}
    groups = parameter_groups(network, rate_of)
    optimizer = torch.optim.AdamW(
        groups, lr=options.learning_rate, betas=(0.9, 0.98), weight_decay=options.weight_decay, fused=True
    )
    trained = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    home = [parameter.detach().clone() for parameter in trained] if options.pull else []
    checkpoints = folder / "checkpoints" / name
    state = _State(network, average, optimizer)
    start = state.restore(checkpoint.newest(checkpoints), task.about)
    metrics = _Metrics(folder, name, start)
    if start:
        log.info("%s goes on from step %d of %d", name, start, options.steps)
    path = checkpoints / f"{start}.safetensors"
    step, clock, logged = start, perf_counter(), start
    with metrics, _interrupt_between_steps() as interrupted, progress.bar(name, options.steps) as bar:
        bar.advance(start)
        steps = range(start, options.steps)
        for step, batch in zip(steps, prefetched(task.batch, steps), strict=True):
            network.train()
            torch.manual_seed(options.seed * 1_000_003 + step)  # dropout belongs to the step, not to the history
            with autocast(device, options.bf16):
                losses = task.loss(network, moved(batch, device), step)
            optimizer.zero_grad(set_to_none=True)
            losses["loss"].backward()  # type: ignore[no-untyped-call]
            norm = nn.utils.get_total_norm([p.grad for p in trained if p.grad is not None])
            if norm > options.clip_norm:  # rarely: scaling by one would still touch every weight
                nn.utils.clip_grads_with_norm_(trained, options.clip_norm, norm)
            if options.pull:
                _pull_home(trained, home, options.pull)
            rate = options.learning_rate_at(step)
            for group in optimizer.param_groups:
                group["lr"] = rate * group["factor"]
            optimizer.step()
            # A young average follows faster, else it would remember the random start.
            decay = min(options.average_decay, (1 + step) / (10 + step))
            torch._foreach_lerp_(list(average.values()), list(network.parameters()), 1 - decay)
            done = step + 1
            note = ""
            if done % options.log_every == 0 or done == options.steps:
                values = {name: value.item() for name, value in losses.items()}
                if not isfinite(values["loss"]):
                    raise TrainingError(
                        f"the loss is {values['loss']} at step {done}", hint="lower the learning rate, or start afresh"
                    )
                # Clipping would make every step a step of nothing, and nobody would notice.
                if not isfinite(norm.item()):
                    raise TrainingError(f"the gradient overflowed at step {done}", hint="lower the learning rate")
                note = f"loss {values['loss']:.4f}  {(perf_counter() - clock) / (done - logged):.2f} s/step"
                clock, logged = perf_counter(), done
                metrics.add(done, {**values, "gradient_norm": norm.item(), "learning_rate": rate})
            bar.advance(1, note)
            stop = bool(interrupted)
            if done % options.validate_every == 0 or done == options.steps:
                with state.averaged(), torch.no_grad(), autocast(device, options.bf16):
                    network.eval()
                    measured = task.validate(network, done, folder / "previews")
                    measured = {f"held_out/{name}": value for name, value in measured.items()}
                    stop |= bool(on_validate and on_validate(done, network, measured))
                    metrics.add(done, measured)
                clock, logged = perf_counter(), done
            if done % options.save_every == 0 or done == options.steps or stop:
                path = state.save(checkpoints, done, task.about, options)
                _forget_old(checkpoints, options)
            if interrupted:
                raise Interrupted(f"stopped after step {done} of {options.steps}")
            if stop:
                break
    return path


def parameter_groups(network: nn.Module, rate_of: Callable[[str], float] | None = None) -> list[dict[str, Any]]:
    """Sort parameters by the factor on their learning rate, and freeze those whose factor is 0."""
    groups: dict[float, list[nn.Parameter]] = {}
    for name, parameter in network.named_parameters():
        factor = rate_of(name) if rate_of else 1.0
        if factor == 0:
            parameter.requires_grad_(False)
        elif parameter.requires_grad:
            groups.setdefault(factor, []).append(parameter)
    return [{"params": parameters, "factor": factor} for factor, parameters in groups.items()]


def _pull_home(trained: Sequence[nn.Parameter], home: Sequence[Tensor], strength: float) -> None:
    """Add the gradient of ½ · strength · |w - home|², after clipping: it must not drown in a rough step."""
    with torch.no_grad():
        for parameter, origin in zip(trained, home, strict=True):
            if parameter.grad is not None:
                parameter.grad.add_(parameter - origin, alpha=strength)


class _State:
    """Everything that must survive a kill: weights, their average, and Adam's moments."""

    def __init__(self, network: nn.Module, average: Weights, optimizer: torch.optim.Optimizer) -> None:
        self.network, self.average, self.optimizer = network, average, optimizer

    def save(self, folder: Path, step: int, about: Mapping[str, Any], options: TrainOptions) -> Path:
        path = folder / f"{step}.safetensors"
        groups: dict[str, Weights] = {
            "network": dict(self.network.named_parameters()),
            "average": self.average,
            "moment1": {},
            "moment2": {},
            "adam_steps": {},
        }
        for name, parameter in self.network.named_parameters():
            moments = self.optimizer.state.get(parameter, {})
            if moments:
                groups["moment1"][name], groups["moment2"][name] = moments["exp_avg"], moments["exp_avg_sq"]
                groups["adam_steps"][name] = moments["step"]  # fewer than the run's for a part that began later
        about = {**about, "step": step, "options": asdict(options)}
        checkpoint.save(path, Checkpoint(groups=groups, about=about))
        return path

    def restore(self, path: Path | None, about: Mapping[str, Any]) -> int:
        if path is None:
            return 0
        saved = checkpoint.load(path)
        differing = sorted(key for key in about if saved.about.get(key) != json.loads(json.dumps(about[key])))
        if differing:
            raise CheckpointError(
                f"{path} belongs to a run with other settings: {', '.join(differing)}",
                hint="start a new run, or give the settings of the old one",
            )
        step = int(saved.about["step"])
        load_matching(self.network, saved.groups["network"])
        adam_steps = saved.groups.get("adam_steps", {})  # files from before they were kept have none
        for name, parameter in self.network.named_parameters():
            self.average[name].copy_(saved.groups["average"][name])
            if name in saved.groups.get("moment1", {}):
                self.optimizer.state[parameter] = {
                    "step": adam_steps.get(name, torch.tensor(float(step))).to(parameter.device),
                    "exp_avg": saved.groups["moment1"][name].to(parameter.device),
                    "exp_avg_sq": saved.groups["moment2"][name].to(parameter.device),
                }
        return step

    def averaged(self) -> AbstractContextManager[None]:
        return _swapped(dict(self.network.named_parameters()), self.average)


class _swapped:
    """Put other values into parameters for the length of a block."""

    def __init__(self, parameters: Mapping[str, Tensor], values: Weights) -> None:
        self.parameters, self.values = parameters, values

    def _swap(self) -> None:
        for name, parameter in self.parameters.items():
            parameter.data, self.values[name] = self.values[name], parameter.data

    def __enter__(self) -> None:
        self._swap()

    def __exit__(self, *_: object) -> None:
        self._swap()


class _Metrics:
    """metrics.jsonl and TensorBoard, cut back to the step a run goes on from."""

    def __init__(self, folder: Path, network: str, start: int) -> None:
        self.path, self.network = folder / "metrics.jsonl", network
        kept = []
        if self.path.is_file():
            for line in self.path.read_text(encoding="utf-8").splitlines():
                try:
                    row = json.loads(line)
                    if row["network"] != network or row["step"] <= start:
                        kept.append(line + "\n")
                except (ValueError, KeyError):
                    break  # a line half written when the run was killed
        write_text(self.path, "".join(kept))
        self.board = SummaryWriter(str(folder / "tensorboard" / network), purge_step=start or None)

    def add(self, step: int, values: Mapping[str, float]) -> None:
        with self.path.open("a", encoding="utf-8") as file:
            rounded = {name: float(f"{value:.6g}") for name, value in values.items()}
            file.write(json.dumps({"network": self.network, "step": step, **rounded}) + "\n")
        for name, value in values.items():
            self.board.add_scalar(name, value, step)

    def __enter__(self) -> None:
        pass

    def __exit__(self, *_: object) -> None:
        self.board.close()


def autocast(device: torch.device, enabled: bool) -> AbstractContextManager[Any]:
    """Compute matrix products in bfloat16 inside the block, if enabled."""
    return torch.autocast(device.type, torch.bfloat16) if enabled else nullcontext()


def _forget_old(folder: Path, options: TrainOptions) -> None:
    numbered = sorted((path for path in folder.glob("*.safetensors") if path.stem.isdigit()), key=lambda p: int(p.stem))
    regular = [path for path in numbered if int(path.stem) % options.save_every == 0 or path == numbered[-1]]
    for path in set(numbered) - set(regular[-options.keep_checkpoints :]):
        path.unlink()  # also what an interrupt left between: a resumed run ends with the files of an unbroken one


@contextmanager
def _interrupt_between_steps() -> Iterator[list[int]]:
    """Give a list that fills when Ctrl-C is pressed, so that no step is torn; a second Ctrl-C stops at once."""
    pressed: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield pressed  # signals only reach the main thread
        return

    def remember(number: int, frame: FrameType | None) -> None:
        if pressed:
            raise KeyboardInterrupt
        pressed.append(number)

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield pressed
    finally:
        signal.signal(signal.SIGINT, before)
