"""Written word → the words that are said for it: what two witnesses must be compared in, and the aligner needs."""

import re
from functools import lru_cache

from num2words import num2words

_SYMBOLS = {"%": "percent", "&": "and", "+": "plus", "@": "at", "=": "equals"}
_PART = re.compile(r"\d[\d,]*(?:\.\d+)?(?:st|nd|rd|th|s)?|[a-z]+(?:'[a-z]+)*|[%&+@=]")


@lru_cache(maxsize=4096)
def spoken_forms(written: str) -> tuple[str, ...]:
    """Spell one written word as lower-case spoken words: "forty-two" → forty two, "1998" → nineteen ninety eight.

    Only what an aligner and a comparison need: the text that a voice is trained on is normalised by `dctts.text`.

    Returns:
        Letters and inner apostrophes only; empty for punctuation.
    """
    text = written.lower().replace("’", "'").strip("'")
    dollars = text.startswith(("$", "£", "€"))
    words: list[str] = []
    for part in _PART.findall(text):
        words += _number(part) if part[0].isdigit() else [_SYMBOLS.get(part, part)]
    if dollars and words:
        words.append({"$": "dollars", "£": "pounds", "€": "euros"}[text[0]])
    return tuple(words)


def _number(part: str) -> list[str]:
    match = re.match(r"([\d,]+)(\.\d+)?(.*)", part)
    assert match is not None
    digits, fraction, suffix = match[1].replace(",", ""), match[2], match[3]
    if len(digits) > 15:
        return [word for digit in digits for word in _words(num2words(int(digit)))]
    value = int(digits)
    if suffix in ("st", "nd", "rd", "th"):
        return _words(num2words(value, to="ordinal"))
    if fraction:
        return _words(num2words(float(digits + fraction)))
    if len(match[1]) == 4 and 1100 <= value <= 2099:
        return _words(num2words(value, to="year"))
    return _words(num2words(value))


def _words(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.lower())
