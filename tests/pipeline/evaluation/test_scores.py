"""Figures with their intervals, and goals."""

import numpy as np
import pytest

from pipeline.evaluation.goals import _GOALS, goal
from pipeline.evaluation.meanings import MEANINGS, line
from pipeline.evaluation.scores import Goal, Score, mean_score, ratio_score


def test_rates_are_sums_by_sums_and_their_interval_lies_around_them() -> None:
    score = ratio_score("wer", "hard", [1, 0, 4, 1], [10, 2, 8, 4])
    assert score is not None
    assert score.value == pytest.approx(6 / 24)
    assert 0 <= score.low < score.value < score.high <= 0.5
    assert score == ratio_score("wer", "hard", [1, 0, 4, 1], [10, 2, 8, 4]), "the draws are the same on every run"


def test_the_interval_shrinks_with_sentences_and_is_what_statistics_say() -> None:
    values = np.random.default_rng(1).normal(5, 1, 400)
    few, many = mean_score("mcd_db", "all", values[:25].tolist()), mean_score("mcd_db", "all", values.tolist())
    assert few is not None
    assert many is not None
    assert many.high - many.low == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)
    assert few.high - few.low > 2.5 * (many.high - many.low)


def test_nothing_measured_is_no_score() -> None:
    assert mean_score("secs", "all", []) is None
    assert ratio_score("wrong_words", "absent words", [0, 0], [0, 0]) is None


def test_a_goal_is_a_range_and_is_held_against_what_is_shown() -> None:
    within = Goal(at_least=0.8, at_most=1.25)
    assert [within.met(value) for value in (0.79, 0.8, 1.25, 1.26)] == [False, True, True, False]
    assert Goal(at_most=0.1).met(0.1 + 1e-9)
    assert Goal(at_least=1.0).met(0.999) is False


def test_bases_and_fine_tuned_voices_have_goals_of_their_own() -> None:
    assert goal("secs", "all", is_base=True) == Goal(at_least=0.82)
    assert goal("secs", "all", is_base=False) == Goal(at_least=0.78)
    assert goal("secs_margin", "all", is_base=True) is None
    assert goal("wer", "real", is_base=True) is None
    assert {name for name, _ in _GOALS} <= set(MEANINGS)


def test_a_line_says_what_a_person_wants_to_read() -> None:
    score = Score(name="wer_gap", of="held out", value=0.134, low=0.05, high=0.2, num=20, goal=Goal(at_most=0.12))
    shown = line(score)
    assert (shown.value, shown.interval, shown.goal, shown.verdict) == (
        "13.4 points",
        "5.0 – 20.0",
        "≤ 12.0 points",
        "missed",
    )
    assert score.to_dict()["met"] is False
