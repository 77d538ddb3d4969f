"""Speech that is heard while it is made: the first sound comes after eight frames and what SSRN must see around them.

The first chunk is turned into sound frame by frame as it is decoded, so nothing in it can be taken back. While it is
heard there is time to decode the chunks after it whole, with a second try where attention fails.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import numpy as np
import torch
from torch import Tensor

from dctts.atomic import whole_file, write_json
from dctts.chunks import Chunk, iter_chunks
from dctts.contrast import with_contrast
from dctts.decode import QUIET, Decoding
from dctts.growing_wav import write_growing
from dctts.lexicon import Lexicon
from dctts.refine import StreamRefiner
from dctts.retry import PAUSES, Piece, Take, decode_chunks
from dctts.synthesize import FADE_MS, SpeakOptions, Wave, silence, speech_span, vocoder_of
from dctts.text import encode_words
from dctts.threads import one_thread
from dctts.timings import SubtitleFile, WordTime, word_times
from dctts.verdict import Verdict, judge, summarise
from dctts.voice import Voice, on_cpu

MOST_CHUNKS = 16
"""Chunks decoded side by side once the stream is well ahead: 1, then 2, 4, 8, and 16 from there on."""
PIECE_FRAMES = 64
"""Coarse frames (3 s) of a chunk that are turned into sound before it is handed out."""
PEAK = 0.99


@dataclass(frozen=True, kw_only=True)
class Heard:
    """What is known of a chunk once its last sound was handed out."""

    words: tuple[WordTime, ...]
    verdict: Verdict


def stream(
    text: str,
    voice: Voice,
    lexicon: Lexicon,
    *,
    options: SpeakOptions | None = None,
    on_chunk: Callable[[Heard], None] = lambda heard: None,
) -> Iterator[Wave]:
    """Speak a text and yield its sound piece by piece, each as soon as it is settled.

    The level is the one the voice predicts (its clips were levelled before training): the loudness of a chunk is not
    known before its end.

    Args:
        on_chunk: called after the last piece of each chunk.

    Raises:
        TextError: nothing in the text can be spoken.
    """
    options = options or SpeakOptions()
    voice = on_cpu(voice)
    chunks = iter_chunks(text)
    samples, rate = 0, voice.audio.sample_rate_hz
    first = next(chunks)
    opening = _Opening(first, voice, lexicon, options)
    for wave in opening:
        samples += len(wave)
        yield wave
    on_chunk(_heard(opening.take, voice, [0.0], samples / rate))
    pause = silence(first.silence_ms, voice.audio)
    size = 1
    while batch := list(islice(chunks, size)):
        for take in decode_chunks(batch, voice, lexicon, options.decode, attempts=options.attempts):
            starts = []
            for piece in take.pieces:
                samples += len(pause)
                yield pause
                starts.append(samples / rate)
                for wave in _sound(piece, voice, options):
                    samples += len(wave)
                    yield wave
                pause = silence(piece.chunk.silence_ms, voice.audio)
            on_chunk(_heard(take, voice, starts, samples / rate))
        size = min(2 * size, MOST_CHUNKS)


def stream_speech(
    text: str,
    voice: Voice,
    lexicon: Lexicon,
    target: Path | BinaryIO,
    *,
    options: SpeakOptions | None = None,
    srt: Path | None = None,
    verdict: Path | None = None,
) -> list[Verdict]:
    """Speak into a file that grows, or a pipe; subtitles and verdict are whole or absent, as in `write_speech`.

    Raises:
        TextError: nothing in the text can be spoken; nothing was written.
        AudioError: a file cannot be written.
    """
    verdicts: list[Verdict] = []
    rate = voice.audio.sample_rate_hz
    with ExitStack() as files:
        subtitles = SubtitleFile(files.enter_context(whole_file(srt))) if srt else None

        def note(heard: Heard) -> None:
            verdicts.append(heard.verdict)
            if subtitles:
                subtitles.add(heard.words)

        count = write_growing(stream(text, voice, lexicon, options=options, on_chunk=note), target, rate)
        if verdict:
            write_json(verdict, summarise(verdicts, duration_s=count / rate))
    return verdicts


class _Opening:
    """The first chunk: iterate for its sound, then read `take`."""

    def __init__(self, chunk: Chunk, voice: Voice, lexicon: Lexicon, options: SpeakOptions) -> None:
        self._voice, self._options, self._chunk = voice, options, chunk
        self._encoded = encode_words(chunk.text, lexicon=lexicon)
        self._decoding = Decoding(
            voice.text2mel,
            [self._encoded.ids],
            voice.speaker,
            symbols_per_frame=voice.symbols_per_frame,
            pauses=PAUSES,
            options=options.decode,
        )

    def __iter__(self) -> Iterator[Wave]:
        sound = _Sound(self._voice, self._options)
        held: list[Tensor] = []
        begun = False
        for frame in self._decoding:
            held.append(frame)
            if float(frame.mean()) < QUIET:  # silence is only known not to be the end once something follows it
                held = held if begun else held[-1:]
                continue
            wave = sound.push(torch.cat(held))
            begun, held = True, []
            if len(wave):
                yield wave
        result = self._decoding.results()[0]
        if not begun:
            held = [result.coarse]
        yield sound.push(torch.cat([*held[:1], result.coarse[:0]]), last=True)

    @property
    def take(self) -> Take:
        """How it went, once all sound was had."""
        piece = Piece(chunk=self._chunk, encoded=self._encoded, decoded=self._decoding.results()[0])
        return Take(pieces=(piece,), remedy="", attempts=1)


class _Sound:
    """Coarse frames of one piece → its sound, faded in and out."""

    def __init__(self, voice: Voice, options: SpeakOptions) -> None:
        vocoder = vocoder_of(voice, options)
        self._refiner = StreamRefiner(voice.ssrn, voice.audio, head=vocoder.head)
        self._mean = voice.mean_frame
        self._vocoder = vocoder.open(seed=options.seed, streaming=True)
        self._ramp = np.linspace(0, 1, round(FADE_MS / 1000 * voice.audio.sample_rate_hz), dtype=np.float32)
        self._tail = np.zeros(0, np.float32)
        self._begun = False

    def push(self, coarse: Tensor, *, last: bool = False) -> Wave:
        """Coarse frames Tensor[T, F] → the samples that are settled."""
        coarse = with_contrast(coarse, self._mean)
        with one_thread():
            fresh = self._vocoder.push(self._refiner.push(coarse, last=last), last=last)
        wave = np.concatenate([self._tail, fresh]).clip(-PEAK, PEAK)
        count = len(self._ramp)
        if not self._begun and len(wave) >= 2 * count:
            wave[:count] *= self._ramp
            self._begun = True
        if last:
            ending = min(count, len(wave))
            wave[len(wave) - ending :] *= self._ramp[::-1][count - ending :]
            return wave
        # The end is held back as long as it may have to be faded out.
        settled = max(0, len(wave) - count) if self._begun else 0
        self._tail = wave[settled:]
        return wave[:settled]


def _sound(piece: Piece, voice: Voice, options: SpeakOptions) -> Iterator[Wave]:
    sound = _Sound(voice, options)
    coarse = piece.decoded.coarse[speech_span(piece.decoded.coarse)]
    for start in range(0, len(coarse), PIECE_FRAMES):
        wave = sound.push(coarse[start : start + PIECE_FRAMES], last=start + PIECE_FRAMES >= len(coarse))
        if len(wave):
            yield wave


def _heard(take: Take, voice: Voice, starts: list[float], end_s: float) -> Heard:
    words = [
        word
        for piece, start_s in zip(take.pieces, starts, strict=True)
        for word in word_times(
            piece.encoded,
            piece.decoded.position[speech_span(piece.decoded.coarse)],
            frame_s=1 / voice.audio.coarse_frames_per_s,
            offset_s=start_s,
        )
    ]
    text = " ".join(piece.chunk.text for piece in take.pieces)
    return Heard(
        words=tuple(words),
        verdict=judge(take, text=text, start_s=starts[0], duration_s=end_s - starts[0]),
    )
