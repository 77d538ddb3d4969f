"""Mend single caption words that the sound refutes: the caption becomes a grammar, and the sound chooses its path.

Automatic captions hold a wrong or missing word every thirty, so every third clip would be lost. Around a place where
the second witness's words fit better, any word of the caption may be replaced by a word heard near it or by one of the
commonest words, left out, or followed by one more. Each change costs nats, the more the less likely the trigram model
finds it; between two changes a caption word must hold; and a new word must fit as well as the others of the stretch do.
On three talks, 66 changes, 53 right (bench/thresholds.md).
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from pipeline.align import Alignment, Arc
from pipeline.records import Word
from pipeline.samples import FRAME_S
from pipeline.spoken import spoken_forms
from pipeline.transcribe.compare import Disagreement
from pipeline.trigram import log_prob

FILLERS = frozenset({"um", "uh", "uhm", "er", "erm", "hm", "hmm", "mm", "mhm"})
"""Hesitations that captions add or leave out at will."""


@dataclass(frozen=True, kw_only=True)
class RepairOptions:
    """When a caption word gives way."""

    least_loss: float = 60.0
    """Nats in 0.3 s by which the recogniser's words must fit better for a place to be looked at: somewhat less than
    what would drop the clip."""
    cost: float = 80.0
    """Nats that a change must gain, about what drops a clip: of 78 right captions one was changed for it, a name."""
    model_weight: float = 4.0
    """What a nat of the trigram model counts beside one of the sound; recognisers take 6 to 10, where it has to carry
    whole sentences."""
    context: int = 2
    """Words on either side that hold a place where it is."""
    most_words: int = 6
    """Of a longer run only the words that fit badly are looked at."""
    misfit: float = 3.0
    """Nats per frame below the median word of the stretch: such a word is likely wrong."""
    reach_s: float = 0.3
    """So far from a caption word what was heard may stand in its place."""
    score_margin: float = 1.2
    """Nats per frame that a new word may fit worse than the median word of the stretch: of 53 right ones 5 fit worse,
    of 13 wrong ones 3."""
    filler_loss: float = 30.0
    """A filler word that the sound would lose less than this without was not said."""


COMMON = frozenset({
    *("a", "all", "an", "and", "are", "as", "at", "be", "been", "but", "by", "could", "did", "do", "for", "from"),
    *("had", "has", "have", "he", "her", "him", "his", "i", "if", "in", "is", "it", "its", "me", "my", "no", "not"),
    *("of", "on", "or", "our", "out", "said", "she", "so", "that", "the", "their", "them", "then", "there", "they"),
    *("this", "to", "up", "us", "was", "we", "were", "what", "when", "which", "who", "will", "with", "would", "you"),
})  # fmt: skip
"""The words that are said most, and missed most."""

DOUBLED = frozenset({"that", "had", "very", "really", "no", "yes", "so", "bye", "ha", "many", "much", "far", "long"})
"""Words that are said twice on purpose; they are not looked at."""


def doubtful(written: Sequence[Word]) -> list[int]:
    """Return the indices of the words that a sound may not hold: hesitations, and the first of a word written twice."""
    forms = [spoken_forms(word.text) for word in written]
    return [
        k
        for k, form in enumerate(forms)
        if FILLERS.issuperset(form) or ([form] == forms[k + 1 : k + 2] and not DOUBLED.issuperset(form))
    ]


class Change(NamedTuple):
    """One word of the caption that becomes another, is left out or is added."""

    at: int
    """Index of the spoken word, or of the one behind what is added."""
    before: str
    """"" for none."""
    after: str
    """"" for none."""


@dataclass(frozen=True, kw_only=True)
class Place:
    """Neighbouring words of the caption that the sound refutes, with a few around them that it does not."""

    words: range
    """Of the caption's spoken words."""
    doubted: range
    """Those that may be others; before each of them and after the last there may be one more."""

    def times_s(self, caption: Alignment) -> tuple[float, float]:
        """Return from where to where in the samples it is said."""
        start_s = caption.words[self.words.start].start_s if self.words.start else 0.0
        whole = self.words.stop == len(caption.words)
        return start_s, len(caption.frame_scores) * FRAME_S if whole else caption.words[self.words.stop - 1].end_s


def places(caption: Alignment, disagreements: Sequence[Disagreement], options: RepairOptions) -> list[Place]:
    """List where to look for other words.

    Args:
        caption: the caption's spoken words on the sound.
        disagreements: of those with what was heard.
        options: see there.
    """
    count = len(caption.words)
    runs = [run for one in disagreements if one.loss > options.least_loss for run in _narrowed(one, caption, options)]
    found: list[range] = []
    for run in sorted(runs, key=lambda run: (run.start, run.stop)):
        near = range(max(run.start - 1, 0), min(run.stop + 1, count))
        if found and near.start <= found[-1].stop + options.context:
            found[-1] = range(found[-1].start, max(near.stop, found[-1].stop))
        else:
            found.append(near)
    return [
        Place(words=range(max(near.start - options.context, 0), min(near.stop + options.context, count)), doubted=near)
        for near in found
    ]


def _narrowed(one: Disagreement, caption: Alignment, options: RepairOptions) -> list[range]:
    """Give the words of a disagreement; of a long one those that fit badly: a recogniser stumbles for a while."""
    run = range(one.first.start, one.first.stop)
    if len(run) <= options.most_words:
        return [run]
    typical = median(word.score for word in caption.words)
    low = [k for k in run if caption.words[k].score < typical - options.misfit]
    # Where much fits badly, another sentence is said, or this is no speech.
    return [range(k, k + 1) for k in low] if len(low) <= options.most_words // 2 else []


def grammar(
    tokens: Sequence[str],
    fixed: Sequence[bool],
    first: Alignment,
    second: Alignment,
    place: Place,
    options: RepairOptions,
) -> tuple[list[Arc], int]:
    """Write a place as a grammar in which single words of the caption may be others, more or less.

    Between any two changes lies a word of the caption: captions err in single words, and a recogniser that finds
    nothing else has lost the thread.

    Args:
        tokens: spoken words of the caption.
        fixed: which of them are not to be changed.
        first: the caption on the sound.
        second: what was heard, on the sound.
        place: where in the caption.
        options: see there.

    Returns:
        The arcs, and the last state.
    """
    count = len(tokens)
    starts = [word.start_s for word in first.words] + [first.words[-1].end_s]
    ends = [word.end_s for word in first.words] + [first.words[-1].end_s]
    # State 2 i: i words are said; 2 i + 1: the same, and the last of them was changed.
    spoken = [(k - place.words.start, tokens[k]) for k in place.words]
    arcs = [Arc(start=2 * i + just, end=2 * i + 2, cost=0.0, word=word) for i, word in spoken for just in (0, 1)]
    last = 2 * len(spoken)
    arcs.append(Arc(start=last + 1, end=last, cost=0.0))
    for k in range(place.doubted.start, place.doubted.stop + 1):
        state = 2 * (k - place.words.start)
        heard = {
            word.text
            for word in second.words
            if word.end_s > starts[k] - options.reach_s and word.start_s < ends[k] + options.reach_s
        }
        words = sorted(heard | COMMON)
        if k < place.doubted.stop and not fixed[k]:
            others = [word for word in words if word != tokens[k]]
            costs = _costs(others, tokens[:k], tokens[k + 1 :], options)
            arcs += [Arc(start=state, end=state + 3, cost=c, word=w) for w, c in zip(others, costs, strict=True)]
            arcs.append(Arc(start=state, end=state + 3, cost=options.cost))
        if not (0 < k < count and fixed[k - 1] and fixed[k]):
            costs = _costs(words, tokens[:k], tokens[k:], options)
            arcs += [Arc(start=state, end=state + 1, cost=c, word=w) for w, c in zip(words, costs, strict=True)]
    return arcs, last


def _costs(words: Sequence[str], before: Sequence[str], after: Sequence[str], options: RepairOptions) -> list[float]:
    """Say what each word costs between others: the likeliest the least."""
    history = [*reversed(before[-2:]), "<s>"][:2]
    ahead = [*after[:2], "</s>"][:2]
    likely = [
        log_prob(word, *history)
        + sum(log_prob(ahead[i], *[*ahead[:i][::-1], word, *history][:2]) for i in range(len(ahead)))
        for word in words
    ]
    best = max(likely, default=0.0)
    return [options.cost + options.model_weight * (best - one) for one in likely]


def cased(new: str, old: str, written: Sequence[Word]) -> str:
    """Write a heard word as the caption would: its punctuation, a capital at the start of a sentence, "I"."""
    match = re.fullmatch(r"(\W*)(.*?)(\W*)", old, re.DOTALL)
    before, body, after = match.groups() if match else ("", "", "")
    cased = any(word.text != word.text.lower() for word in written)
    if cased and (body[:1].isupper() or re.fullmatch(r"i('\w+)?", new)):
        new = new[:1].upper() + new[1:]
    return f"{before}{new}{after}"
