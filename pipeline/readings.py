"""One written word may be read in several ways: "1998" and "nineteen hundred ninety eight". The other witness tells."""

import re
from collections.abc import Iterator, Sequence
from functools import lru_cache

from num2words import num2words
from rapidfuzz.distance import Levenshtein

from pipeline.spoken import spoken_forms
from pipeline.variants import expanded

Reading = tuple[str, ...]
"""Lower-case spoken words."""

REACH = 3
"""Spoken words around a written one among which its reading is looked for."""

_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
_ABBREVIATIONS = {
    **{"mr": ("mister",), "mrs": ("missus",), "dr": ("doctor", "drive"), "st": ("saint", "street"), "ok": ("okay",)},
    **{"vs": ("versus",), "etc": ("et cetera",), "prof": ("professor",), "jr": ("junior",)},
}


@lru_cache(maxsize=4096)
def readings(written: str) -> tuple[Reading, ...]:
    """List how a written word may be read; the first is what `spoken_forms` gives, mostly the only one."""
    first = spoken_forms(written)
    others = [tuple(way.split()) for way in _ABBREVIATIONS.get("".join(first), ())]
    others += [tuple(part for word in first for part in expanded(word))]
    match = re.search(r"\d[\d,]*", written)
    if match and len(match[0]) <= 15:
        before = spoken_forms(written[: match.start()].lstrip("$£€"))
        plain = match[0].replace(",", "")
        after = written[match.end() :]
        unit = first[-1:] if written[0] in "$£€" else ()
        if not re.match(r"\.\d|st|nd|rd|th", after):
            rest = spoken_forms(after)
            others += [(*before, *way.split(), *rest, *unit) for way in _numbers(plain)]
    others += [way for reading in (first, *others) for way in _looser(reading)]
    return tuple(dict.fromkeys((first, *others)))


def as_heard(written: Sequence[str], heard: Sequence[str]) -> list[Reading]:
    """Choose for each written word the reading that the other witness heard at its place, else the usual one.

    Args:
        written: words of one witness, in order.
        heard: spoken words of the other.
    """
    usual = [spoken_forms(word) for word in written]
    if all(len(readings(word)) == 1 for word in written):
        return usual
    stands = places([token for reading in usual for token in reading], heard)
    chosen, at = list(usual), 0
    for k, word in enumerate(written):
        low, high = stands[at], stands[at + len(usual[k])]
        near = list(heard[max(low - REACH, 0) : high + REACH])
        found = [reading for reading in readings(word) if _holds(near, reading)]
        if found and usual[k] not in found:
            chosen[k] = max(found, key=len)
        at += len(usual[k])
    return chosen


def _numbers(digits: str) -> Iterator[str]:
    value = int(digits)
    yield _words(num2words(value))
    if len(digits) == 4 and value >= 1000:
        yield _words(num2words(value, to="year"))
        high, low = divmod(value, 100)
        if high % 10:
            yield _words(f"{num2words(high)} hundred {num2words(low) if low else ''}")
    if len(digits) > 1:
        spelled = " ".join(_DIGITS[int(digit)] for digit in digits)
        yield spelled
        yield spelled.replace("zero", "oh")
    if len(digits) in (3, 4):  # flight 747, 10 30
        head, tail = digits[:-2], digits[-2:]
        yield _words(f"{num2words(int(head))} {'oh ' if tail[0] == '0' else ''}{num2words(int(tail))}")


def _looser(reading: Reading) -> Iterator[Reading]:
    """People drop "and" and say "a hundred"."""
    if "hundred" in reading or "thousand" in reading:
        without = tuple(word for word in reading if word != "and")
        yield without
        for one in (reading, without):
            if one[0] == "one":
                yield ("a", *one[1:])


def _words(text: str) -> str:
    return " ".join(re.findall(r"[a-z']+", text.lower()))


def places(tokens: Sequence[str], heard: Sequence[str]) -> list[int]:
    """Give for each of `tokens`, and for their end, the index in `heard` that it stands beside."""
    found = [0] * len(tokens)
    for op in Levenshtein.opcodes(tokens, heard):
        for k in range(op.src_start, op.src_end):
            found[k] = min(op.dest_start + k - op.src_start, op.dest_end)
    return [*found, len(heard)]


def _holds(words: Sequence[str], reading: Reading) -> bool:
    return any(tuple(words[k : k + len(reading)]) == reading for k in range(len(words) - len(reading) + 1))
