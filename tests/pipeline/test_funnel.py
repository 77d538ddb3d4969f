from collections.abc import Sequence
from itertools import pairwise

import pytest
from hypothesis import given, strategies

from pipeline.funnel import NOT_SPEECH, add_up, label, stretches
from pipeline.records import Clip


def clip(start_s: float, end_s: float, *reasons: str) -> Clip:
    return Clip(
        id=f"{start_s}-{reasons}", source="t", start_s=start_s, end_s=end_s, text="", kept=not reasons, reasons=reasons
    )


def test_every_second_gets_its_verdict() -> None:
    parts = stretches([clip(1, 3), clip(4, 5, "music", "snr")], 10)
    assert [(part.start_s, part.end_s, part.reason) for part in parts] == [
        (0, 1, NOT_SPEECH),
        (1, 3, ""),
        (3, 4, NOT_SPEECH),
        (4, 5, "music"),
        (5, 10, NOT_SPEECH),
    ]


def test_where_clips_overlap_kept_wins_then_the_earlier() -> None:
    parts = stretches([clip(0, 4, "music"), clip(3, 6), clip(5, 8, "snr"), clip(7, 9, "clipped")], 9)
    assert [(part.start_s, part.end_s, part.reason) for part in parts] == [
        (0, 3, "music"),
        (3, 4, ""),
        (4, 5, ""),
        (5, 6, ""),
        (6, 7, "snr"),
        (7, 8, "snr"),
        (8, 9, "clipped"),
    ]


def test_the_funnel_lists_the_largest_loss_first() -> None:
    funnel = add_up(stretches([clip(1, 3), clip(4, 5, "music"), clip(6, 8, "snr 3 dB < 15")], 10))
    assert (funnel.total_s, funnel.kept_s, funnel.not_speech_s) == (10, 2, 5)
    assert funnel.dropped_s == (("snr", 2), ("music", 1))


def test_no_clips_and_no_recording_are_fine() -> None:
    assert add_up(stretches([], 5)).not_speech_s == 5
    assert add_up(stretches([], 0)).total_s == 0


spans = strategies.lists(
    strategies.tuples(strategies.floats(0, 60), strategies.floats(0.1, 10), strategies.sampled_from(["", "a", "b 1"])),
    max_size=20,
)


@given(spans)
def test_whatever_the_clips_the_seconds_add_up_to_the_recording(drawn: Sequence[tuple[float, float, str]]) -> None:
    clips = [clip(start, start + length, *([reason] if reason else [])) for start, length, reason in drawn]
    parts = stretches(clips, 60.0)
    assert parts[0].start_s == 0
    assert parts[-1].end_s == 60
    assert all(before.end_s == after.start_s for before, after in pairwise(parts))
    assert add_up(parts).total_s == pytest.approx(60)


@pytest.mark.parametrize(
    ("reason", "kind"),
    [
        ("music", "music"),
        ("other_speaker", "other speaker"),
        ("snr 8.1 dB < 15", "snr"),
        ("too short: 0.4 s", "too short"),
        ("another speaker (cos 0.31)", "another speaker"),
        ("snr<15", "snr"),
        ("3 words", "3 words"),
        (": odd", ": odd"),
    ],
)
def test_reasons_that_differ_in_their_figures_are_one_kind(reason: str, kind: str) -> None:
    assert label(reason) == kind
