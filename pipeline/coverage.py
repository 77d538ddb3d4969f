"""What the texts of a voice are thin in: phonemes, sentence lengths, kinds of sentence."""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from dctts.errors import TextError
from dctts.lexicon import Lexicon
from dctts.text import encode_words
from dctts.vocabulary import CONSONANTS, VOCABULARY, VOWELS

Kind = Literal["phoneme", "length", "form"]

ENOUGH_PHONEMES = 30
"""Times a phoneme is to be heard. Twenty minutes of LJSpeech hold 4 ZH and 6 OY, then 36 and more of every other; the
two that are short are the two that voices of that size get wrong."""
ENOUGH_SENTENCES = 8
"""Sentences of a length or form: melody is learnt by the sentence, and from one or two it is learnt by heart."""

_PHONEMES = (*CONSONANTS, *VOWELS)
_LENGTHS = ((3, "1–3 words"), (7, "4–7 words"), (12, "8–12 words"), (18, "13–18 words"))
_LONGEST = "19 words and more"
_QUESTIONS = ("yes/no question", "question word", "either/or question", "tag question")
_FORMS = ("statement", *_QUESTIONS, "exclamation")
_QUESTION_WORD = re.compile(
    r"(?:(?:and|but|so|or|well|oh|now|then)\W+)?(?:(?:on|in|at|of|to|for|from|by|with)\W+)?"
    r"(?:who|whom|whose|what|what's|which|when|where|why|how)\b",
    re.IGNORECASE,
)
_TAG = re.compile(
    r",\s*(?:is|are|was|were|do|does|did|has|have|had|can|could|will|would|shall|should|must|am|might|won|isn|aren)"
    r"(?:n't|'t|)\s+(?:i|you|he|she|it|we|they|there|one)\W*$",
    re.IGNORECASE,
)


@dataclass(frozen=True, kw_only=True)
class Amount:
    """How often one thing was found."""

    kind: Kind
    name: str
    """An ARPAbet phoneme without its stress, a range of words, or a form of sentence."""
    count: int
    enough: int

    @property
    def thin(self) -> bool:
        """Whether more is wanted."""
        return self.count < self.enough


@dataclass(frozen=True, kw_only=True)
class Coverage:
    """What some texts hold."""

    amounts: tuple[Amount, ...]
    """Every phoneme, length and form, those that were not found with 0."""
    num_texts: int
    num_unpunctuated: int
    """Texts that end in no mark, so that their form cannot be told: automatic captions have none."""
    spelt: tuple[str, ...]
    """Words that no dictionary has, the most frequent first: their phonemes are not counted."""

    def of(self, kind: Kind) -> tuple[Amount, ...]:
        """Give the amounts of one kind."""
        return tuple(amount for amount in self.amounts if amount.kind == kind)

    @property
    def thin(self) -> tuple[Amount, ...]:
        """What more is wanted of, the thinnest first."""
        return tuple(sorted((one for one in self.amounts if one.thin), key=lambda one: one.count / one.enough))


@dataclass(frozen=True, kw_only=True)
class Content:
    """What one text holds."""

    counts: Mapping[tuple[Kind, str], int]
    num_words: int
    punctuated: bool
    spelt: tuple[str, ...]


def cover(texts: Iterable[str], lexicon: Lexicon) -> Coverage:
    """Count what texts hold.

    Args:
        texts: as they are spoken; one that holds nothing to say is left out.
        lexicon: pronunciations.
    """
    contents = [content for text in texts if (content := contents_of(text, lexicon))]
    counts: Counter[tuple[Kind, str]] = Counter()
    for content in contents:
        counts.update(content.counts)
    spelt = Counter(word for content in contents for word in content.spelt)
    return Coverage(
        amounts=tuple(
            Amount(kind=kind, name=name, count=counts[kind, name], enough=enough) for kind, name, enough in wanted()
        ),
        num_texts=len(contents),
        num_unpunctuated=sum(not content.punctuated for content in contents),
        spelt=tuple(word for word, _ in sorted(spelt.items(), key=lambda item: (-item[1], item[0]))),
    )


def wanted() -> list[tuple[Kind, str, int]]:
    """List everything a voice should have heard: (kind, name, how often)."""
    return [
        *(("phoneme", name, ENOUGH_PHONEMES) for name in _PHONEMES),
        *(("length", name, ENOUGH_SENTENCES) for name in (*(name for _, name in _LENGTHS), _LONGEST)),
        *(("form", name, ENOUGH_SENTENCES) for name in _FORMS),
    ]


def contents_of(text: str, lexicon: Lexicon) -> Content | None:
    """Count what one text holds, or None when there is nothing to say in it."""
    try:
        encoded = encode_words(text, lexicon=lexicon)
    except TextError:
        return None
    counts: Counter[tuple[Kind, str]] = Counter()
    spelt = []
    for word in encoded.words:
        symbols = [VOCABULARY[number] for number in encoded.ids[word.start : word.stop]]
        if not symbols[0].startswith("@"):
            spelt.append(word.text)
            continue
        counts.update(("phoneme", symbol[1:].rstrip("012")) for symbol in symbols)
    counts["length", _length(len(encoded.words))] += 1
    form = form_of(text)
    if form:
        counts["form", form] += 1
    return Content(counts=counts, num_words=len(encoded.words), punctuated=bool(form), spelt=tuple(spelt))


def form_of(text: str) -> str:
    """Name the form of a sentence by its last mark and, of a question, by its words; "" when it has no last mark."""
    bare = text.strip().rstrip("\"'”’)]» ")
    if bare.endswith("!"):
        return "exclamation"
    if not bare.endswith("?"):
        return "statement" if bare.endswith((".", "…", ";", ":")) else ""
    sentence = re.split(r"(?<=[.!?])\s+", bare)[-1]
    if _TAG.search(sentence.rstrip("?")):
        return "tag question"
    if _QUESTION_WORD.match(sentence):
        return "question word"
    return "either/or question" if re.search(r"\bor\b", sentence, re.IGNORECASE) else "yes/no question"


def describe_coverage(coverage: Coverage) -> list[str]:
    """Say what is thin, one line a kind, and what could not be counted; for the card and the terminal."""
    titles: dict[Kind, str] = {"phoneme": "phonemes", "length": "sentence lengths", "form": "kinds of sentence"}
    lines = []
    if coverage.num_texts and coverage.num_unpunctuated == coverage.num_texts:
        titles.pop("form")  # none was found because none can be
    for kind, title in titles.items():
        thin = [f"{one.name} ({one.count})" for one in coverage.thin if one.kind == kind]
        lines.append(f"{title}: " + (f"thin in {', '.join(thin)}" if thin else "enough of all"))
    if coverage.num_unpunctuated:
        lines.append(
            f"without punctuation: {coverage.num_unpunctuated} of {coverage.num_texts} texts, whose kind of sentence "
            "cannot be told"
        )
    if coverage.spelt:
        more = f" and {len(coverage.spelt) - 10} more" if len(coverage.spelt) > 10 else ""
        lines.append(f"in no dictionary, said letter by letter: {', '.join(coverage.spelt[:10])}{more}")
    return lines


def _length(num_words: int) -> str:
    return next((name for most, name in _LENGTHS if num_words <= most), _LONGEST)
