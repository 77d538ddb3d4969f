"""One stretch of speech: its words laid on the sound, weighed against what the other witness heard, and cut."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from itertools import accumulate
from pathlib import Path
from statistics import median

import numpy as np

from pipeline import samples as wav_samples
from pipeline.align import AlignedWord, Aligner, Alignment
from pipeline.readings import Reading, as_heard
from pipeline.readings import places as places_heard
from pipeline.records import Span, Utterance, Word
from pipeline.samples import FRAME_S, SAMPLE_RATE_HZ, Samples
from pipeline.spoken import spoken_forms
from pipeline.transcribe import cut
from pipeline.transcribe.compare import Disagreement, compare, loss_within, most_lost
from pipeline.transcribe.cut import CutOptions
from pipeline.transcribe.repair import Change, RepairOptions, cased, doubtful, grammar, places
from pipeline.variants import cer, raw_runs


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """One piece of work: a stretch of speech with what both witnesses say about it."""

    wav_16k: Path
    source: str
    spans: tuple[Span, ...]
    words: tuple[Word, ...]
    """Of the first witness, who gives the text."""
    ends: tuple[bool, ...]
    """For each word whether a clip may well end after it."""
    heard: tuple[Word, ...]
    """Of the second."""
    mendable: bool
    """Whether single words may be mended: machines mishear, people who write captions mostly do not."""
    cut: CutOptions
    repair: RepairOptions
    names: tuple[str, str] = ("captions", "pocketsphinx")
    """Of the two witnesses."""

    @property
    def span(self) -> Span:
        """From the first span's start to the last one's end."""
        return Span(start_s=self.spans[0].start_s, end_s=self.spans[-1].end_s)


def fit(stretch: Stretch, aligner: Aligner) -> list[Utterance]:
    """Align the words of one stretch, weigh them against what was heard, and cut it into utterances."""
    heard = tuple(token for word in stretch.heard for token in spoken_forms(word.text))
    text = Text(*_sayable(stretch.words, stretch.ends), heard=heard)
    if not text.words:
        return [_utterance(stretch, span, (), (), _between(stretch.heard, span), {}) for span in stretch.spans]
    samples = wav_samples.read(stretch.wav_16k, stretch.span.start_s, stretch.span.end_s)
    alignment = aligner.align(text.tokens, samples)
    if alignment is None:
        return [_utterance(stretch, stretch.span, text.words, text.tokens, heard, {"aligned": 0.0})]
    text, alignment = drop_unspoken(text, alignment, samples, aligner, stretch.repair)
    weighed = weigh(text, alignment, samples, aligner, stretch)
    return list(_cut(stretch, weighed, samples))


def _between(heard: Sequence[Word], span: Span) -> list[str]:
    return [word.text for word in heard if span.start_s <= (word.start_s + word.end_s) / 2 < span.end_s]


def fit_here(stretch: Stretch) -> list[Utterance]:
    """Do the same with this process's own aligner."""
    return fit(stretch, _aligner())


@lru_cache(maxsize=1)
def _aligner() -> Aligner:
    # One for each process: loading takes a second and 40 MB.
    return Aligner()


@dataclass(frozen=True)
class Text:
    """Written words, whether a clip may end after each, and how many of them were mended."""

    words: Sequence[Word]
    ends: Sequence[bool]
    heard: Sequence[str] = ()
    mended: int = 0

    @cached_property
    def spoken(self) -> list[Reading]:
        """How each word is read: a number as the other witness heard it."""
        return as_heard([word.text for word in self.words], self.heard)

    @property
    def tokens(self) -> list[str]:
        """All that is said, in order."""
        return [token for reading in self.spoken for token in reading]

    def without(self, index: int) -> "Text":
        """Leave one word out."""
        kept = [k for k in range(len(self.words)) if k != index]
        words, ends = [self.words[k] for k in kept], [self.ends[k] for k in kept]
        if index and self.ends[index]:
            ends[index - 1] = True
        return replace(self, words=words, ends=ends, mended=self.mended + 1)

    def changed(self, change: Change) -> "Text":
        """Change one spoken word, which is all of its written one."""
        owners = [k for k, reading in enumerate(self.spoken) for _ in reading]
        index = owners[change.at] if change.at < len(owners) else len(self.words)
        if not change.after:
            return self.without(index)
        words, ends = list(self.words), list(self.ends)
        near = words[min(index, len(words) - 1)]
        if change.before:
            words[index] = replace(near, text=cased(change.after, near.text, words))
        else:
            words.insert(index, replace(near, text=cased(change.after, "", words)))
            ends.insert(index, ends[index - 1] if index else True)
        return replace(self, words=words, ends=ends, mended=self.mended + 1)


@dataclass(frozen=True)
class Weighed:
    """A text on the sound, and where the other witness's words lie."""

    text: Text
    alignment: Alignment
    other: Alignment | None = None
    disagreements: Sequence[Disagreement] = ()

    def loss(self, start_s: float, end_s: float) -> float:
        """Return the most that the other witness's words win in a stretch of the samples."""
        if self.other is None:
            return 0.0
        start, end = round(start_s / FRAME_S), round(end_s / FRAME_S)
        return max(
            (
                loss_within(one, self.alignment, self.other, start, end)
                for one in self.disagreements
                if min(one.end_s, end_s) - max(one.start_s, start_s) > min(0.05, (one.end_s - one.start_s) / 2)
            ),
            default=0.0,
        )


def drop_unspoken(
    text: Text, alignment: Alignment, samples: Samples, aligner: Aligner, options: RepairOptions
) -> tuple[Text, Alignment]:
    """Take out "um" and its like, and words written twice, where the sound does not miss them."""
    for index in reversed(doubtful(text.words)):
        if len(text.words) == 1:
            break
        shorter = text.without(index)
        second = aligner.align(shorter.tokens, samples)
        if second is not None and most_lost(second, alignment) <= options.filler_loss:
            text, alignment = shorter, second
    return text, alignment


def weigh(text: Text, alignment: Alignment, samples: Samples, aligner: Aligner, stretch: Stretch) -> Weighed:
    """Find where what was heard differs, and mend single words where that is beyond doubt."""
    if list(text.heard) == text.tokens:
        return Weighed(text, alignment)
    second = aligner.align(text.heard, samples)
    if second is None:
        return Weighed(text, alignment)
    disagreements = compare(alignment, second)
    if not stretch.mendable:
        return Weighed(text, alignment, second, disagreements)
    return _mended(Weighed(text, alignment, second, disagreements), second, samples, aligner, stretch.repair)


def _mended(weighed: Weighed, second: Alignment, samples: Samples, aligner: Aligner, options: RepairOptions) -> Weighed:
    """Let the sound choose other words where it refutes the caption's, and keep those that fit like the rest."""
    text, tokens = weighed.text, weighed.text.tokens
    fixed = [len(reading) > 1 for reading in text.spoken for _ in reading]
    changes: list[Change] = []
    for place in places(weighed.alignment, weighed.disagreements, options):
        start_s, end_s = place.times_s(weighed.alignment)
        part = samples[round(start_s * SAMPLE_RATE_HZ) : round(end_s * SAMPLE_RATE_HZ)]
        found = aligner.choose(*grammar(tokens, fixed, weighed.alignment, second, place, options), part) or []
        here = tokens[place.words.start : place.words.stop]
        changes += [
            Change(place.words.start + a, " ".join(here[a:b]), " ".join(found[c:d]))
            for a, b, c, d in raw_runs(here, found)
            if b - a <= 1 and d - c <= 1  # a path that stops short of the end is no path
        ]
    typical = median(word.score for word in second.words)
    while changes:
        changed = text
        for change in reversed(changes):  # from the back, so that indices in front stay true
            changed = changed.changed(change)
        alignment = aligner.align(changed.tokens, samples)
        if alignment is None:
            break
        shifts = accumulate((bool(one.after) - bool(one.before) for one in changes), initial=0)
        good = [
            change
            for change, shift in zip(changes, shifts, strict=False)
            if not change.after or alignment.words[change.at + shift].score >= typical - options.score_margin
        ]
        if good == changes:
            return Weighed(changed, alignment, second, compare(alignment, second))
        changes = good
    return weighed


def _cut(stretch: Stretch, weighed: Weighed, samples: Samples) -> Iterator[Utterance]:
    """Cut an aligned stretch at its pauses, and measure how far each piece is to be trusted."""
    text = weighed.text
    found = _gather(text, weighed.alignment)
    said = _shared_out(text)
    offset_s = stretch.span.start_s
    words = [
        Word(
            text=word.text,
            start_s=round(offset_s + ws[0].start_s, 3),
            end_s=round(offset_s + ws[-1].end_s, 3),
            score=round(min(w.score for w in ws), 3),
        )
        for word, ws in zip(_as_said(text), found, strict=True)
    ]
    pieces = cut.group(words, text.ends, stretch.cut)
    levels = wav_samples.smoothed(wav_samples.loudness_db(samples))
    spans = cut.edges(words, pieces, levels, offset_s, stretch.cut)
    # What the text leaves out at an edge lies beyond it: each piece answers for the sound up to its neighbours.
    befores = [0.0, *(span.end_s - offset_s for span in spans[:-1])]
    afters = [*(span.start_s - offset_s for span in spans[1:]), stretch.span.duration_s]
    for (first, last), span, before_s, after_s in zip(pieces, spans, befores, afters, strict=True):
        scores = [token.score for tokens in found[first:last] for token in tokens]
        measures = {
            "aligned": 1.0,
            "alignment_score": round(float(np.mean(scores)), 3),
            "worst_word_score": round(min(scores), 3),
            "disagreement": weighed.loss(before_s, after_s),
            "mended_words": float(text.mended),
            "manual_captions": float(not stretch.mendable and stretch.names[0] == "captions"),
        }
        if stretch.names == ("pocketsphinx", "pocketsphinx"):
            measures["alone"] = 1.0
        tokens = [token for reading in text.spoken[first:last] for token in reading]
        heard = said[first] if last == len(words) else said[first][: len(said[first]) - len(said[last])]
        yield _utterance(stretch, span, words[first:last], tokens, heard, measures)


def _shared_out(text: Text) -> list[Sequence[str]]:
    """Give for each written word what the other witness heard from there to the end: by its words, not by their times.

    Times of captions are rough, so they do not tell on which side of a pause a word lies.
    """
    stands = places_heard(text.tokens, text.heard)
    starts = [0, *accumulate(len(reading) for reading in text.spoken)]
    return [text.heard[stands[at] if k else 0 :] for k, at in enumerate(starts[:-1])]


def _as_said(text: Text) -> list[Word]:
    """Write out the numbers that are not read the usual way: what is trained on must say what is heard."""
    return [
        word if reading == spoken_forms(word.text) else replace(word, text=_written_out(word.text, reading))
        for word, reading in zip(text.words, text.spoken, strict=True)
    ]


def _written_out(written: str, reading: Reading) -> str:
    if not any(char.isdigit() for char in written):
        return written
    end = written[len(written.rstrip(".,;:!?\"')")) :]
    return " ".join(reading) + end


def _sayable(written: Sequence[Word], ends: Sequence[bool]) -> tuple[list[Word], list[bool]]:
    """Join what is not said, such as a lone dash, to the word before it."""
    words: list[Word] = []
    closes: list[bool] = []
    for word, end in zip(written, ends, strict=True):
        if spoken_forms(word.text):
            words.append(word)
            closes.append(end)
        elif words:
            last = words[-1]
            words[-1] = Word(text=f"{last.text} {word.text}", start_s=last.start_s, end_s=last.end_s)
            closes[-1] = closes[-1] or end
    return words, closes


def _gather(text: Text, alignment: Alignment) -> list[tuple[AlignedWord, ...]]:
    """Give each written word its spoken ones: "forty-two" is found as two."""
    tokens = iter(alignment.words)
    return [tuple(next(tokens) for _ in reading) for reading in text.spoken]


def _utterance(
    stretch: Stretch,
    span: Span,
    words: Sequence[Word],
    tokens: Sequence[str],
    heard: Sequence[str],
    measures: Mapping[str, float],
) -> Utterance:
    first, second = stretch.names
    text = " ".join(word.text for word in words)
    witnesses = {second: " ".join(heard), first: text} if words else {second: " ".join(heard)}
    if words:
        measures = {**measures, "agreement_cer": round(cer(tokens, heard), 3)}
    return Utterance(
        source=stretch.source, span=span, text=text, words=tuple(words), witnesses=witnesses, measures=measures
    )
