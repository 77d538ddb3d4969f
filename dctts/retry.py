"""Decode chunks; those on which attention failed once more in other ways, and keep the way that went best."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

from dctts.chunks import Chunk, ChunkOptions, split_chunks
from dctts.decode import COVERED, Decoded, DecodeOptions, decode
from dctts.lexicon import Lexicon
from dctts.text import Encoded, encode_words
from dctts.vocabulary import PUNCTUATION, VOCABULARY
from dctts.voice import Voice

PAUSES = frozenset(VOCABULARY.index(symbol) for symbol in (" ", *PUNCTUATION))
LEAST_COVERAGE = 0.95
MOST_FORCED = 0.1
MOST_ATTEMPTS = 5
SHORTEST_SPLIT = 30
"""Characters; of a shorter chunk the halves would be too short to be said well."""


@dataclass(frozen=True, kw_only=True)
class Piece:
    """A chunk, or a part of one that was split, decoded."""

    chunk: Chunk
    encoded: Encoded
    decoded: Decoded

    @property
    def failed(self) -> bool:
        """Whether it stopped before the end, left out too much, or had to be led too often."""
        decoded = self.decoded
        return not decoded.reached_end or decoded.coverage < LEAST_COVERAGE or decoded.forced_rate > MOST_FORCED

    @property
    def score(self) -> float:
        """How well attention did: coverage less forced rate, and one less where the end was not reached."""
        return self.decoded.coverage - self.decoded.forced_rate - (not self.decoded.reached_end)


@dataclass(frozen=True, kw_only=True)
class Take:
    """A chunk as it was decoded in the end."""

    pieces: tuple[Piece, ...]
    """One, or as many as it was split into."""
    remedy: str
    """What was done otherwise in the take that was kept; empty for the first."""
    attempts: int
    """How often it was decoded in all."""

    @property
    def failed(self) -> bool:
        """Whether any piece failed."""
        return any(piece.failed for piece in self.pieces)

    @property
    def score(self) -> float:
        """That of the worst piece."""
        return min(piece.score for piece in self.pieces)


Plan = tuple[list[Chunk], Lexicon, DecodeOptions, str]
"""What to decode and how, and what to call it."""
Remedy = Callable[[Take, Lexicon, DecodeOptions], Plan | None]


def decode_chunks(
    chunks: Sequence[Chunk],
    voice: Voice,
    lexicon: Lexicon,
    options: DecodeOptions | None = None,
    *,
    attempts: int = MOST_ATTEMPTS,
) -> list[Take]:
    """Decode chunks side by side, and those that failed in up to four other ways.

    Of several takes one that passes is kept, else the one with the best score; the first on a tie.

    The other ways, each tried on the text as it was: attention sharper by 1/0.7; the window narrowed to [0, +2]; the
    word where it got stuck by its letters instead of the dictionary's phones; the chunk split in two. Nothing here is
    left to chance.
    """
    options = options or DecodeOptions()
    first = [([chunk], lexicon, options, "") for chunk in chunks]
    takes = _decode_plans(first, voice)
    for remedy in _REMEDIES[: max(0, attempts - 1)]:
        plans = {
            index: plan for index, take in enumerate(takes) if take.failed and (plan := remedy(take, lexicon, options))
        }
        for index, other in zip(plans, _decode_plans(list(plans.values()), voice), strict=True):
            kept = takes[index]
            better = (not other.failed, other.score) > (not kept.failed, kept.score)
            takes[index] = replace(other if better else kept, attempts=kept.attempts + 1)
    return takes


def _decode_plans(plans: Sequence[Plan], voice: Voice) -> list[Take]:
    """Decode plans that share their options as one batch."""
    if not plans:
        return []
    rows = [(chunk, encode_words(chunk.text, lexicon=lexicon)) for chunks, lexicon, _, _ in plans for chunk in chunks]
    decoded = decode(
        voice.text2mel,
        [encoded.ids for _, encoded in rows],
        voice.speaker,
        symbols_per_frame=voice.symbols_per_frame,
        pauses=PAUSES,
        options=plans[0][2],
    )
    pieces: Iterator[Piece] = (
        Piece(chunk=chunk, encoded=encoded, decoded=result)
        for (chunk, encoded), result in zip(rows, decoded, strict=True)
    )
    return [
        Take(pieces=tuple(next(pieces) for _ in chunks), remedy=remedy, attempts=1) for chunks, _, _, remedy in plans
    ]


def _sharper(take: Take, lexicon: Lexicon, options: DecodeOptions) -> Plan | None:
    return [_whole(take)], lexicon, replace(options, sharpness=options.sharpness / 0.7), "sharper attention"


def _narrower(take: Take, lexicon: Lexicon, options: DecodeOptions) -> Plan | None:
    return [_whole(take)], lexicon, replace(options, back=0, ahead=2), "narrower window"


def _respelt(take: Take, lexicon: Lexicon, options: DecodeOptions) -> Plan | None:
    piece = max(take.pieces, key=lambda piece: -piece.score)
    word = stuck_word(piece.encoded, piece.decoded)
    other = None if word is None else lexicon.without(word)
    return None if other is None else ([_whole(take)], other, options, f"letters for {word}")


def _split(take: Take, lexicon: Lexicon, options: DecodeOptions) -> Plan | None:
    whole = _whole(take)
    length = len(whole.text)
    if length < SHORTEST_SPLIT:
        return None
    # One character less than it has: it is cut once, where it is best cut.
    parts = split_chunks(whole.text, ChunkOptions(shortest=length // 4, longest=length - 1))
    if " ".join(part.text for part in parts) != whole.text:
        return None  # no blank near the middle: better whole than cut through a word
    return [*parts[:-1], replace(parts[-1], silence_ms=whole.silence_ms)], lexicon, options, "split"


_REMEDIES: tuple[Remedy, ...] = (_sharper, _narrower, _respelt, _split)


def _whole(take: Take) -> Chunk:
    return Chunk(text=" ".join(piece.chunk.text for piece in take.pieces), silence_ms=take.pieces[-1].chunk.silence_ms)


def stuck_word(encoded: Encoded, decoded: Decoded) -> str | None:
    """Find the word where attention did worst: forced frames, symbols left out, and where the length cap fell."""
    here = int(decoded.position[-1])

    def trouble(start: int, stop: int) -> float:
        left_out = sum(got < COVERED for got in decoded.attended[start:stop])
        never_left = not decoded.reached_end and start <= here < stop
        return sum(decoded.forced_at[start:stop]) + left_out + 100 * never_left

    worst = max(encoded.words, key=lambda word: trouble(word.start, word.stop), default=None)
    return worst.text if worst is not None and trouble(worst.start, worst.stop) else None
