"""A wav that can be played while it grows: on a pipe, or in a file."""

import struct
from collections.abc import Iterable
from itertools import chain
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from dctts.errors import AudioError

UNKNOWN = 0xFFFFFFFF
"""Length of a stream whose end is not known, as ffmpeg and SoX write and read it."""


def wav_header(sample_rate_hz: int, *, num_samples: int | None = None) -> bytes:
    """Give the 44 bytes before 16-bit mono samples; None marks the length as unknown."""
    size = UNKNOWN if num_samples is None else min(2 * num_samples, UNKNOWN - 36)
    return (
        struct.pack("<4sI4s", b"RIFF", UNKNOWN if num_samples is None else size + 36, b"WAVE")
        + struct.pack("<4sIHHIIHH", b"fmt ", 16, 1, 1, sample_rate_hz, 2 * sample_rate_hz, 2, 16)
        + struct.pack("<4sI", b"data", size)
    )


def write_growing(waves: Iterable[NDArray[np.float32]], target: Path | BinaryIO, sample_rate_hz: int) -> int:
    """Write pieces of sound as they come, each flushed at once.

    The header says the length is unknown. In a file it is corrected at the end; what was written before a failure
    stays and can be played. On a pipe it stays unknown.

    Returns:
        samples written.

    Raises:
        AudioError: the target cannot be written, or nobody reads the pipe any more.
    """
    try:
        if not isinstance(target, Path):
            return _write(waves, target, sample_rate_hz)
        pieces = iter(waves)
        first = next(pieces, None)  # a text that cannot be spoken must not cost what the file held before
        target.parent.mkdir(parents=True, exist_ok=True)
        with target.open("wb") as file:
            count = _write(chain([] if first is None else [first], pieces), file, sample_rate_hz)
            file.seek(0)
            file.write(wav_header(sample_rate_hz, num_samples=count))
        return count
    except OSError as error:
        name = target if isinstance(target, Path) else "standard output"
        raise AudioError(f"cannot write {name}: {error}", hint="choose another place with -o") from error


def _write(waves: Iterable[NDArray[np.float32]], file: BinaryIO, sample_rate_hz: int) -> int:
    count = 0
    for wave in waves:
        if not count and len(wave):
            file.write(wav_header(sample_rate_hz))
        file.write((wave.clip(-1, 1) * 32767).round().astype("<i2").tobytes())
        file.flush()
        count += len(wave)
    return count
