"""Captions as transcript: given out to the speech, checked against a second witness, aligned and cut at real pauses."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Protocol

import numpy as np
from rapidfuzz.distance import Levenshtein

from dctts.progress import SILENT, Progress, tracked
from pipeline import samples as wav_samples
from pipeline.align import AlignedWord, Aligner, Alignment
from pipeline.records import Span, Utterance, Word
from pipeline.samples import Samples
from pipeline.spoken import spoken_forms
from pipeline.transcribe import cut
from pipeline.transcribe.assign import AssignOptions, assign
from pipeline.transcribe.compare import Disagreement, compare, most_lost
from pipeline.transcribe.cut import CutOptions
from pipeline.transcribe.pocketsphinx import heard
from pipeline.transcribe.repair import RepairOptions, mend, without_fillers
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
                captions=unit.words,
                heard=tuple(word for i in range(unit.first, unit.last + 1) for word in words[i]),
                ends=unit.ends,
                mendable=self.captions.kind_guess != "manual",
                cut=self.cut,
                repair=self.repair,
            )
            for unit in units
        )
        results = self.workers.spread(_fit, tasks)
        for utterances in tracked(progress, "align", results, len(units)):
            yield from utterances


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One piece of work: a stretch of speech with what both witnesses say about it."""

    wav_16k: Path
    source: str
    spans: tuple[Span, ...]
    captions: tuple[Word, ...]
    ends: tuple[bool, ...]
    heard: tuple[Word, ...]
    mendable: bool
    """Whether single words may be mended: machines mishear, people who write captions mostly do not."""
    cut: CutOptions
    repair: RepairOptions

    @property
    def span(self) -> Span:
        """From the first span's start to the last one's end."""
        return Span(start_s=self.spans[0].start_s, end_s=self.spans[-1].end_s)


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


def ends_sentence(text: str) -> bool:
    """Tell whether a written word closes a sentence, quotes and brackets aside."""
    return text.rstrip("\"')]”’»").endswith((".", "?", "!", "…"))


def _fit(stretch: Stretch) -> list[Utterance]:
    return fit(stretch, _aligner())


@lru_cache(maxsize=1)
def _aligner() -> Aligner:
    return Aligner()


def fit(stretch: Stretch, aligner: Aligner) -> list[Utterance]:
    """Align the captions of one stretch, weigh them against what was heard, and cut it into utterances."""
    text = _Text(*_sayable(stretch.captions, stretch.ends))
    if not text.words:
        return [_utterance(stretch, span, (), {}) for span in stretch.spans]
    samples = wav_samples.read(stretch.wav_16k, stretch.span.start_s, stretch.span.end_s)
    alignment = aligner.align(text.tokens, samples)
    if alignment is None:
        return [_utterance(stretch, stretch.span, text.words, {"aligned": 0.0})]
    text, alignment = _drop_fillers(text, alignment, samples, aligner, stretch.repair)
    text, alignment, disagreements = _weigh(text, alignment, samples, aligner, stretch)
    return _cut(stretch, text, alignment, disagreements, samples)


@dataclass(frozen=True)
class _Text:
    """Written words, whether a clip may end after each, and how many of them were mended."""

    words: Sequence[Word]
    ends: Sequence[bool]
    mended: int = 0

    @property
    def tokens(self) -> list[str]:
        return [token for word in self.words for token in spoken_forms(word.text)]


def _drop_fillers(
    text: _Text, alignment: Alignment, samples: Samples, aligner: Aligner, options: RepairOptions
) -> tuple[_Text, Alignment]:
    """Take out "um" and its like where the sound does not miss them."""
    kept = without_fillers(text.words)
    if len(kept) in (0, len(text.words)):
        return text, alignment
    shorter = _Text([text.words[k] for k in kept], [text.ends[k] for k in kept], len(text.words) - len(kept))
    second = aligner.align(shorter.tokens, samples)
    if second is None or most_lost(second, alignment) > options.filler_loss:
        return text, alignment
    return shorter, second


def _weigh(
    text: _Text, alignment: Alignment, samples: Samples, aligner: Aligner, stretch: Stretch
) -> tuple[_Text, Alignment, list[Disagreement]]:
    """Find where what was heard differs, and mend single words where that is beyond doubt."""
    heard_tokens = [word.text for word in stretch.heard]
    if heard_tokens == text.tokens:
        return text, alignment, []
    second = aligner.align(heard_tokens, samples)
    if second is None:
        return text, alignment, []
    disagreements = compare(alignment, second)
    if not stretch.mendable:
        return text, alignment, disagreements
    words, ends, changed = mend(text.words, text.ends, disagreements, second, stretch.repair)
    mended = _Text(words, ends, text.mended + changed)
    third = aligner.align(mended.tokens, samples) if changed else None
    if third is None:
        return text, alignment, disagreements
    return mended, third, compare(third, second)


def _cut(
    stretch: Stretch,
    text: _Text,
    alignment: Alignment,
    disagreements: Sequence[Disagreement],
    samples: Samples,
) -> list[Utterance]:
    """Cut an aligned stretch at its pauses, and measure how far each piece is to be trusted."""
    found = _gather(text.words, alignment)
    offset_s = stretch.span.start_s
    words = [
        Word(text=word.text, start_s=round(offset_s + ws[0].start_s, 3), end_s=round(offset_s + ws[-1].end_s, 3))
        for word, ws in zip(text.words, found, strict=True)
    ]
    pieces = cut.group(words, text.ends, stretch.cut)
    spans = cut.edges(words, pieces, wav_samples.smoothed(wav_samples.loudness_db(samples)), offset_s, stretch.cut)
    utterances = []
    for (first, last), span in zip(pieces, spans, strict=True):
        scores = [token.score for tokens in found[first:last] for token in tokens]
        losses = [one.loss for one in disagreements if _shared_s(one, span, offset_s) > 0]
        measures = {
            "aligned": 1.0,
            "alignment_score": round(float(np.mean(scores)), 3),
            "worst_word_score": round(min(scores), 3),
            "disagreement": max(losses, default=0.0),
            "mended_words": float(text.mended),
            "manual_captions": float(not stretch.mendable),
        }
        utterances.append(_utterance(stretch, span, words[first:last], measures))
    return utterances


def _sayable(captions: Sequence[Word], ends: Sequence[bool]) -> tuple[list[Word], list[bool]]:
    """Join what is not said, such as a lone dash, to the word before it."""
    words: list[Word] = []
    closes: list[bool] = []
    for word, end in zip(captions, ends, strict=True):
        if spoken_forms(word.text):
            words.append(word)
            closes.append(end)
        elif words:
            last = words[-1]
            words[-1] = Word(text=f"{last.text} {word.text}", start_s=last.start_s, end_s=last.end_s)
            closes[-1] = closes[-1] or end
    return words, closes


def _gather(written: Sequence[Word], alignment: Alignment) -> list[tuple[AlignedWord, ...]]:
    """Give each written word its spoken ones: "forty-two" is found as two."""
    tokens = iter(alignment.words)
    return [tuple(next(tokens) for _ in spoken_forms(word.text)) for word in written]


def _shared_s(disagreement: Disagreement, span: Span, offset_s: float) -> float:
    return min(span.end_s, offset_s + disagreement.end_s) - max(span.start_s, offset_s + disagreement.start_s)


def _utterance(stretch: Stretch, span: Span, words: Sequence[Word], measures: Mapping[str, float]) -> Utterance:
    second = [word.text for word in stretch.heard if span.start_s <= (word.start_s + word.end_s) / 2 < span.end_s]
    text = " ".join(word.text for word in words)
    witnesses = {"captions": text, "pocketsphinx": " ".join(second)} if words else {"pocketsphinx": " ".join(second)}
    if words:
        first = " ".join(token for word in words for token in spoken_forms(word.text))
        distance = Levenshtein.distance(first, witnesses["pocketsphinx"]) / max(len(first), 1)
        measures = {**measures, "agreement_cer": round(distance, 3)}
    return Utterance(
        source=stretch.source, span=span, text=text, words=tuple(words), witnesses=witnesses, measures=measures
    )
