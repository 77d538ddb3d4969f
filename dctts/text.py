"""Text → what the voice says → ids. `normalise` writes everything out; `encode` turns words into phones or letters."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from dctts.abbreviations import expand_abbreviations, expand_addresses, spell_initialisms
from dctts.errors import TextError
from dctts.lexicon import Lexicon, check_phones
from dctts.spoken_numbers import say_numbers
from dctts.vocabulary import EOS, EOS_ID, PAD, VOCABULARY

_IDS = {symbol: number for number, symbol in enumerate(VOCABULARY)}
_INLINE = re.compile(r"\{([^{}]*)\}")
_TOKEN = re.compile(r"\{(?P<phones>[^{}]*)\}|(?P<word>'?[a-z]+(?:'[a-z]+)*)|(?P<mark>[ ,.?!;:'-])")
_PART = re.compile(r"\{[^{}]*\}|'?[a-z]+(?:['-][a-z]+)*|[,.?!;:-]")
_MARKS = " -,:;.!?"
"""Of several marks in a row the one that comes last here is kept; no mark at all (found at 0) gives way to each."""
_SAME = str.maketrans(
    {
        **dict.fromkeys("’‘ʼ′`´ʻ‛", "'"),
        **dict.fromkeys("“”„«»‟″", '"'),
        **dict.fromkeys("‐‑‒⁃", "-"),
        **dict.fromkeys("–", "–"),
        **dict.fromkeys("—―⸺", " - "),
        **{"−": "-", "…": "...", "⁄": "/", "×": "x", "÷": " divided by ", "±": " plus or minus ", "≈": " about "},
        **{
            "²": " squared",
            "³": " cubed",
            "µ": "u",
            "μ": "u",
            "№": "No. ",
            "§": " section ",
            "™": "",
            "®": "",
            "©": "",
        },
        **{"ß": "ss", "æ": "ae", "Æ": "Ae", "œ": "oe", "Œ": "Oe", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d"},
        **{"Đ": "D", "þ": "th", "Þ": "Th", "ð": "th", "Ð": "Th", "ı": "i", "¿": " ", "¡": " ", "。": ".", "、": ","},
    }
)
_SIGNS = {
    **{"&": " and ", "@": " at ", "%": " percent ", "+": " plus ", "=": " equals ", "<": " less than "},
    **{">": " greater than ", "°": " degrees ", "(": ", ", ")": ", ", "[": ", ", "]": ", ", "{": ", ", "}": ", "},
    **{"|": ", ", "/": " slash "},
}
_CLIPPED = frozenset({"em", "tis", "twas", "til", "bout", "cause", "course", "round", "n"})
"""Words that begin with an apostrophe of their own."""


class Random(Protocol):
    """Where chance comes from: `random.Random` or `numpy.random.Generator`."""

    def random(self) -> float:
        """Return a number in [0, 1)."""


@dataclass(frozen=True, kw_only=True)
class WordSpan:
    """One word of an encoded text and the ids that say it."""

    text: str
    """The word as normalised; of an inline pronunciation, its phones in braces."""
    start: int
    stop: int
    """`ids[start:stop]` are the word."""


@dataclass(frozen=True, kw_only=True)
class Encoded:
    """A text as ids, and where in them each word lies."""

    ids: tuple[int, ...]
    """Indices into `VOCABULARY`, the last one EOS."""
    words: tuple[WordSpan, ...]


def normalise(text: str) -> str:
    """Write a text out as it is said: lower case, no digits, no signs, only `, . ? ! ; : - '` between words.

    Pronunciations given inline, such as `{N UH1 R AH0 L}`, stay as they are. What is normalised stays unchanged when
    normalised again.

    Raises:
        TextError: an inline pronunciation with a phone that does not exist.
    """
    said = _write_out(text)
    while (again := _write_out(said)) != said:  # "5etc." only shows its "etc." once the 5 is a word
        said = again
    return said


def encode(
    text: str, *, lexicon: Lexicon | None = None, phoneme_probability: float = 1.0, rng: Random | None = None
) -> list[int]:
    """Turn a text into ids, EOS last; see `encode_words`."""
    return list(encode_words(text, lexicon=lexicon, phoneme_probability=phoneme_probability, rng=rng).ids)


def encode_words(
    text: str, *, lexicon: Lexicon | None = None, phoneme_probability: float = 1.0, rng: Random | None = None
) -> Encoded:
    """Normalise a text and turn each word into phones where the lexicon has it, else into letters.

    Args:
        text: anything a person would write.
        lexicon: pronunciations; None spells every word.
        phoneme_probability: of each listed word to become phones; training mixes both, so that letters are learnt
            as well and an unlisted word can be said.
        rng: decides word by word; needed only when the probability is neither 0 nor 1.

    Raises:
        TextError: nothing in the text can be said.
        ValueError: a probability outside [0, 1], or one strictly between without `rng`.
    """
    if not 0 <= phoneme_probability <= 1:
        raise ValueError(f"phoneme_probability must lie in 0..1, got {phoneme_probability}")
    if rng is None and 0 < phoneme_probability < 1:
        raise ValueError("a phoneme_probability between 0 and 1 needs an rng")
    said = normalise(text)
    tokens = list(_TOKEN.finditer(said))
    if not any(token["word"] or token["phones"] for token in tokens):
        raise TextError(f"nothing to say in {text[:60]!r}", hint="give text with letters or digits in it")
    ids: list[int] = []
    words = []
    for place, token in enumerate(tokens):
        if token["mark"]:
            ids.append(_IDS[token["mark"]])
            continue
        start = len(ids)
        phones: Sequence[str] | None = None
        if token["phones"]:
            phones = token["phones"].split()
        elif lexicon is not None and (rng is None or rng.random() < phoneme_probability) and phoneme_probability:
            letter = token["word"] == "a" and (_is_letter(tokens, place - 2) or _is_letter(tokens, place + 2))
            phones = ("EY1",) if letter else lexicon.phones(token["word"])
        ids += [_IDS[symbol] for symbol in (token["word"] if phones is None else (f"@{phone}" for phone in phones))]
        words.append(WordSpan(text=token[0], start=start, stop=len(ids)))
    return Encoded(ids=(*ids, EOS_ID), words=tuple(words))


def word_offsets(said: str) -> list[int]:
    """Tell where in a normalised text each of its words begins, in the order of `encode_words`."""
    return [token.start() for token in _TOKEN.finditer(said) if not token["mark"]]


def decode(ids: Sequence[int]) -> str:
    """Show ids as text again, phones in braces: for people who debug."""
    shown = "".join(
        f"{{{symbol[1:]}}}" if symbol.startswith("@") else symbol
        for symbol in (VOCABULARY[number] for number in ids)
        if symbol not in (PAD, EOS)
    )
    return shown.replace("}{", " ")


def _is_letter(tokens: Sequence[re.Match[str]], place: int) -> bool:
    # "f a a" is the letter, "a dog" the article; two places on, because a blank lies between
    return 0 <= place < len(tokens) and len(tokens[place]["word"] or "") == 1 and tokens[place]["word"] != "i"


def _look_like_phones(tokens: Sequence[str]) -> bool:
    if not tokens:
        return False
    stressed = any(re.fullmatch("[A-Za-z]{2}[0-9]", token) for token in tokens)
    return stressed or all(re.fullmatch("[A-Z]{1,3}[0-9]?", token) for token in tokens)


def _write_out(text: str) -> str:
    pieces = []
    rest = 0
    for match in _INLINE.finditer(text):
        phones = match[1].split()
        if _look_like_phones(phones):
            pieces.append(_say(text[rest : match.start()]))
            pieces.append("{" + " ".join(check_phones(phones, f"{{{match[1][:60]}}}")) + "}")
            rest = match.end()
    return _tidy(" ".join([*pieces, _say(text[rest:])]))


def _say(text: str) -> str:
    text = _to_ascii(text)
    text = expand_addresses(text)
    text = expand_abbreviations(text)
    text = spell_initialisms(text)
    text = say_numbers(text)
    text = re.sub(r"\.{2,}(?=\s*[a-z])", ", ", text).lower()  # a pause inside a sentence, not its end
    for sign, said in _SIGNS.items():
        text = text.replace(sign, said)
    return re.sub(r"[^a-z ,.?!;:'-]", " ", text)


def _to_ascii(text: str) -> str:
    text = re.sub(r"(?<=[0-9])(?=[¼-¾⅐-⅞])", " ", text)  # 2½ is 2 1/2, not 21/2
    text = unicodedata.normalize("NFKC", text.translate(_SAME)).translate(_SAME)
    text = re.sub(r"(?<=[0-9])\s?–\s?(?=[$£€¥₹]?[0-9])", " to ", text).replace("–", " - ")
    folded = []
    for character in unicodedata.normalize("NFKD", text):
        if character.isascii() or character in "£€¥₹¢°":
            folded.append(character)
        elif unicodedata.category(character) in ("Mn", "Cf"):
            continue  # accents, and marks nobody sees
        else:
            digit = unicodedata.digit(character, None)
            folded.append(" " if digit is None else str(digit))
    return re.sub(r"\s", " ", "".join(folded))


def _tidy(text: str) -> str:
    said = ""
    mark = ""
    for part in _PART.findall(text):
        if part in _MARKS:
            mark = max(mark, part, key=_MARKS.find)
        else:
            word = part if part[0] != "'" or part[1:] in _CLIPPED else part[1:]
            said += ({"": " ", "-": " - "}.get(mark, f"{mark} ") if said else "") + word
            mark = ""
    return said + (mark.replace("-", "") if said else "")
