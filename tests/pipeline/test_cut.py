import numpy as np
import pytest

from pipeline.records import Word
from pipeline.transcribe.cut import CutOptions, edges, group

OPTIONS = CutOptions()


def spoken(*parts: float, length_s: float = 0.5) -> list[Word]:
    """Words of half a second, each after a pause of the given length."""
    words, at = [], 0.0
    for pause in parts:
        at += pause
        words.append(Word(text="w", start_s=at, end_s=at + length_s))
        at += length_s
    return words


def test_a_pause_where_a_clip_may_end_is_cut() -> None:
    assert group(spoken(0, 0.1, 0.1, 0.3, 0.1, 0.1), [True] * 6, OPTIONS) == [(0, 3), (3, 6)]


def test_a_pause_inside_a_sentence_is_kept() -> None:
    ends = [False, False, False, False, False, True]
    assert group(spoken(0, 0.1, 0.1, 0.6, 0.1, 0.1), ends, OPTIONS) == [(0, 6)]


def test_a_long_pause_inside_a_sentence_is_cut() -> None:
    ends = [False, False, False, False, False, True]
    assert group(spoken(0, 0.1, 0.1, 1.0, 0.1, 0.1), ends, OPTIONS) == [(0, 3), (3, 6)]


def test_a_short_piece_joins_its_neighbour() -> None:
    assert group(spoken(0, 0.1, 0.1, 0.3), [True] * 4, OPTIONS) == [(0, 4)]


def test_a_piece_that_is_too_long_is_cut_at_a_pause_and_never_inside_a_word() -> None:
    pauses = [0.0] * 30
    pauses[14] = 0.12
    pieces = group(spoken(*pauses), [False] * 29 + [True], OPTIONS)
    assert pieces == [(0, 14), (14, 30)]
    assert group(spoken(*[0.0] * 30), [True] * 30, OPTIONS) == [(0, 30)]


def test_edges_lie_in_the_quietest_part_of_the_pause() -> None:
    words = spoken(0.2, 0.1, 0.3, 0.1, length_s=1.0)
    levels = np.full(500, -20.0, np.float32)
    levels[242:247] = -70
    left, right = edges(words, [(0, 2), (2, 4)], levels, 0.0, OPTIONS)
    assert left.end_s == right.start_s == pytest.approx(2.44, abs=0.01)
    assert left.start_s == 0.0


def test_edges_keep_a_margin_in_a_long_pause_and_are_told_in_seconds_of_the_recording() -> None:
    words = [
        Word(text="a", start_s=100.1, end_s=101.0),
        Word(text="b", start_s=103.0, end_s=104.0),
    ]
    left, right = edges(words, [(0, 1), (1, 2)], np.full(410, -80.0, np.float32), 100.0, OPTIONS)
    assert 101.05 <= left.end_s <= 101.2
    assert 102.8 <= right.start_s <= 102.95
    assert right.end_s == 104.1


def test_margins_give_way_when_a_clip_is_a_little_too_long() -> None:
    words = [Word(text="a", start_s=0.1, end_s=10.2)]
    levels = np.full(1040, -20.0, np.float32)
    levels[:30] = levels[1010:] = -90
    (span,) = edges(words, [(0, 1)], levels, 0.0, OPTIONS)
    assert span.duration_s == pytest.approx(10.0, abs=0.01)
    assert 0 < span.start_s <= 0.3
    assert span.end_s >= 10.1
