"""Which sentences are worth recording next: of a shipped list, those that fill most of what is thin."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from dctts.lexicon import Lexicon
from dctts.shipped import shipped
from dctts.text import normalise
from pipeline.coverage import Content, contents_of, cover, wanted

_FILES = ("text/prompts.txt", "text/harvard.txt")
_EFFORT_WORDS = 12
"""What a sentence costs its reader beyond its words, in words: to find it, to breathe, to begin again after a slip.
Without it the shortest win by the word, and twenty prompts are twenty exclamations; at 12 they mix."""


@dataclass(frozen=True, kw_only=True)
class Prompt:
    """A sentence worth recording, and what it brings that was thin when it was chosen."""

    text: str
    brings: tuple[str, ...]


def read_candidates() -> list[str]:
    """Read the sentences that ship with the code."""
    lines = (line.strip() for file in _FILES for line in shipped(file).read_text(encoding="utf-8").splitlines())
    return list(dict.fromkeys(line for line in lines if line))


def choose_prompts(
    texts: Iterable[str], candidates: Sequence[str], lexicon: Lexicon, *, count: int = 20
) -> list[Prompt]:
    """Choose sentences one by one, each the one that adds most to the voice for what it takes to read.

    The worth of a voice is, over all phonemes, lengths and forms, the share of what is enough that it holds, plus a
    hundredth of a logarithm that goes on when there is enough. Both bend downwards: what is there already adds less
    a second time, the case in which choosing greedily is known to do well (Nemhauser et al. 1978).

    Args:
        texts: what the voice holds already; a candidate among them is not chosen.
        candidates: sentences to choose from.
        lexicon: pronunciations.
        count: how many to choose; fewer where candidates run out.
    """
    texts = list(texts)
    held = {(one.kind, one.name): one.count for one in cover(texts, lexicon).amounts}
    enough = {(kind, name): amount for kind, name, amount in wanted()}
    known = {normalise(text) for text in texts}
    left: dict[str, Content] = {}
    for text in candidates:
        content = contents_of(text, lexicon)
        if content and normalise(text) not in known:
            left[text] = content

    def gain(content: Content) -> float:
        worth = 0.0
        for key, times in content.counts.items():
            have, goal = held[key], enough[key]
            worth += (min(have + times, goal) - min(have, goal)) / goal
            worth += 0.01 * math.log((have + times + goal) / (have + goal))
        return worth / (content.num_words + _EFFORT_WORDS)

    chosen: list[Prompt] = []
    while left and len(chosen) < count:
        text = max(left, key=lambda one: gain(left[one]))  # of equals the first of the list
        content = left.pop(text)
        thin = [key for key in content.counts if held[key] < enough[key]]
        thin.sort(key=lambda key: held[key] / enough[key])
        chosen.append(Prompt(text=text, brings=tuple(name for _, name in thin)))
        for key, times in content.counts.items():
            held[key] += times
    return chosen
