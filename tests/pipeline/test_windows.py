"""Windows of neighbouring spans: all of them, in order, never too long, never over a long pause, and few."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipeline.records import Span
from pipeline.transcribe.windows import WindowOptions, merge


@st.composite
def talks(draw: st.DrawFn) -> list[Span]:
    at, spans = 0.0, []
    for gap_s, length_s in draw(st.lists(st.tuples(st.floats(0, 3), st.floats(0.2, 12)), max_size=25)):
        spans.append(Span(start_s=at + gap_s, end_s=at + gap_s + length_s))
        at = spans[-1].end_s
    return spans


def spans_at(*edges: tuple[float, float]) -> list[Span]:
    return [Span(start_s=start, end_s=end) for start, end in edges]


@given(talks())
def test_windows_hold_every_span_once_and_keep_to_their_limits(spans: list[Span]) -> None:
    windows = merge(spans)
    assert [span for window in windows for span in window] == spans
    for window in windows:
        assert len(window) == 1 or window[-1].end_s - window[0].start_s <= 30.0
        assert all(right.start_s - left.end_s <= 1.5 for left, right in pairwise(window))


@given(talks())
def test_there_are_no_more_windows_than_when_each_is_filled_in_turn(spans: list[Span]) -> None:
    count, start = 0, None
    for index, span in enumerate(spans):
        joined = start is not None and span.start_s - spans[index - 1].end_s <= 1.5 and span.end_s - start <= 30.0
        if not joined:
            count, start = count + 1, span.start_s
    assert len(merge(spans)) == count


def test_of_equally_few_windows_those_with_the_longest_pause_between_them_are_taken() -> None:
    spans = spans_at((0, 10), (10.1, 18), (19, 28), (28.1, 36))
    assert [len(window) for window in merge(spans)] == [2, 2]


def test_a_span_longer_than_a_window_stands_alone() -> None:
    spans = spans_at((0, 5), (5, 45), (45, 50))
    assert [len(window) for window in merge(spans)] == [1, 1, 1]


def test_limits_of_one_span_a_window_give_each_its_own() -> None:
    spans = spans_at((0, 5), (5, 9), (9, 12))
    assert [len(window) for window in merge(spans, WindowOptions(most_gap_s=-1.0))] == [1, 1, 1]


@pytest.mark.parametrize("most_s", [0.0, 31.0])
def test_a_window_that_whisper_cannot_hold_is_refused(most_s: float) -> None:
    with pytest.raises(ValueError, match="most_s"):
        WindowOptions(most_s=most_s)
