"""Text → waveform with a voice."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from dctts.atomic import whole_file
from dctts.audio import linear_from_unit, loudness_normalise
from dctts.chunks import Chunk, split_chunks
from dctts.config import AudioConfig
from dctts.decode import QUIET, Decoded, DecodeOptions, decode
from dctts.errors import AudioError
from dctts.griffin_lim import griffin_lim
from dctts.lexicon import Lexicon
from dctts.progress import SILENT, Progress
from dctts.ssrn import CONTEXT_FRAMES, SSRN
from dctts.text import Encoded, encode_words
from dctts.vocabulary import PUNCTUATION, VOCABULARY
from dctts.voice import Voice

Wave = NDArray[np.float32]

PAUSES = frozenset(VOCABULARY.index(symbol) for symbol in (" ", *PUNCTUATION))
BATCH_CHUNKS = 16
"""Chunks decoded side by side: 16 cost 2.4 times one, and memory stays constant over a whole book."""
SSRN_FRAMES = 256
"""Coarse frames (12 s) that SSRN refines at once."""
FADE_MS = 5


@dataclass(frozen=True, kw_only=True)
class SpeakOptions:
    """How a text is spoken."""

    decode: DecodeOptions = field(default_factory=DecodeOptions)
    power: float = 1.0
    """Exponent on the magnitudes before phase retrieval: a little above 1 sharpens over-smoothed predictions."""
    iterations: int = 32
    """Rounds of phase retrieval."""
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """How well one chunk went, by what attention did."""

    text: str
    duration_s: float
    reached_end: bool
    """Whether the voice got to the end of the text before the length cap."""
    coverage: float
    """Part of the symbols that were attended."""
    forced_rate: float
    """Part of the frames in which attention had to be moved."""


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """One chunk of the text, spoken."""

    wave: Wave
    silence_ms: int
    """Silence that follows."""
    encoded: Encoded
    decoded: Decoded
    verdict: Verdict


def speak(
    text: str,
    voice: Voice,
    lexicon: Lexicon,
    *,
    options: SpeakOptions | None = None,
    progress: Progress = SILENT,
) -> Iterator[Spoken]:
    """Speak a text of any length, chunk by chunk, in order.

    Raises:
        TextError: nothing in the text can be spoken.
    """
    options = options or SpeakOptions()
    chunks = split_chunks(text)
    with progress.bar("speaking", len(chunks)) as bar:
        for start in range(0, len(chunks), BATCH_CHUNKS):
            for spoken in _speak_batch(chunks[start : start + BATCH_CHUNKS], voice, lexicon, options):
                bar.advance()
                yield spoken


def write_speech(
    text: str,
    voice: Voice,
    lexicon: Lexicon,
    path: Path,
    *,
    options: SpeakOptions | None = None,
    progress: Progress = SILENT,
) -> list[Verdict]:
    """Speak a text into a 16-bit wav, whole or not at all, in constant memory however long it is.

    Returns:
        how each chunk went, without its sound.

    Raises:
        TextError: nothing in the text can be spoken.
        AudioError: the file cannot be written.
    """
    verdicts = []
    rate = voice.audio.sample_rate_hz
    try:
        with (
            whole_file(path) as temporary,
            soundfile.SoundFile(temporary, "w", samplerate=rate, channels=1, subtype="PCM_16", format="WAV") as file,
        ):
            for piece in speak(text, voice, lexicon, options=options, progress=progress):
                file.write(piece.wave)
                file.write(silence(piece.silence_ms, rate))
                verdicts.append(piece.verdict)
    except OSError as error:
        raise AudioError(f"cannot write {path}: {error}", hint="choose another place with -o") from error
    return verdicts


def silence(duration_ms: int, sample_rate_hz: int) -> Wave:
    """Give array[S] of zeros."""
    return np.zeros(round(duration_ms / 1000 * sample_rate_hz), np.float32)


@torch.inference_mode()
def refine(ssrn: SSRN, coarse: Tensor, audio: AudioConfig) -> NDArray[np.float32]:
    """Coarse frames Tensor[T, F] → magnitudes array[4T, L], piece by piece with as much context as the network sees."""
    pieces = []
    for start in range(0, len(coarse), SSRN_FRAMES):
        first, last = max(0, start - CONTEXT_FRAMES), min(len(coarse), start + SSRN_FRAMES + CONTEXT_FRAMES)
        logits, _ = ssrn(coarse[first:last].unsqueeze(0))
        skipped = (start - first) * audio.reduction
        kept = min(SSRN_FRAMES, len(coarse) - start) * audio.reduction
        pieces.append(linear_from_unit(logits[0, skipped : skipped + kept].float().sigmoid(), audio))
    magnitude: NDArray[np.float32] = torch.cat(pieces).cpu().numpy()
    return magnitude


def _speak_batch(chunks: Sequence[Chunk], voice: Voice, lexicon: Lexicon, options: SpeakOptions) -> Iterator[Spoken]:
    encoded = [encode_words(chunk.text, lexicon=lexicon) for chunk in chunks]
    decoded = decode(
        voice.text2mel,
        [text.ids for text in encoded],
        voice.speaker,
        symbols_per_frame=voice.symbols_per_frame,
        pauses=PAUSES,
        options=options.decode,
    )
    for chunk, text, result in zip(chunks, encoded, decoded, strict=True):
        magnitude = refine(voice.ssrn, _without_edges(result.coarse), voice.audio)
        wave = griffin_lim(
            magnitude, voice.audio, iterations=options.iterations, power=options.power, seed=options.seed
        )
        yield Spoken(
            wave=_faded(loudness_normalise(wave), voice.audio),
            silence_ms=chunk.silence_ms,
            encoded=text,
            decoded=result,
            verdict=Verdict(
                text=chunk.text,
                duration_s=round(len(wave) / voice.audio.sample_rate_hz, 3),
                reached_end=result.reached_end,
                coverage=round(result.coverage, 4),
                forced_rate=round(result.forced_rate, 4),
            ),
        )


def _without_edges(coarse: Tensor) -> Tensor:
    """Drop silent frames before and after the speech, all but one: the pauses between chunks are ours to choose."""
    loud = (coarse.mean(dim=-1) >= QUIET).nonzero().flatten()
    if not len(loud):
        return coarse
    return coarse[max(0, int(loud[0]) - 1) : int(loud[-1]) + 2]


def _faded(wave: Wave, audio: AudioConfig) -> Wave:
    count = min(len(wave) // 2, round(FADE_MS / 1000 * audio.sample_rate_hz))
    ramp = np.linspace(0, 1, count, dtype=np.float32)
    wave[:count] *= ramp
    wave[len(wave) - count :] *= ramp[::-1]
    return wave
