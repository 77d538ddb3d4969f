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
from pipeline.transcribe.cut import CutOptions
from pipeline.transcribe.fit import Stretch, fit_here
from pipeline.transcribe.repair import RepairOptions
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
        self._decoder.reinit_feat()  # its noise and channel estimates outlive an utterance
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
    """Text from PocketSphinx alone: better than nothing (CER 7 to 19 %), and said so by `choose_transcriber`.

    What it hears is laid on the sound once more, by itself: it gives words to rain and dogs too, and how badly they
    fit tells them from speech.
    """

    workers: Workers = field(default_factory=lambda: Workers(usable_cores()))
    cut: CutOptions = field(default_factory=CutOptions)

    def transcribe(
        self, wav_16k: Path, spans: Sequence[Span], *, source: str, progress: Progress = SILENT
    ) -> Iterator[Utterance]:
        """Yield utterances in order of time: each span, cut at its pauses."""
        words = list(heard(wav_16k, spans, workers=self.workers, progress=progress))
        tasks = (
            Stretch(
                wav_16k=wav_16k,
                source=source,
                spans=(span,),
                words=own,
                ends=(True,) * len(own),
                heard=own,
                mendable=False,
                cut=self.cut,
                repair=RepairOptions(),
                names=("pocketsphinx", "pocketsphinx"),
            )
            for span, own in zip(spans, words, strict=True)
        )
        for utterances in tracked(progress, "align", self.workers.spread(fit_here, tasks), len(spans)):
            yield from utterances


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
