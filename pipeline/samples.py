"""Read a long 16 kHz mono wav piece by piece: memory is constant in the length of the talk."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray

from dctts.errors import AudioError

SAMPLE_RATE_HZ = 16_000
"""What webrtcvad, PocketSphinx, Whisper and the speaker encoder all expect."""

FRAME_S = 0.01
"""One frame of the loudness envelope."""

FRAME_SAMPLES = 160

FLOOR_DB = -100.0
"""Loudness of digital silence; below 16-bit quantisation noise (-98 dB), so that no logarithm meets zero."""

Samples = NDArray[np.int16]
Decibels = NDArray[np.float32]


def duration_s(wav: Path) -> float:
    """Return the length of a 16 kHz mono wav.

    Raises:
        AudioError: it cannot be read, or is not 16 kHz mono.
    """
    with _opened(wav) as file:
        return float(file.frames / SAMPLE_RATE_HZ)


def read(wav: Path, start_s: float, end_s: float) -> Samples:
    """Read [start_s, end_s) by seeking; what lies outside the file is left out.

    Returns:
        int16[n], n <= round((end_s - start_s) * 16000).
    """
    with _opened(wav) as file:
        start = min(max(round(start_s * SAMPLE_RATE_HZ), 0), file.frames)
        end = min(max(round(end_s * SAMPLE_RATE_HZ), start), file.frames)
        file.seek(start)
        samples: Samples = file.read(end - start, dtype="int16")
        return samples


def blocks(wav: Path, block_s: float = 30.0) -> Iterator[Samples]:
    """Yield the whole file in order, `block_s` at a time; the last block may be shorter."""
    with _opened(wav) as file:
        while len(samples := file.read(round(block_s * SAMPLE_RATE_HZ), dtype="int16")):
            yield samples


def to_float(samples: Samples) -> NDArray[np.float32]:
    """Scale int16 to [-1, 1)."""
    return samples.astype(np.float32) / 32768.0


def loudness_db(samples: Samples) -> Decibels:
    """Return the level of each whole 10 ms frame, float32[len // 160], in dB below full scale, at least -100."""
    count = len(samples) // FRAME_SAMPLES
    frames = samples[: count * FRAME_SAMPLES].astype(np.float32).reshape(count, FRAME_SAMPLES)
    # Each frame's own mean is removed: an offset or rumble below 50 Hz of a cheap microphone is not loudness.
    power = frames.var(axis=1) / 32768.0**2
    levels: Decibels = (10 * np.log10(power + 10 ** (FLOOR_DB / 10))).astype(np.float32)
    return levels


def _opened(wav: Path) -> soundfile.SoundFile:
    try:
        file = soundfile.SoundFile(wav)
    except (soundfile.LibsndfileError, OSError) as error:
        raise AudioError(f"cannot read {wav}: {error}", hint="decode the recording again") from error
    if file.samplerate != SAMPLE_RATE_HZ or file.channels != 1:
        file.close()
        raise AudioError(
            f"{wav} is {file.samplerate} Hz with {file.channels} channels", hint="decode it to 16 kHz mono first"
        )
    return file


def smoothed(levels: Decibels, frames: int = 5) -> Decibels:
    """Average the envelope over 50 ms, so that a minimum is a pause and not one zero crossing."""
    if len(levels) < frames:
        return levels
    padded = np.pad(levels, frames // 2, mode="edge")
    result: Decibels = np.convolve(padded, np.ones(frames, np.float32) / frames, mode="valid").astype(np.float32)
    return result


def quietest(levels: Decibels, start: int, end: int) -> int:
    """Return the index of the lowest level in [start, end), the middle one of equals; `start` when it is empty."""
    start, end = max(start, 0), min(end, len(levels))
    if end <= start:
        return min(start, len(levels))
    part = levels[start:end]
    lowest = np.flatnonzero(part <= part.min() + 0.01)
    return start + int(lowest[len(lowest) // 2])
