"""Recordings by speaker → mel frames without silences, and each speaker again at other speeds, as somebody new.

Played faster, a voice rises in pitch and formants alike: another person, of whom the encoder learns as of the rest
(the "speed perturbation with new labels" of the VoxCeleb challenges).
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soxr
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from dctts.atomic import whole_file
from dctts.audio import Wave, load_wav
from dctts.encoder.clips import SpeakerClip
from dctts.encoder.partials import PARTIAL_FRAMES, SAMPLE_RATE_HZ, MelFrames, speech
from dctts.errors import AudioError
from dctts.feature_cache import is_current
from dctts.progress import SILENT, Progress

VERSION = 1
MOST_FRAMES = 12_000
"""Of one speaker: two minutes; of clips beyond them nothing is read."""


@dataclass(frozen=True, kw_only=True)
class Speaker:
    """One person, or one played at another speed."""

    name: str
    source: str
    """The person: speeds of one are never divided between training and holding out."""
    speed: float
    clips: tuple[Tensor, ...]
    """Tensor[M, 40] each, float16: the natural logarithm of mel power, at least 160 frames."""


def prepare_speakers(
    clips: Sequence[SpeakerClip], speeds: Sequence[float], *, cache: Path, progress: Progress = SILENT
) -> list[Speaker]:
    """Compute the frames of all speakers at all speeds, or read them from `cache` when nothing has changed since.

    Args:
        clips: of any number of speakers, in any order.
        speeds: 1 is the person; others are made by resampling.
        cache: a safetensors file, written whole or not at all.

    Returns:
        by speed, then by name; who says less than 1.6 s is left out.

    Raises:
        AudioError: a recording cannot be read.
    """
    key = _key(clips, speeds)
    if not is_current(cache, key):
        _compute(clips, speeds, cache, key, progress)
    found: dict[tuple[float, str], list[Tensor]] = {}
    with safe_open(cache, framework="pt") as file:
        names = sorted({clip.speaker for clip in clips})
        for name in sorted(file.keys(), key=lambda name: [int(part) for part in name.split(".")]):
            speed, person, _ = (int(part) for part in name.split("."))
            found.setdefault((speeds[speed], names[person]), []).append(file.get_tensor(name))
    return [
        Speaker(name=f"{name}@{speed:g}", source=name, speed=speed, clips=tuple(mels))
        for (speed, name), mels in found.items()
    ]


def _compute(clips: Sequence[SpeakerClip], speeds: Sequence[float], cache: Path, key: str, progress: Progress) -> None:
    mel_frames = MelFrames(torch.device("cpu"))
    names = sorted({clip.speaker for clip in clips})
    tensors: dict[str, Tensor] = {}
    with progress.bar("features", len(clips)) as bar:
        for person, name in enumerate(names):
            frames = 0
            for place, clip in enumerate(clip for clip in clips if clip.speaker == name):
                bar.advance()
                if frames >= MOST_FRAMES:
                    continue
                wave = load_wav(clip.path, SAMPLE_RATE_HZ)
                for index, speed in enumerate(speeds):
                    mel = mel_frames.frames(speech(_at_speed(wave, speed), SAMPLE_RATE_HZ))
                    if len(mel) >= PARTIAL_FRAMES:
                        tensors[f"{index}.{person}.{place}"] = mel.clamp_min(1e-7).log().half().contiguous()
                        frames += len(mel) if speed == 1 else 0
    if not tensors:
        raise AudioError("no speech of 1.6 s in any recording", hint="give recordings of people who speak")
    with whole_file(cache) as temporary:
        save_file(tensors, temporary, metadata={"key": key})


def _at_speed(wave: Wave, speed: float) -> Wave:
    if speed == 1:
        return wave
    return np.asarray(soxr.resample(wave, SAMPLE_RATE_HZ * speed, SAMPLE_RATE_HZ), np.float32)


def _key(clips: Sequence[SpeakerClip], speeds: Sequence[float]) -> str:
    digest = hashlib.sha256(json.dumps([VERSION, MOST_FRAMES, list(speeds)]).encode())
    for clip in clips:
        stat = clip.path.stat()
        digest.update(f"{clip.speaker}|{clip.path.name}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
