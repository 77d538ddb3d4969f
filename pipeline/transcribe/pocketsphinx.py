"""The recogniser that is always there: PocketSphinx with the models in its wheel."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import pocketsphinx

from dctts.progress import SILENT, Progress, tracked
from pipeline import samples as wav_samples
from pipeline.align import is_filler
from pipeline.records import Span, Utterance, Word
from pipeline.samples import FRAME_S, Samples
from pipeline.transcribe.workers import Workers, usable_cores


class Recogniser:
    """Decode English speech with PocketSphinx's own acoustic model, dictionary and trigram model.

    RTF 0.11 on one core without the second, flat pass, which costs a third more and was right no more often on the
    spans measured. Each call is a whole utterance, so that a result depends on its samples alone.
    """

    def __init__(self) -> None:
        self._decoder = pocketsphinx.Decoder(fwdflat=False, loglevel="FATAL")

    def decode(self, samples: Samples, start_s: float = 0.0) -> tuple[Word, ...]:
        """Return the words heard in 16 kHz samples, timed from the start of the recording; () for none."""
        self._decoder.start_utt()
        try:
            self._decoder.process_raw(samples.tobytes(), full_utt=True)
        finally:
            self._decoder.end_utt()
        return tuple(
            Word(
                text=re.sub(r"\(\d+\)$", "", segment.word),  # "the(2)": which of its pronunciations
                start_s=round(start_s + segment.start_frame * FRAME_S, 3),
                end_s=round(start_s + (segment.end_frame + 1) * FRAME_S, 3),
            )
            for segment in self._decoder.seg() or ()
            if not is_filler(segment.word)
        )


@dataclass(frozen=True, kw_only=True)
class PocketSphinxTranscriber:
    """Text from PocketSphinx alone: better than nothing (CER 7 to 19 %), and said so by `choose_transcriber`."""

    workers: Workers = field(default_factory=lambda: Workers(usable_cores()))

    def transcribe(
        self, wav_16k: Path, spans: Sequence[Span], *, source: str, progress: Progress = SILENT
    ) -> Iterator[Utterance]:
        """Yield one utterance for each span, in order."""
        for span, words in zip(spans, heard(wav_16k, spans, workers=self.workers, progress=progress), strict=True):
            text = " ".join(word.text for word in words)
            yield Utterance(source=source, span=span, text=text, words=words, witnesses={"pocketsphinx": text})


def heard(
    wav_16k: Path, spans: Sequence[Span], *, workers: Workers, progress: Progress = SILENT
) -> Iterator[tuple[Word, ...]]:
    """Yield the words that PocketSphinx hears in each span, in order."""
    tasks = ((wav_16k, span) for span in spans)
    yield from tracked(progress, "listen", workers.spread(_decode_span, tasks), len(spans))


@lru_cache(maxsize=1)
def _recogniser() -> Recogniser:
    # One for each process: loading takes a second and 60 MB.
    return Recogniser()


def _decode_span(task: tuple[Path, Span]) -> tuple[Word, ...]:
    wav, span = task
    return _recogniser().decode(wav_samples.read(wav, span.start_s, span.end_s), span.start_s)
