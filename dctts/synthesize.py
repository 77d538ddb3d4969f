"""Text → waveform with a voice."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from dctts.atomic import whole_file, write_json
from dctts.audio import loudness_normalise
from dctts.chunks import Chunk, iter_chunks
from dctts.config import AudioConfig
from dctts.contrast import with_contrast
from dctts.decode import QUIET, DecodeOptions
from dctts.errors import AudioError
from dctts.lexicon import Lexicon
from dctts.progress import SILENT, Progress
from dctts.refine import refine
from dctts.retry import MOST_ATTEMPTS, Take, decode_chunks
from dctts.text import normalise
from dctts.threads import one_thread
from dctts.timings import SubtitleFile, WordTime, word_times
from dctts.verdict import Verdict, judge, summarise
from dctts.vocoders.interface import GriffinLim, Vocoder, vocode
from dctts.voice import Voice, on_cpu

Wave = NDArray[np.float32]

BATCH_CHUNKS = 16
"""Chunks decoded side by side: 16 cost 3 times one, and memory stays constant over a whole book."""
FADE_MS = 5


@dataclass(frozen=True, kw_only=True)
class SpeakOptions:
    """How a text is spoken."""

    decode: DecodeOptions = field(default_factory=DecodeOptions)
    attempts: int = MOST_ATTEMPTS
    """How often a chunk is decoded at most when attention fails on it."""
    power: float = 1.0
    """Exponent on the magnitudes before Griffin-Lim: a little above 1 sharpens over-smoothed predictions."""
    iterations: int = 32
    """Rounds of Griffin-Lim."""
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """One chunk of the text, spoken."""

    wave: Wave
    silence_ms: int
    """Silence that follows."""
    words: tuple[WordTime, ...]
    """When each word is said, from the start of the whole sound."""
    verdict: Verdict


def speak(
    text: str,
    voice: Voice,
    lexicon: Lexicon,
    *,
    options: SpeakOptions | None = None,
    progress: Progress = SILENT,
) -> Iterator[Spoken]:
    """Speak a text of any length, chunk by chunk, in order and in constant memory.

    Raises:
        TextError: nothing in the text can be spoken.
    """
    options = options or SpeakOptions()
    voice = on_cpu(voice)
    chunks = iter_chunks(text)
    start_s = 0.0
    with progress.bar("speaking") as bar:
        while batch := list(islice(chunks, BATCH_CHUNKS)):
            takes = decode_chunks(batch, voice, lexicon, options.decode, attempts=options.attempts)
            for take, sounds in zip(takes, _sounds(takes, voice, options), strict=True):
                spoken = _spoken(take, sounds, voice.audio, start_s)
                samples = len(spoken.wave) + len(silence(spoken.silence_ms, voice.audio))
                start_s += samples / voice.audio.sample_rate_hz
                bar.advance()
                yield spoken


def speak_each(
    texts: Sequence[str], voice: Voice, lexicon: Lexicon, *, options: SpeakOptions | None = None
) -> list[Spoken]:
    """Speak short texts on their own, each in one go, side by side: a third of the time that one by one takes.

    Raises:
        TextError: nothing in one of the texts can be spoken.
    """
    options = options or SpeakOptions()
    voice = on_cpu(voice)
    chunks = [Chunk(text=normalise(text), silence_ms=0) for text in texts]
    spoken = []
    for start in range(0, len(chunks), BATCH_CHUNKS):
        takes = decode_chunks(
            chunks[start : start + BATCH_CHUNKS], voice, lexicon, options.decode, attempts=options.attempts
        )
        for take, sounds in zip(takes, _sounds(takes, voice, options), strict=True):
            spoken.append(_spoken(take, sounds, voice.audio, 0.0))
    return spoken


def write_speech(
    text: str,
    voice: Voice,
    lexicon: Lexicon,
    path: Path,
    *,
    options: SpeakOptions | None = None,
    srt: Path | None = None,
    verdict: Path | None = None,
    progress: Progress = SILENT,
) -> list[Verdict]:
    """Speak a text into a 16-bit wav, whole or not at all, in constant memory however long it is.

    Args:
        srt: where to write subtitles, whole or not at all as well.
        verdict: where to write how it went, see `verdict.summarise`.

    Returns:
        how each chunk went, without its sound.

    Raises:
        TextError: nothing in the text can be spoken.
        AudioError: a file cannot be written.
    """
    rate = voice.audio.sample_rate_hz
    verdicts = []
    try:
        with ExitStack() as files:
            temporary = files.enter_context(whole_file(path))
            subtitles = SubtitleFile(files.enter_context(whole_file(srt))) if srt else None
            with soundfile.SoundFile(
                temporary, "w", samplerate=rate, channels=1, subtype="PCM_16", format="WAV"
            ) as file:
                for piece in speak(text, voice, lexicon, options=options, progress=progress):
                    file.write(piece.wave)
                    file.write(silence(piece.silence_ms, voice.audio))
                    verdicts.append(piece.verdict)
                    if subtitles:
                        subtitles.add(piece.words)
                frames = file.frames
            if verdict:
                write_json(verdict, summarise(verdicts, duration_s=frames / rate))
    except OSError as error:
        raise AudioError(f"cannot write {path}: {error}", hint="choose another place with -o") from error
    return verdicts


def silence(duration_ms: int, audio: AudioConfig) -> Wave:
    """Give array[S] of zeros."""
    return np.zeros(round(duration_ms / 1000 * audio.sample_rate_hz), np.float32)


def speech_span(coarse: Tensor) -> slice:
    """Leave out silent frames around the speech, all but one: the pauses between chunks are ours to choose."""
    loud = (coarse.mean(dim=-1) >= QUIET).nonzero().flatten()
    if not len(loud):
        return slice(0, len(coarse))
    return slice(max(0, int(loud[0]) - 1), min(len(coarse), int(loud[-1]) + 2))


def vocoder_of(voice: Voice, options: SpeakOptions) -> Vocoder:
    """Give the voice's vocoder: Griffin-Lim where it has none of its own."""
    return voice.vocoder or GriffinLim(voice.audio, iterations=options.iterations, power=options.power)


def _sounds(takes: Sequence[Take], voice: Voice, options: SpeakOptions) -> list[list[Wave]]:
    """Give the sound of every piece of every take; several takes are shared out among the processor's cores."""
    workers = min(len(takes), torch.get_num_threads())
    with one_thread(), ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(pool.map(lambda take: _sound(take, voice, options), takes))


def _sound(take: Take, voice: Voice, options: SpeakOptions) -> list[Wave]:
    waves = []
    vocoder = vocoder_of(voice, options)
    for piece in take.pieces:
        coarse = piece.decoded.coarse[speech_span(piece.decoded.coarse)]
        coarse = with_contrast(coarse, voice.mean_frame)
        frames = refine(voice.ssrn, coarse, voice.audio, head=vocoder.head)
        wave = vocode(vocoder, frames, seed=options.seed)
        waves.append(_faded(loudness_normalise(wave), voice.audio))
    return waves


def _spoken(take: Take, sounds: Sequence[Wave], audio: AudioConfig, start_s: float) -> Spoken:
    waves: list[Wave] = []
    words: list[WordTime] = []
    samples = 0
    for place, (piece, wave) in enumerate(zip(take.pieces, sounds, strict=True), 1):
        words += word_times(
            piece.encoded,
            piece.decoded.position[speech_span(piece.decoded.coarse)],
            frame_s=1 / audio.coarse_frames_per_s,
            offset_s=start_s + samples / audio.sample_rate_hz,
        )
        pause = silence(0 if place == len(take.pieces) else piece.chunk.silence_ms, audio)
        waves += [wave, pause]
        samples += len(wave) + len(pause)
    return Spoken(
        wave=np.concatenate(waves),
        silence_ms=take.pieces[-1].chunk.silence_ms,
        words=tuple(words),
        verdict=judge(
            take,
            text=" ".join(piece.chunk.text for piece in take.pieces),
            start_s=start_s,
            duration_s=samples / audio.sample_rate_hz,
        ),
    )


def _faded(wave: Wave, audio: AudioConfig) -> Wave:
    count = min(len(wave) // 2, round(FADE_MS / 1000 * audio.sample_rate_hz))
    ramp = np.linspace(0, 1, count, dtype=np.float32)
    wave[:count] *= ramp
    wave[len(wave) - count :] *= ramp[::-1]
    return wave
