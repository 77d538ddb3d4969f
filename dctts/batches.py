"""Examples → padded batches. What a step trains on depends on the seed and the step alone: resumed runs are the same.

Legend: B utterances, N symbols, T coarse frames, F mel bands, S samples.
"""

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, fields, is_dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from torch import Tensor

BUCKET_BATCHES = 8
"""Batches that are sorted by length together: near-equal lengths in a batch, still a fresh mix every epoch."""

T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class SpokenBatch:
    """What every batch of Text2Mel holds, however its text is given."""

    num_symbols: Tensor
    """Tensor[B], int64."""
    coarse: Tensor
    """Tensor[B, T, F], float32 in [0, 1], 0 behind the end."""
    num_frames: Tensor
    """Tensor[B], int64: coarse frames."""
    voice: Tensor
    """Tensor[B, 256]: speaker vectors."""
    path: Tensor
    """Tensor[B, T], int64: the symbol each frame belongs to."""
    timed: Tensor
    """Tensor[B], bool: whether that path was heard in the sound, not drawn along the diagonal."""


@dataclass(frozen=True, kw_only=True)
class TextBatch(SpokenBatch):
    """What Text2Mel trains on."""

    text: Tensor
    """Tensor[B, N], int64, 0 behind the end."""


@dataclass(frozen=True, kw_only=True)
class EncodedBatch(SpokenBatch):
    """What Text2Mel trains on while its text encoder is frozen."""

    keys: Tensor
    """Tensor[B, N, d], 0 behind the end."""
    values: Tensor
    """Tensor[B, N, d], 0 behind the end."""


@dataclass(frozen=True, kw_only=True)
class CropBatch:
    """What SSRN trains on."""

    mel: Tensor
    """Tensor[B, 4T, F], float32 in [0, 1]: full-rate mels of a stretch."""
    wave: Tensor
    """Tensor[B, 4T · hop], float32 in [-1, 1]: the same stretch as sound, for the linear target."""


def step_generator(seed: int, step: int, purpose: int = 0) -> np.random.Generator:
    """Random numbers that belong to one step, whatever ran before it."""
    return np.random.default_rng((seed, purpose, step))


def bucketed(lengths: Sequence[int], batch_size: int, seed: int, step: int) -> list[int]:
    """Choose the examples of one step: every example once an epoch, near-equal lengths together.

    Args:
        lengths: length of each example, in any unit.
        step: counts from 0.

    Returns:
        indices, `batch_size` of them, or all there are if they are fewer.
    """
    batches_per_epoch = max(1, len(lengths) // batch_size)
    epoch, place = divmod(step, batches_per_epoch)
    random = step_generator(seed, epoch, purpose=1)
    whole = min(batch_size, len(lengths))
    # What does not fill a batch is left out by chance, not by length: sorted first, the longest clips would never come.
    order = random.permutation(len(lengths))[: batches_per_epoch * whole]
    stretch = batch_size * BUCKET_BATCHES
    batches = []
    for start in range(0, len(order), stretch):
        part = sorted(order[start : start + stretch], key=lambda index: lengths[index])
        batches += [part[i : i + batch_size] for i in range(0, len(part), batch_size)]
    return [int(index) for index in batches[random.permutation(len(batches))[place]]]


def pad_stack(sequences: Sequence[Tensor], *, multiple_of: int = 1) -> tuple[Tensor, Tensor]:
    """Stack sequences of different lengths, zeros behind the end: → Tensor[B, longest, …] and lengths Tensor[B]."""
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    longest = -(-int(lengths.max()) // multiple_of) * multiple_of
    padded = sequences[0].new_zeros(len(sequences), longest, *sequences[0].shape[1:])
    for row, sequence in zip(padded, sequences, strict=True):
        row[: len(sequence)] = sequence
    return padded, lengths


def moved(batch: T, device: torch.device) -> T:
    """Put every tensor of a batch on a device."""
    if not is_dataclass(batch) or isinstance(batch, type):
        return batch
    values = {field.name: getattr(batch, field.name) for field in fields(batch)}
    on_device = {name: value.to(device) for name, value in values.items() if isinstance(value, Tensor)}
    return replace(batch, **on_device)


def prefetched(make: Callable[[int], T], steps: range) -> Iterator[T]:
    """Yield `make(step)` for each step, building the next one in a thread while the last one is used."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        waiting = pool.submit(make, steps[0]) if steps else None
        for step in steps:
            assert waiting is not None
            ready = waiting.result()
            waiting = pool.submit(make, step + 1) if step + 1 in steps else None
            yield ready
