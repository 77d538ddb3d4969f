"""Captions as transcript: given out to the speech, checked against a second witness, aligned and cut at real pauses."""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from dctts.progress import SILENT, Progress, tracked
from pipeline.join import ends_sentence
from pipeline.records import Span, Utterance, Word
from pipeline.transcribe.assign import AssignOptions, assign
from pipeline.transcribe.cut import CutOptions
from pipeline.transcribe.fit import Stretch, fit_here
from pipeline.transcribe.pocketsphinx import heard
from pipeline.transcribe.repair import RepairOptions
from pipeline.transcribe.workers import Workers, usable_cores

log = logging.getLogger(__name__)


class Cue(Protocol):
    """What is needed of a cue."""

    @property
    def end_s(self) -> float:
        """When its last word ends."""


class Captions(Protocol):
    """What is needed of a caption track."""

    @property
    def words(self) -> Sequence[Word]:
        """Repaired words in order, with rough times."""

    @property
    def cues(self) -> Sequence[Cue]:
        """The cues these words came in."""

    @property
    def punctuated(self) -> bool:
        """Whether its full stops can be trusted to end sentences."""

    @property
    def kind_guess(self) -> str:
        """`manual`: a person divided it into cues; else a machine did, anywhere."""


@dataclass(frozen=True, kw_only=True)
class CaptionsTranscriber:
    """Pair captions with the audio they are spoken in.

    PocketSphinx listens to every span as second witness (RTF 0.11 a core), caption words are given out to the spans
    by it, forced alignment finds each word (RTF 0.05 a core), and spans are cut anew at the pauses between words.
    """

    captions: Captions
    workers: Workers = field(default_factory=lambda: Workers(usable_cores()))
    assign: AssignOptions = field(default_factory=AssignOptions)
    cut: CutOptions = field(default_factory=CutOptions)
    repair: RepairOptions = field(default_factory=RepairOptions)

    def transcribe(
        self, wav_16k: Path, spans: Sequence[Span], *, source: str, progress: Progress = SILENT
    ) -> Iterator[Utterance]:
        """Yield utterances in order of time: those of each stretch of speech, cut at its pauses.

        A stretch that no caption word belongs to is yielded as it is, with text "".
        """
        words = list(heard(wav_16k, spans, workers=self.workers, progress=progress))
        units, lost = assign(self.captions.words, clip_ends(self.captions), spans, words, self.assign)
        if lost:
            log.info("%d of %d caption words lie where nobody speaks", len(lost), len(self.captions.words))
        tasks = (
            Stretch(
                wav_16k=wav_16k,
                source=source,
                spans=tuple(spans[unit.first : unit.last + 1]),
                words=unit.words,
                heard=tuple(word for i in range(unit.first, unit.last + 1) for word in words[i]),
                ends=unit.ends,
                mendable=self.captions.kind_guess != "manual",
                cut=self.cut,
                repair=self.repair,
            )
            for unit in units
        )
        results = self.workers.spread(fit_here, tasks)
        for utterances in tracked(progress, "align", results, len(units)):
            yield from utterances


def clip_ends(captions: Captions) -> list[bool]:
    """Say for each caption word whether a clip may well end after it.

    Where sentences are punctuated: after a cue that a person made (a phrase that fits a screen), else after a sentence.
    Where they are not: after any word; every pause may be the end of a sentence, or of a speaker.
    """
    if not captions.punctuated:
        return [True] * len(captions.words)
    if captions.kind_guess == "manual" and captions.cues:
        cue_ends = {cue.end_s for cue in captions.cues}
        return [word.end_s in cue_ends for word in captions.words]
    return [ends_sentence(word.text) for word in captions.words]
