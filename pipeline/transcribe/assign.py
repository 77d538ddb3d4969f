"""Which caption words belong to which stretch of speech: captions laid beside what a recogniser heard, word by word."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import median

from pipeline.records import Span, Word
from pipeline.transcribe.match import MatchOptions, match


@dataclass(frozen=True, kw_only=True)
class Unit:
    """Neighbouring spans that share caption words, and those words."""

    first: int
    """Index of its first span."""
    last: int
    """Index of its last span, inclusive."""
    words: tuple[Word, ...]
    ends: tuple[bool, ...]
    """For each word whether a clip may well end after it."""


@dataclass(frozen=True, kw_only=True)
class AssignOptions:
    """How far captions may lie from the audio."""

    match: MatchOptions = MatchOptions()
    max_gap_s: float = 1.5
    """Spans further apart than this share no doubtful words, and a word further than this from any span has none."""
    max_unit_s: float = 25.0
    """Forced alignment stays safe and fast up to this length."""
    least_doubt_s: float = 0.25
    """Half a word: even captions with a time for each word are not truer than this."""
    most_doubt_s: float = 2.0
    """Beyond this, words are given out by time all the same: units would grow without end."""


def share_out(
    captions: Sequence[Word], spans: Sequence[Span], heard: Sequence[Sequence[Word]], options: AssignOptions
) -> list[list[Word]]:
    """Give each span its caption words: `assign` without units, for a witness that is not aligned."""
    units, _ = assign(captions, [True] * len(captions), spans, heard, replace(options, max_unit_s=0.0))
    return [list(unit.words) for unit in units]


def assign(
    captions: Sequence[Word],
    ends: Sequence[bool],
    spans: Sequence[Span],
    heard: Sequence[Sequence[Word]],
    options: AssignOptions,
) -> tuple[list[Unit], list[Word]]:
    """Give each caption word to the span in which it is said.

    Words that both witnesses hold settle where the others lie. Where the edge of a span falls between two settled
    words, the words between are given out by their caption times, corrected by the settled ones; where those lie too
    close to the edge to tell, the two spans become one unit, and forced alignment finds where the pause falls.

    Args:
        captions: timed words in order.
        ends: for each caption word whether a clip may well end after it; where not, the next span joins its unit.
        spans: stretches of speech in order.
        heard: for each span the words the recogniser heard in it.
        options: see there.

    Returns:
        Units that cover all spans in order, some without words; and the caption words that lie in no span.
    """
    flat = [(index, word) for index, words in enumerate(heard) for word in words]
    pairs = match(captions, [word for _, word in flat], options.match)
    settled = {k: flat[j][0] for k, j in pairs.items()}
    offsets = {k: _middle(flat[j][1]) - _middle(captions[k]) for k, j in pairs.items()}
    spots = _spots(captions, offsets)
    doubt_s = _doubt(captions, offsets, options)
    owners = _owners(spots, settled, spans, options)
    doubtful = _doubtful_edges(spots, owners, settled, spans, doubt_s, options) | _open_edges(owners, ends)
    joined = _joined(doubtful, spans, options)
    return _units(captions, ends, owners, joined, spans), [
        w for w, o in zip(captions, owners, strict=True) if o is None
    ]


def _middle(word: Word) -> float:
    return (word.start_s + word.end_s) / 2


def _spots(captions: Sequence[Word], offsets: Mapping[int, float]) -> list[float]:
    """Say when each caption word is said: its own time, moved by the median offset of the settled words around it."""
    keys = sorted(offsets)
    spots, near = [], 0
    for k, word in enumerate(captions):
        while near < len(keys) and keys[near] < k:
            near += 1
        around = [offsets[key] for key in keys[max(near - 4, 0) : near + 4] if abs(key - k) <= 30]
        spots.append(_middle(word) + (offsets[k] if k in offsets else median(around) if around else 0.0))
    return spots


def _doubt(captions: Sequence[Word], offsets: Mapping[int, float], options: AssignOptions) -> float:
    """Measure how far a corrected caption time still lies from the truth: twice the median error of settled words."""
    keys = sorted(offsets)
    errors = [
        abs(offsets[key] - median(offsets[other] for other in keys[max(i - 4, 0) : i + 5]))
        for i, key in enumerate(keys)
    ]
    spread_s = 2 * median(errors) if errors else options.most_doubt_s
    return min(max(spread_s, options.least_doubt_s), options.most_doubt_s)


def _owners(
    spots: Sequence[float], settled: Mapping[int, int], spans: Sequence[Span], options: AssignOptions
) -> list[int | None]:
    ceilings = _next_settled(len(spots), settled, len(spans))
    owners: list[int | None] = []
    floor = 0
    for k, spot in enumerate(spots):
        if k in settled:
            floor = settled[k]
            owners.append(floor)
            continue
        nearest = _nearest(spans, spot, floor, ceilings[k])
        # Before the first span and after the last there may be others, in another part of a long recording.
        outside = spot < spans[0].start_s or spot > spans[-1].end_s
        if _distance(spans[nearest], spot) <= (options.least_doubt_s if outside else options.max_gap_s):
            floor = nearest
            owners.append(nearest)
        else:
            owners.append(None)
    return owners


def _nearest(spans: Sequence[Span], spot: float, low: int, high: int) -> int:
    best = low
    for index in range(low, high + 1):
        if _distance(spans[index], spot) < _distance(spans[best], spot):
            best = index
        if spans[index].start_s > spot:
            break
    return best


def _distance(span: Span, spot: float) -> float:
    return max(span.start_s - spot, spot - span.end_s, 0.0)


def _doubtful_edges(
    spots: Sequence[float],
    owners: Sequence[int | None],
    settled: Mapping[int, int],
    spans: Sequence[Span],
    doubt_s: float,
    options: AssignOptions,
) -> set[int]:
    """Return each i for which the words at the edge between span i and i + 1 may belong to either."""
    doubtful: set[int] = set()
    floor = -1
    ceilings = _next_settled(len(spots), settled, len(spans))
    for k, owner in enumerate(owners):
        if k in settled:
            floor = settled[k]
            continue
        if owner is None:
            continue
        for left in (owner - 1, owner):
            right = left + 1
            if left < 0 or right >= len(spans) or not max(floor, 0) <= left or right > ceilings[k]:
                continue  # settled words on its own side of the edge hold this one there
            if spans[left].end_s - doubt_s <= spots[k] <= spans[right].start_s + doubt_s:
                doubtful.add(left)
    return doubtful


def _open_edges(owners: Sequence[int | None], ends: Sequence[bool]) -> set[int]:
    """Return each i after which span i + 1 goes on with the same sentence."""
    edges = zip(owners, owners[1:], ends, strict=False)
    return {left for left, right, end in edges if left is not None and right == left + 1 and not end}


def _joined(doubtful: set[int], spans: Sequence[Span], options: AssignOptions) -> set[int]:
    joined: set[int] = set()
    start = 0
    for left in range(len(spans) - 1):
        near = spans[left + 1].start_s - spans[left].end_s <= options.max_gap_s
        if left in doubtful and near and spans[left + 1].end_s - spans[start].start_s <= options.max_unit_s:
            joined.add(left)
        else:
            start = left + 1
    return joined


def _next_settled(count: int, settled: Mapping[int, int], beyond: int) -> list[int]:
    result, ceiling = [0] * count, beyond - 1
    for k in range(count - 1, -1, -1):
        ceiling = settled.get(k, ceiling)
        result[k] = ceiling
    return result


def _units(
    captions: Sequence[Word],
    ends: Sequence[bool],
    owners: Sequence[int | None],
    joined: set[int],
    spans: Sequence[Span],
) -> list[Unit]:
    by_span: dict[int, list[tuple[Word, bool]]] = {}
    for word, end, owner in zip(captions, ends, owners, strict=True):
        if owner is not None:
            by_span.setdefault(owner, []).append((word, end))
    units: list[Unit] = []
    first = 0
    for index in range(len(spans)):
        if index in joined:
            continue
        own = [pair for i in range(first, index + 1) for pair in by_span.get(i, ())]
        words, closes = tuple(word for word, _ in own), tuple(end for _, end in own)
        units.append(Unit(first=first, last=index, words=words, ends=closes))
        first = index + 1
    return units
