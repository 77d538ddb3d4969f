"""A corpus made ready for training a vocoder: sound, pitch, and what SSRN makes of the sound's coarse frames.

Legend: S samples, M frames at the full rate, F mel bands.
"""

import hashlib
import json
import warnings
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from dctts.atomic import whole_file
from dctts.audio import load_wav, loudness_normalise, mel_to_unit, trim_silence
from dctts.config import AudioConfig
from dctts.corpus import waveform_to_mel
from dctts.feature_cache import is_current
from dctts.manifest import Utterance
from dctts.progress import SILENT, Progress, tracked
from dctts.refine import refine
from dctts.ssrn import SSRN

with warnings.catch_warnings():  # pyworld asks pkg_resources for its own version
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    import pyworld

_LOWEST_HZ, _HIGHEST_HZ = 60.0, 500.0


@dataclass(frozen=True, kw_only=True)
class VocoderExample:
    """One clip of real speech."""

    id: str
    wave: Tensor
    """Tensor[S], int16, trimmed and levelled; S is a whole number of hops."""
    pitch_hz: Tensor
    """Tensor[M], float32: 0 where there is no voice."""
    refined: Tensor
    """Tensor[M, F], float16 in [0, 1]: what SSRN makes of the clip's coarse frames."""


def prepare_clips(
    utterances: Sequence[Utterance],
    config: AudioConfig,
    ssrn: SSRN,
    *,
    ssrn_key: str,
    cache: Path,
    progress: Progress = SILENT,
) -> list[VocoderExample]:
    """Compute what training needs of each clip, or read it from `cache` when nothing has changed since.

    Args:
        ssrn_key: what tells this SSRN from others.
        cache: a safetensors file, written whole or not at all.

    Raises:
        AudioError: a clip cannot be read.
    """
    key = _key(utterances, config, ssrn_key)
    if not is_current(cache, key):
        tensors: dict[str, Tensor] = {}
        for row, utterance in enumerate(tracked(progress, "clips", utterances, len(utterances))):
            wave = loudness_normalise(trim_silence(load_wav(utterance.wav, config.sample_rate_hz), config))
            wave = np.pad(wave, (0, -len(wave) % config.hop_samples + config.n_fft))
            wave = wave[: len(wave) // config.hop_samples * config.hop_samples]
            mel = waveform_to_mel(torch.from_numpy(wave), config)
            tensors[f"{row}.wave"] = torch.from_numpy((wave * 32767).round().astype(np.int16))
            tensors[f"{row}.pitch_hz"] = torch.from_numpy(frame_pitch_hz(wave, config))
            coarse = mel[:: config.reduction]
            refined = refine(ssrn, coarse, config, head="mel")[: len(mel)]
            tensors[f"{row}.refined"] = mel_to_unit(refined, config).half()
        with whole_file(cache) as temporary:
            save_file(tensors, temporary, metadata={"key": key})
    with safe_open(cache, framework="pt") as file:
        return [
            VocoderExample(
                id=utterance.id,
                wave=file.get_tensor(f"{row}.wave"),
                pitch_hz=file.get_tensor(f"{row}.pitch_hz"),
                refined=file.get_tensor(f"{row}.refined"),
            )
            for row, utterance in enumerate(utterances)
        ]


def frame_pitch_hz(wave: NDArray[np.float32], config: AudioConfig) -> NDArray[np.float32]:
    """Measure the pitch at the middle of every frame, 0 where there is no voice: array[S] → array[S // hop].

    Source: DIO and StoneMask of WORLD, Morise et al. 2016.
    """
    samples, count = wave.astype(np.float64), len(wave) // config.hop_samples
    half_hop_ms = config.hop_samples / 2 / config.sample_rate_hz * 1000
    rough, times_s = pyworld.dio(
        samples, config.sample_rate_hz, f0_floor=_LOWEST_HZ, f0_ceil=_HIGHEST_HZ, frame_period=half_hop_ms
    )
    found = pyworld.stonemask(samples, rough, times_s, config.sample_rate_hz)[1::2][:count]
    return np.pad(found, (0, count - len(found))).astype(np.float32)


def _key(utterances: Sequence[Utterance], config: AudioConfig, ssrn_key: str) -> str:
    digest = hashlib.sha256(json.dumps([asdict(config), ssrn_key], sort_keys=True).encode())
    for utterance in utterances:
        stat = utterance.wav.stat()
        digest.update(f"{utterance.id}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
