"""Aligned words → pieces of speech between real pauses, with edges in the quiet and never inside a word."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise

from pipeline.edges import beside
from pipeline.records import Span, Word
from pipeline.samples import FRAME_S, Decibels


@dataclass(frozen=True, kw_only=True)
class CutOptions:
    """Where a stretch of speech may be cut."""

    pause_s: float = 0.2
    """Where a clip may end, a pause this long is cut: the next words may be another speaker's. Aligned words take some
    50 ms of the silence on either side, so what is heard is a pause of 0.3 s."""
    inner_pause_s: float = 0.8
    """Longest pause kept inside a sentence: readers rest so long at a comma, and one sentence has one speaker."""
    least_s: float = 1.5
    """Shorter pieces are joined to a neighbour where the pause is short: alone they do not tell whose they are."""
    most_s: float = 10.0
    """Longest piece; longer ones are cut at a pause inside the sentence."""
    safe_pause_s: float = 0.08
    """Nothing is cut at a shorter pause: that is the closure of a stop, inside a word."""
    loose_s: float = 0.3
    """Aligned words reach this far into the silence around them: so much longer than `most_s` they may still fit."""
    silence_db: float = 35.0
    """So far below the loudest frame of a clip a frame holds no speech that is heard."""
    outer_s: float = 0.5
    """The outer edges of a stretch are webrtcvad's, margin included, unless the first or last word is further in."""


Piece = tuple[int, int]
"""Words [first, last) that stay together."""

_NEVER = 1e6


def group(words: Sequence[Word], ends: Sequence[bool], options: CutOptions) -> list[Piece]:
    """Decide which words stay together: the division of least cost, by dynamic programming over the words.

    Args:
        words: aligned, in order.
        ends: for each word whether a clip may well end after it.
        options: see there.

    Returns:
        Pieces that cover all words in order.
    """
    pauses = [right.start_s - left.end_s for left, right in pairwise(words)]
    kept = [0.0, *accumulate(_keeping(pause, end, options) for pause, end in zip(pauses, ends, strict=False))]
    best = [0.0]
    cuts = [0]
    for last in range(1, len(words) + 1):
        cutting = 0.0 if last == len(words) else _cutting(pauses[last - 1], ends[last - 1], options)
        cost, first = min(
            (best[first] + _length_cost(words, first, last, options) + kept[last - 1] - kept[first], first)
            for first in range(last)
        )
        best.append(cost + cutting)
        cuts.append(first)
    pieces: list[Piece] = []
    last = len(words)
    while last > 0:
        pieces.append((cuts[last], last))
        last = cuts[last]
    return pieces[::-1]


def _keeping(pause_s: float, end: bool, options: CutOptions) -> float:
    """What it costs to keep a pause inside a piece."""
    over_s = pause_s - (options.pause_s if end else options.inner_pause_s)
    return 3.0 + 10.0 * over_s if over_s >= 0 else 0.0


def _cutting(pause_s: float, end: bool, options: CutOptions) -> float:
    """What it costs to cut at a pause: less where a sentence ends, less where the pause is long."""
    if pause_s < options.safe_pause_s:
        return _NEVER
    return (0.0 if end else 2.0) + (0.0 if pause_s >= options.pause_s else 4.0 * (1 - pause_s / options.pause_s))


def _length_cost(words: Sequence[Word], first: int, last: int, options: CutOptions) -> float:
    length_s = words[last - 1].end_s - words[first].start_s
    if length_s > options.most_s + options.loose_s:
        return 50.0 + length_s  # nobody breathes here: the screen drops it as too long
    return 10.0 * max(options.least_s - length_s, 0.0)


def edges(
    words: Sequence[Word], pieces: Sequence[Piece], levels: Decibels, offset_s: float, options: CutOptions
) -> list[Span]:
    """Place the edges of each piece on the quietest frame of the pause beside it.

    Args:
        words: aligned, in order, in seconds of the recording.
        pieces: from `group`.
        levels: dB, one per 10 ms, smoothed, of the samples that were aligned.
        offset_s: where these samples start in the recording.
        options: see there.

    Returns:
        One span for each piece; they do not overlap.
    """
    end_of_all = round(offset_s + len(levels) * FRAME_S, 3)
    spans = []
    for first, last in pieces:
        start = offset_s
        if first or words[0].start_s - offset_s > options.outer_s:
            before = words[first - 1].end_s if first else offset_s
            start = beside(before, words[first].start_s, levels, offset_s)[1]
        end = end_of_all
        if last < len(words) or end_of_all - words[-1].end_s > options.outer_s:
            after = words[last].start_s if last < len(words) else end_of_all
            end = beside(words[last - 1].end_s, after, levels, offset_s)[0]
        start, end = _shrunk(start, end, levels, offset_s, options)
        spans.append(Span(start_s=round(start, 3), end_s=round(end, 3)))
    return spans


def _shrunk(
    start_s: float, end_s: float, levels: Decibels, offset_s: float, options: CutOptions
) -> tuple[float, float]:
    """Take frames from the quieter edge of a clip that is too long, for as long as they are silence.

    Aligned words reach into the silence beside them, so a clip may be a little shorter than its words.
    """
    start, end = round((start_s - offset_s) / FRAME_S), min(round((end_s - offset_s) / FRAME_S), len(levels))
    most = round(options.most_s / FRAME_S)
    if end - start <= most:
        return start_s, end_s
    silence = float(levels[start:end].max()) - options.silence_db
    while end - start > most and min(levels[start], levels[end - 1]) < silence:
        if levels[start] <= levels[end - 1]:
            start += 1
        else:
            end -= 1
    return offset_s + start * FRAME_S, offset_s + end * FRAME_S
