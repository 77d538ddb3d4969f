"""Which different words are no disagreement: contractions, British spelling, words apart or together, homophones."""

import re
from collections.abc import Sequence
from functools import lru_cache

from rapidfuzz.distance import Levenshtein

from pipeline.pronounce import is_known, pronounce

Run = tuple[int, int, int, int]
"""First start, first end, second start, second end: words of one witness beside words of the other."""

_ENDINGS = {"n't": "not", "'re": "are", "'ve": "have", "'ll": "will", "'m": "am"}
_WHOLE = {
    **{"won't": "will not", "can't": "can not", "cannot": "can not", "shan't": "shall not", "let's": "let us"},
    **{"gonna": "going to", "wanna": "want to", "gotta": "got to", "kinda": "kind of", "sorta": "sort of"},
    **{"'cause": "because", "cause": "because", "cuz": "because", "'em": "them", "em": "them", "ok": "okay"},
    **{"alright": "all right", "till": "until", "'til": "until", "y'all": "you all", "ain't": "is not"},
    **{"mr": "mister", "mrs": "missus", "dr": "doctor", "vs": "versus", "grey": "gray", "dreamt": "dreamed"},
    **{"towards": "toward", "whilst": "while", "amongst": "among", "yeah": "yes", "yep": "yes", "etc": "et cetera"},
}
_BRITISH = (
    (re.compile(r"(?<=[a-z]{2})our(?=(s|ed|ing|ite|able|ful|less|er|ers)?$)"), "or"),
    (re.compile(r"(?<=[a-z]{2})is(?=(e|es|ed|ing|er|ers|ation|ations)$)"), "iz"),
    (re.compile(r"(?<=[a-z]{2})ys(?=(e|ed|ing)$)"), "yz"),
    (re.compile(r"(?<=[bdt])re(?=s?$)"), "er"),
    (re.compile(r"(?<=[ln])ogue(?=s?$)"), "og"),
    (re.compile(r"(?<=[aeiou])ll(?=(ed|ing|er|ers)$)"), "l"),
    (re.compile(r"(?<=f|n)ence(?=s?$)"), "ense"),
)


def different_runs(first: Sequence[str], second: Sequence[str]) -> list[Run]:
    """List the runs of words that differ in more than their spelling, equal words on both sides.

    Args:
        first: lower-case spoken words of one witness.
        second: of the other.
    """
    return [run for run in raw_runs(first, second) if not same(first[run[0] : run[1]], second[run[2] : run[3]])]


def raw_runs(first: Sequence[str], second: Sequence[str]) -> list[Run]:
    """List the runs of words that differ in any way, neighbouring ones joined."""
    runs: list[Run] = []
    for op in Levenshtein.opcodes(first, second):
        a, b, c, d = op.src_start, op.src_end, op.dest_start, op.dest_end
        if op.tag == "equal":
            continue
        if runs and runs[-1][1] == a and runs[-1][3] == c:
            runs[-1] = (runs[-1][0], b, runs[-1][2], d)
        else:
            runs.append((a, b, c, d))
    return runs


def same(first: Sequence[str], second: Sequence[str]) -> bool:
    """Tell whether two runs of words say the same: written otherwise, contracted, or pronounced alike."""
    if not first or not second:
        return not first and not second
    if _plain(first) == _plain(second) or _sound_alike(first, second):
        return True
    left, right = ([part for word in words for part in expanded(word)] for words in (first, second))
    return len(left) == len(right) and all(
        _canonical(one) == _canonical(other) or _sound_alike([one], [other])
        for one, other in zip(left, right, strict=True)
    )


def agreed(first: Sequence[str], second: Sequence[str]) -> list[str]:
    """Write the second witness's words with the first's where both say the same, so that letters can be compared."""
    words: list[str] = []
    at = 0
    for a, b, c, d in raw_runs(first, second):
        words += second[at:c]
        words += first[a:b] if same(first[a:b], second[c:d]) else second[c:d]
        at = d
    return [*words, *second[at:]]


def cer(first: Sequence[str], second: Sequence[str]) -> float:
    """Return the character error rate of one witness's words against the other's, variants aside."""
    left, right = " ".join(first), " ".join(agreed(first, second))
    return float(Levenshtein.distance(left, right)) / max(len(left), 1)


def expanded(word: str) -> tuple[str, ...]:
    """Write a contraction out: "wasn't" → was not; any other word is itself."""
    if word in _WHOLE:
        return tuple(_WHOLE[word].split())
    for ending, full in _ENDINGS.items():
        if word.endswith(ending) and len(word) > len(ending):
            return (word[: -len(ending)], full)
    return (word[:-2], "is") if word in _IS else (word,)


def _plain(words: Sequence[str]) -> str:
    return "".join(_canonical(word) for word in words)


@lru_cache(maxsize=65536)
def _canonical(word: str) -> str:
    parts = expanded(word)
    if parts != (word,):
        return "".join(_canonical(part) for part in parts)
    word = word.replace("'", "")
    for pattern, american in _BRITISH:
        word = pattern.sub(american, word)
    return word


_IS = frozenset(
    f"{word}'s" for word in ("it", "he", "she", "that", "what", "there", "here", "who", "where", "how", "when")
)


def _sound_alike(first: Sequence[str], second: Sequence[str]) -> bool:
    known = all(is_known(word) for word in (*first, *second))
    return known and _phones(first) == _phones(second)


def _phones(words: Sequence[str]) -> str:
    return " ".join(phone for word in words for phone in pronounce(word))
