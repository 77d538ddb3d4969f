"""Clips once more for a vocoder: their own sound beside what the base says when told their words and when.

SSRN's frames of real speech are what a vocoder learns to trust; what it hears at work are SSRN's frames of what
Text2Mel says, which are smoother still.
"""

import hashlib
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors import safe_open
from safetensors.torch import save_file
from torch import Tensor

from dctts.alignment import symbol_path
from dctts.atomic import whole_file
from dctts.audio import mel_to_unit
from dctts.contrast import CONTRAST, with_contrast
from dctts.corpus import Example, centroids
from dctts.feature_cache import is_current
from dctts.follow import follow
from dctts.lexicon import Lexicon
from dctts.progress import SILENT, Progress
from dctts.refine import refine
from dctts.text import encode_words
from dctts.vocoders.data import VocoderExample, frame_pitch_hz
from dctts.voice import Voice, as_speaker

TOGETHER = 16


def said_clips(
    examples: Sequence[Example],
    base: Voice,
    lexicon: Lexicon,
    *,
    base_key: str,
    cache: Path,
    progress: Progress = SILENT,
) -> list[VocoderExample]:
    """Let a base say every clip whose phones have times, as its reader if it knows them, else by the reader's vector.

    Args:
        base_key: what tells this base from others.
        cache: a safetensors file, written whole or not at all.
    """
    timed = sorted((row for row in examples if len(row.phone_times)), key=lambda row: (len(row.mel), row.id))
    key = hashlib.sha256(base_key.encode())
    for example in timed:
        key.update(example.id.encode() + example.wave[::997].numpy().tobytes())
    if not is_current(cache, key.hexdigest()):
        tensors: dict[str, Tensor] = {}
        vectors = centroids(timed)
        with progress.bar("the base says them", len(timed)) as bar:
            for start in range(0, len(timed), TOGETHER):
                part = timed[start : start + TOGETHER]
                for row, (example, coarse) in enumerate(zip(part, _said(part, base, vectors, lexicon), strict=True)):
                    for name, tensor in _beside(example, coarse, base).items():
                        tensors[f"{start + row}.{name}"] = tensor
                    bar.advance()
        with whole_file(cache) as temporary:
            save_file(tensors, temporary, metadata={"key": key.hexdigest()})
    with safe_open(cache, framework="pt") as file:
        return [
            VocoderExample(
                id=example.id,
                wave=file.get_tensor(f"{row}.wave"),
                pitch_hz=file.get_tensor(f"{row}.pitch_hz"),
                refined=file.get_tensor(f"{row}.refined"),
            )
            for row, example in enumerate(timed)
        ]


def _said(part: Sequence[Example], base: Voice, vectors: dict[str, Tensor], lexicon: Lexicon) -> list[Tensor]:
    """Coarse frames of each clip from its phase on, Tensor[T, F], with the contrast that speaking gives them."""
    reduction = base.audio.reduction
    hop_s = base.audio.hop_samples / base.audio.sample_rate_hz
    encoded = [encode_words(example.text, lexicon=lexicon) for example in part]
    paths = []
    for example, text in zip(part, encoded, strict=True):
        middles_s = (np.arange(_phase(example, reduction), len(example.mel), reduction) + 0.5) * hop_s
        paths.append(torch.from_numpy(symbol_path(text.words, example.phone_times.numpy(), len(text.ids), middles_s)))
    known = [as_speaker(base, row.speaker) if row.speaker in base.speakers else None for row in part]
    voices = torch.stack(
        [vectors[row.speaker] if voice is None else voice.speaker for row, voice in zip(part, known, strict=True)]
    )
    frames = follow(base.text2mel, [text.ids for text in encoded], paths, voices)
    means = [base.mean_frame if voice is None else voice.mean_frame for voice in known]
    return [with_contrast(coarse, mean, CONTRAST) for coarse, mean in zip(frames, means, strict=True)]


def _beside(example: Example, coarse: Tensor, base: Voice) -> dict[str, Tensor]:
    audio = base.audio
    refined = refine(base.ssrn, coarse, audio, head="mel")
    wave = example.wave[_phase(example, audio.reduction) * audio.hop_samples :]
    frames = min(len(refined), len(wave) // audio.hop_samples)
    wave = wave[: frames * audio.hop_samples]
    return {
        "wave": wave.clone(),
        "pitch_hz": torch.from_numpy(frame_pitch_hz((wave.float() / 32768).numpy(), audio)),
        "refined": mel_to_unit(refined[:frames], audio).half(),
    }


def _phase(example: Example, reduction: int) -> int:
    """Of the frames of a clip the first that is taken: another one for every clip, the same on every run."""
    return hashlib.sha256(example.id.encode()).digest()[0] % reduction
