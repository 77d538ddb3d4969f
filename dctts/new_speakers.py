"""More speakers than were recorded: every reader's clips again, disguised as several others.

A base that has heard three women cannot guess a man from five seconds. Shifting resonances and pitch widens what the
speaker vector stands for, and keeps the networks from learning three voices by heart (as speed and pitch changes do
for speaker encoders, arXiv:2010.14230 section 2).
"""

import hashlib
import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from dctts.atomic import whole_file
from dctts.audio import Wave
from dctts.config import AudioConfig
from dctts.corpus import EMBEDDED_TOGETHER, Embedder, Example, waveform_to_mel
from dctts.disguise import Disguise, change
from dctts.feature_cache import is_current
from dctts.progress import SILENT, Progress

MARK = "~"
"""Between a reader's name and the number of a disguise."""
_FORMANTS = (0.79, 1.13)
"""From a tall man's vocal tract to a child's, seen from a woman's."""
_PITCH_HZ = (100.0, 255.0)
"""The median that goes with each, on a logarithmic scale."""
_ASKEW = 0.12
_TONE_DB, _TONES = 4.0, 9
"""Long-term spectra of 214 LibriSpeech readers, level aside, differ by 3 to 5 dB (standard deviation) above 300 Hz and
by more below; 72 % of it are bends as slow as four curves over the mels make them."""


def is_disguised(speaker: str) -> bool:
    """Whether a speaker's name was made here."""
    return MARK in speaker


def disguises_of(speaker: str, count: int) -> list[Disguise]:
    """Spread disguises from tall and low to small and high, shifted a little from reader to reader."""
    shift = hashlib.sha256(speaker.encode()).digest()[0] / 255
    made = []
    for index in range(count):
        random = np.random.default_rng([*hashlib.sha256(f"{speaker}/{index}".encode()).digest()])
        place = (index + shift) / count
        askew = random.uniform(-_ASKEW, _ASKEW)  # pitch does not follow size exactly
        made.append(
            Disguise(
                pitch_hz=_between(_PITCH_HZ, place) * (1 + askew),
                formants=_between(_FORMANTS, place),
                tone_db=tuple(np.round(random.normal(0, _TONE_DB, _TONES), 1).tolist()),
            )
        )
    return made


def new_speakers(
    examples: Sequence[Example],
    count: int,
    config: AudioConfig,
    embedder: Callable[[], Embedder],
    *,
    cache: Path,
    progress: Progress = SILENT,
) -> list[Example]:
    """Disguise every clip once, each as one of `count` new speakers for its reader; times of phones stay true.

    Args:
        examples: clips as recorded.
        cache: a safetensors file to keep the features in, written whole or not at all.

    Raises:
        ClonePipelineError: Praat is not installed.
    """
    planned = [_planned(example, count) for example in examples]
    key = hashlib.sha256(repr([(speaker, disguise) for speaker, disguise in planned]).encode())
    for example in examples:
        key.update(example.id.encode() + example.wave[::997].numpy().tobytes())
    if not is_current(cache, key.hexdigest()):
        tensors: dict[str, Tensor] = {}
        encoder = embedder()
        with progress.bar("new speakers", len(examples)) as bar:
            for start in range(0, len(examples), EMBEDDED_TOGETHER):
                rows = range(start, min(start + EMBEDDED_TOGETHER, len(examples)))
                waves = [change(_floats(examples[row].wave), config.sample_rate_hz, planned[row][1]) for row in rows]
                vectors = encoder.embed_batch(waves, config.sample_rate_hz)
                for row, wave, vector in zip(rows, waves, vectors, strict=True):
                    length = len(examples[row].wave)
                    samples = torch.from_numpy(np.resize(np.pad(wave, (0, max(0, length - len(wave)))), length))
                    tensors[f"{row}.wave"] = (samples * 32767).round().short()
                    tensors[f"{row}.mel"] = waveform_to_mel(samples, config).half()
                    tensors[f"{row}.voice"] = torch.zeros(256) if vector is None else torch.from_numpy(vector).clone()
                    bar.advance()
        with whole_file(cache) as temporary:
            save_file(tensors, temporary, metadata={"key": key.hexdigest()})
    with safe_open(cache, framework="pt") as file:
        made = [
            replace(
                example,
                speaker=planned[row][0],
                **{part: file.get_tensor(f"{row}.{part}") for part in ("wave", "mel", "voice")},
            )
            for row, example in enumerate(examples)
        ]
    return [example for example in made if example.voice.any()]


def _planned(example: Example, count: int) -> tuple[str, Disguise]:
    index = int(hashlib.sha256(f"{example.speaker}/{example.id}".encode()).hexdigest(), 16) % count
    return f"{example.speaker}{MARK}{index + 1}", disguises_of(example.speaker, count)[index]


def _floats(samples: Tensor) -> Wave:
    return np.asarray(samples.numpy() / 32768, dtype=np.float32)


def _between(ends: tuple[float, float], place: float) -> float:
    low, high = (math.log(end) for end in ends)
    return math.exp(low + place * (high - low))
