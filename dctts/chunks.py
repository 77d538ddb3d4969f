"""A document → pieces the model can say in one go, each with the silence that follows it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace

from dctts.errors import TextError
from dctts.text import normalise

_SENTENCE = re.compile(r"(?<=[.?!]) ")
_CLAUSES = (
    re.compile(r"(?<=[;:]) |(?<= -) "),
    re.compile(r"(?<=,) "),
    re.compile(
        r" (?=(?:and|but|or|nor|because|although|though|while|when|where|which|who|that|if|unless|until|so|then)\b)"
    ),
    re.compile(r" (?![^{]*\})"),
)
"""Where a long sentence may be cut, best first: the last resort is any blank outside a pronunciation in braces."""
_PIECE = re.compile(r"\{[^{}]*\}|[^{}]")


@dataclass(frozen=True, kw_only=True)
class ChunkOptions:
    """How a text is cut. Lengths are of the normalised text."""

    shortest: int = 15
    """Characters; what is shorter joins its neighbour, because a lone word is said badly."""
    longest: int = 140
    """Characters; about 8 s of speech. Only 1 % of LJSpeech's clips are longer than 164 characters."""
    clause_ms: int = 80
    """Silence after a cut within a sentence, at a comma or where there is no mark."""
    part_ms: int = 150
    """Silence after `;`, `:` and a dash."""
    sentence_ms: int = 250
    paragraph_ms: int = 500

    def __post_init__(self) -> None:
        if not 1 <= self.shortest <= self.longest // 2:
            raise ValueError(f"shortest must lie in 1..longest/2, got {self.shortest} and longest {self.longest}")


@dataclass(frozen=True, kw_only=True)
class Chunk:
    """One piece of normalised text, ready for `encode`."""

    text: str
    silence_ms: int
    """What follows it; 0 after the last."""


def split_chunks(text: str, options: ChunkOptions | None = None) -> list[Chunk]:
    """Normalise a document and cut it at sentence ends, then `; :`, commas, conjunctions and blanks.

    Paragraphs are what blank lines separate. Every chunk has between `shortest` and `longest` characters wherever the
    text offers a place to cut; a word longer than that is cut through.

    Raises:
        TextError: nothing in the text can be said.
    """
    return list(iter_chunks(text, options))


def iter_chunks(text: str, options: ChunkOptions | None = None) -> Iterator[Chunk]:
    """Do what `split_chunks` does, paragraph by paragraph: the first chunk of a book is there at once.

    Raises:
        TextError: nothing in the text can be said.
    """
    options = options or ChunkOptions()
    waiting: Chunk | None = None
    for paragraph in re.split(r"\n\s*\n", text):
        if said := normalise(paragraph):
            parts = list(_merged(_cut(said, options), options))
            for place, part in enumerate(parts, 1):
                if waiting is not None:
                    yield waiting
                ends = place == len(parts)
                waiting = Chunk(text=part, silence_ms=options.paragraph_ms if ends else _silence_ms(part, options))
    if waiting is None:
        raise TextError(f"nothing to say in {text[:60]!r}", hint="give text with letters or digits in it")
    yield replace(waiting, silence_ms=0)


def _cut(said: str, options: ChunkOptions) -> Iterator[str]:
    for sentence in _SENTENCE.split(said):
        yield from _halves(sentence, options)


def _halves(sentence: str, options: ChunkOptions) -> Iterator[str]:
    if len(sentence) <= options.longest:
        yield sentence
        return
    for places in _CLAUSES:
        inside = [
            match.start()
            for match in places.finditer(sentence)
            if options.shortest <= match.start() < len(sentence) - options.shortest
        ]
        if inside:
            middle = min(inside, key=lambda place: abs(place - len(sentence) / 2))
            yield from _halves(sentence[:middle], options)
            yield from _halves(sentence[middle + 1 :], options)
            return
    yield from _slices(sentence, options.longest)


def _slices(word: str, longest: int) -> Iterator[str]:
    # nobody says a word this long; a pronunciation in braces stays whole all the same
    piece = ""
    for part in _PIECE.findall(word):
        if piece and len(piece) + len(part) > longest:
            yield piece.strip()
            piece = ""
        piece += part
    yield piece.strip()


def _merged(parts: Iterator[str], options: ChunkOptions) -> Iterator[str]:
    waiting = ""
    for part in parts:
        joined = f"{waiting} {part}".strip()
        if waiting and (len(waiting) >= options.shortest <= len(part) or len(joined) > options.longest):
            yield waiting
            waiting = part
        else:
            waiting = joined
    yield waiting


def _silence_ms(part: str, options: ChunkOptions) -> int:
    if part[-1] in ".?!":
        return options.sentence_ms
    return options.part_ms if part[-1] in ";:-" else options.clause_ms
