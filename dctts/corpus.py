"""A dataset made ready for training: every clip trimmed, levelled and turned into frames once, then kept in memory.

Legend: S samples, M frames at the full rate, F mel bands.
"""

import hashlib
import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from dctts.atomic import whole_file
from dctts.audio import Wave, load_wav, log_mel, loudness_normalise, magnitudes, mel_to_unit, trim_silence
from dctts.config import AudioConfig
from dctts.feature_cache import is_current
from dctts.manifest import Utterance
from dctts.progress import SILENT, Progress
from dctts.text import encode_words

EMBEDDED_TOGETHER = 32
"""Clips whose speaker vectors are computed at once: 8.7 clips a second on two cores, one by one 1.2."""
TAIL_S = 0.25
"""Silence behind every clip, so that the network learns that speech ends and what comes then."""


class Embedder(Protocol):
    """Something that knows voices apart: `encoder.resemblyzer.SpeakerEncoder`, or a stand-in."""

    def embed_batch(self, wavs: Sequence[Wave], sample_rate_hz: int) -> Sequence[NDArray[np.float32] | None]:
        """Give the unit-norm speaker vector, array[256], of each waveform; None where no speech is found."""


class PhoneAligner(Protocol):
    """Something that finds the sounds of known words."""

    def find(self, words: Sequence[str], wave: Wave, sample_rate_hz: int) -> NDArray[np.float32] | None:
        """Give each phone's word (its index), start and end in seconds, array[K, 3]; None on failure.

        Phones neither overlap nor step back, and each word has at least one.
        """


@dataclass(frozen=True, kw_only=True)
class Example:
    """One clip, ready to be put into a batch."""

    id: str
    speaker: str
    text: str
    wave: Tensor
    """Tensor[S], int16, trimmed, levelled, with a silent tail."""
    mel: Tensor
    """Tensor[M, F], float16 in [0, 1], M = S // hop."""
    voice: Tensor
    """Tensor[256], float32, unit norm: the speaker vector of this clip."""
    phone_times: Tensor
    """Tensor[K, 3], float32: of each phone its word in the normalised text, start and end in seconds; K is 0 where
    they are not known."""

    @property
    def duration_s(self) -> float:
        """Length in seconds at 256 samples a frame and 22,050 Hz."""
        return self.mel.shape[0] * 256 / 22_050


def prepare(
    utterances: Sequence[Utterance],
    config: AudioConfig,
    embedder: Callable[[], Embedder],
    *,
    cache: Path,
    aligner: Callable[[], PhoneAligner] | None = None,
    progress: Progress = SILENT,
) -> list[Example]:
    """Compute the features of a dataset, or read them from `cache` when nothing has changed since.

    Args:
        utterances: rows of one dataset; their order is kept.
        embedder: makes the speaker encoder; called only when features must be computed.
        aligner: makes what finds the phones; called only when features must be computed. None leaves them unknown.
        cache: a safetensors file to keep the features in, written whole or not at all.
    """
    key = _key(utterances, config, aligned=aligner is not None)
    if not is_current(cache, key):
        tensors: dict[str, Tensor] = {}
        encoder, finder = embedder(), aligner() if aligner is not None else None
        with progress.bar("features", len(utterances)) as bar:
            for start in range(0, len(utterances), EMBEDDED_TOGETHER):
                rows = range(start, min(start + EMBEDDED_TOGETHER, len(utterances)))
                waves = [_ready(utterances[row], config) for row in rows]
                for row, wave, voice in zip(
                    rows, waves, encoder.embed_batch(waves, config.sample_rate_hz), strict=True
                ):
                    samples = _with_tail(wave, config)
                    tensors[f"{row}.wave"] = samples
                    tensors[f"{row}.mel"] = waveform_to_mel(samples.float() / 32768, config).half()
                    tensors[f"{row}.voice"] = torch.zeros(256) if voice is None else torch.from_numpy(voice).clone()
                    tensors[f"{row}.phone_times"] = _phone_times(utterances[row].text, wave, config, finder)
                    bar.advance()
        _fill_voices(utterances, tensors)
        with whole_file(cache) as temporary:
            save_file(tensors, temporary, metadata={"key": key})
    with safe_open(cache, framework="pt") as file:
        return [
            Example(
                id=utterance.id,
                speaker=utterance.speaker,
                text=utterance.text,
                wave=file.get_tensor(f"{index}.wave"),
                mel=file.get_tensor(f"{index}.mel"),
                voice=file.get_tensor(f"{index}.voice"),
                phone_times=file.get_tensor(f"{index}.phone_times"),
            )
            for index, utterance in enumerate(utterances)
        ]


def centroids(examples: Sequence[Example]) -> dict[str, Tensor]:
    """Mean speaker vector of each speaker, unit norm: speaker → Tensor[256]."""
    voices: dict[str, list[Tensor]] = {}
    for example in examples:
        voices.setdefault(example.speaker, []).append(example.voice)
    means = {speaker: torch.stack(vectors).mean(dim=0) for speaker, vectors in voices.items()}
    return {speaker: mean / mean.norm() for speaker, mean in means.items()}


def waveform_to_mel(wave: Tensor, config: AudioConfig) -> Tensor:
    """Tensor[S] float32 → unit mels Tensor[M, F]."""
    return mel_to_unit(log_mel(magnitudes(wave.unsqueeze(0), config), config), config)[0]


def _ready(utterance: Utterance, config: AudioConfig) -> Wave:
    return loudness_normalise(trim_silence(load_wav(utterance.wav, config.sample_rate_hz), config))


def _phone_times(text: str, wave: Wave, config: AudioConfig, finder: PhoneAligner | None) -> Tensor:
    words = [word.text for word in encode_words(text).words]
    times = finder.find(words, wave, config.sample_rate_hz) if finder is not None else None
    return torch.zeros(0, 3) if times is None else torch.from_numpy(times)


def _with_tail(wave: Wave, config: AudioConfig) -> Tensor:
    wave = wave.copy()
    fade = min(len(wave), 2 * config.hop_samples)
    wave[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)  # a cut straight into silence would be heard as a click
    wave = np.concatenate([wave, np.zeros(round(TAIL_S * config.sample_rate_hz), np.float32)])
    wave = wave[: len(wave) // config.hop_samples * config.hop_samples]
    return torch.from_numpy((wave * 32767).round().astype(np.int16))


def _fill_voices(utterances: Sequence[Utterance], tensors: dict[str, Tensor]) -> None:
    """Give clips in which no speech was found the mean vector of their speaker."""
    for speaker in {utterance.speaker for utterance in utterances}:
        rows = [row for row, utterance in enumerate(utterances) if utterance.speaker == speaker]
        mean = torch.stack([tensors[f"{row}.voice"] for row in rows]).sum(dim=0)
        for row in rows:
            if not tensors[f"{row}.voice"].any():
                tensors[f"{row}.voice"] = mean / mean.norm().clamp_min(1e-6)


def _key(utterances: Sequence[Utterance], config: AudioConfig, *, aligned: bool) -> str:
    digest = hashlib.sha256(json.dumps([asdict(config), TAIL_S, "phones" if aligned else ""], sort_keys=True).encode())
    for utterance in utterances:
        stat = utterance.wav.stat()
        digest.update(f"{utterance.id}|{utterance.text}|{stat.st_size}|{stat.st_mtime_ns}\n".encode())
    return digest.hexdigest()
