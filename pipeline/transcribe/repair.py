"""Mend single caption words that the sound refutes, with the word the second witness heard there.

Automatic captions hold a wrong or missing word every thirty, so every third clip would be lost. A mend needs three to
agree: the recogniser heard exactly one word there between words that both witnesses hold, the sound fits it far better
than the caption's, and fits it as well as the other words of the stretch. By the first two, 7 of 55 mends were wrong;
the third took away 4 of those and 5 of the right ones.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import median

from pipeline.align import Alignment
from pipeline.readings import Reading
from pipeline.records import Word
from pipeline.spoken import spoken_forms
from pipeline.transcribe.compare import Disagreement

FILLERS = frozenset({"um", "uh", "uhm", "er", "erm", "hm", "hmm", "mm", "mhm"})
"""Hesitations that captions add or leave out at will."""


@dataclass(frozen=True, kw_only=True)
class RepairOptions:
    """When a caption word gives way."""

    least_loss: float = 100.0
    """Nats in 0.3 s: right captions lose that once in 50 disagreements, wrong ones lose less once in 10."""
    score_margin: float = 0.9
    """Nats per frame that the heard word may fit worse than the median word of the stretch."""
    least_gain: float = 2.0
    """Nats per frame by which a word inside a longer run must fit its place better than the caption's does."""
    most_proposals: int = 2
    """Replacements tried in one run; each costs an alignment."""
    settled: float = 40.0
    """Nats in 0.3 s: a replacement that brings the loss of its run below this was right."""
    filler_loss: float = 30.0
    """A filler word that the sound would lose less than this without was not said."""


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


def mend(
    written: Sequence[Word],
    spoken: Sequence[Reading],
    ends: Sequence[bool],
    disagreements: Sequence[Disagreement],
    heard: Alignment,
    options: RepairOptions,
) -> tuple[list[Word], list[bool], int]:
    """Replace or add the words that all three conditions hold for.

    Args:
        written: caption words.
        spoken: how each is read.
        ends: for each whether a clip may well end after it.
        disagreements: of the caption's spoken words (`first`) with the heard ones (`second`).
        heard: the heard words, aligned.
        options: see there.

    Returns:
        The words, their `ends`, and how many were changed.
    """
    owners = [k for k, reading in enumerate(spoken) for _ in reading]
    typical = median(word.score for word in heard.words)
    words, closes = list(written), list(ends)
    changed = 0
    for one in reversed(disagreements):  # from the back, so that indices in front stay true
        a, b = one.first.start, one.first.stop
        new = heard.words[one.second]
        single = b - a <= 1 and len(new) == 1 and (b == a or owners.count(owners[a]) == 1)
        if not single or one.loss < options.least_loss or new[0].score < typical - options.score_margin:
            continue
        if b == a:
            if 0 < a < len(owners) and owners[a] == owners[a - 1]:
                continue  # inside one written word
            at = owners[a] if a < len(owners) else len(written)
            near = written[min(at, len(written) - 1)]
            words.insert(at, Word(text=cased(new[0].text, "", written), start_s=near.start_s, end_s=near.end_s))
            closes.insert(at, closes[at - 1] if at else True)
        else:
            old = words[owners[a]]
            words[owners[a]] = Word(text=cased(new[0].text, old.text, written), start_s=old.start_s, end_s=old.end_s)
        changed += 1
    return words, closes, changed


def proposals(
    disagreement: Disagreement, caption: Alignment, heard: Alignment, options: RepairOptions
) -> list[tuple[int, str]]:
    """List single replacements inside a longer run of differing words, the worst caption word first.

    The recogniser that stumbles over a wrong word mishears its neighbours too, so that no word of the run stands
    against one other. Which heard word was said in the place of which caption word, their times tell.

    Returns:
        (index of the caption's spoken word, the word heard there).
    """
    typical = median(word.score for word in heard.words)
    found = []
    for index in range(disagreement.first.start, disagreement.first.stop):
        word = caption.words[index]
        for other in heard.words[disagreement.second]:
            shared_s = min(word.end_s, other.end_s) - max(word.start_s, other.start_s)
            longest_s = max(word.end_s - word.start_s, other.end_s - other.start_s)
            fits = other.score >= typical - options.score_margin and other.score > word.score + options.least_gain
            if other.text != word.text and shared_s > 0.5 * longest_s and fits:
                found.append((word.score, index, other.text))
    return [(index, text) for _, index, text in sorted(found)[: options.most_proposals]]


def cased(new: str, old: str, written: Sequence[Word]) -> str:
    """Write a heard word as the caption would: its punctuation, a capital at the start of a sentence, "I"."""
    match = re.fullmatch(r"(\W*)(.*?)(\W*)", old, re.DOTALL)
    before, body, after = match.groups() if match else ("", "", "")
    cased = any(word.text != word.text.lower() for word in written)
    if cased and (body[:1].isupper() or re.fullmatch(r"i('\w+)?", new)):
        new = new[:1].upper() + new[1:]
    return f"{before}{new}{after}"
