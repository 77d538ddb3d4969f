import numpy as np
import pytest

from dctts.selection import Evaluation, Scores, contenders, has_settled, select, smoothed
from dctts.signals import findings, is_forgetting, is_overfitting


def scores(**changes: float) -> Scores:
    values = {"cer": 0.2, "cer_held_out": 0.2, "cer_harvard": 0.2, "cer_unseen": 0.2, "secs": 0.8, "secs_base": 0.5}
    return Scores(**{**values, "forced_rate": 0.0, "coverage": 1.0, "length_ratio": 1.0, **changes})


def heard(*objectives: float) -> list[Evaluation]:
    return [Evaluation(step=100 * n, objective=value, scores=scores()) for n, value in enumerate(objectives, 1)]


def test_the_objective_adds_up_what_is_wrong() -> None:
    assert scores(cer=0).objective(0.8) == 0
    assert scores(cer=0.3).objective(0.7) == pytest.approx(0.3)  # sounding nearer than asked for earns nothing
    wrong = scores(cer=0.3, secs=0.6, forced_rate=0.1, coverage=0.9)
    assert wrong.objective(0.8) == pytest.approx(0.3 + 0.5 * 0.2 + 0.5 * 0.1 + 0.2 * 0.1)


def test_a_step_is_judged_with_its_neighbours() -> None:
    assert smoothed(heard(0.3)) == [0.3]
    assert smoothed(heard(0.3, 0.5)) == pytest.approx([0.4, 0.4])
    assert smoothed(heard(0.3, 0.6, 0.3, 0.9)) == pytest.approx([0.45, 0.4, 0.6, 0.6])


def test_a_lucky_step_among_bad_ones_is_not_chosen() -> None:
    assert select(heard(0.6, 0.6, 0.28, 0.6, 0.6, 0.3, 0.3, 0.3)).step == 700


def test_the_earliest_step_within_a_hundredth_of_the_least_is_chosen() -> None:
    assert select(heard(0.5, 0.5, 0.3, 0.3, 0.3, 0.295, 0.29, 0.5)).step == 400
    assert select(heard(0.5, 0.47, 0.44, 0.41, 0.38, 0.35, 0.32)).step == 700


def test_whatever_comes_the_step_chosen_at_last_was_a_contender_all_along() -> None:
    random = np.random.default_rng(0)
    for _ in range(200):
        values = heard(*random.normal(0.4, 0.02, size=10))
        chosen = select(values)
        for end in range(1, len(values)):
            assert chosen not in values[:end] or chosen in contenders(values[:end])


def test_five_evaluations_without_a_better_step_are_enough() -> None:
    assert not has_settled([])
    assert not has_settled(heard(0.3, 0.3, 0.3, 0.3, 0.3))
    assert has_settled(heard(0.3, 0.3, 0.3, 0.3, 0.3, 0.3))
    assert not has_settled(heard(0.3, 0.3, 0.3, 0.3, 0.3, 0.2))
    assert has_settled(heard(0.3, 0.3, 0.3), patience=2)


@pytest.mark.parametrize(
    ("harvard", "base", "alarm"), [(0.31, 0.2, True), (0.29, 0.2, False), (0.05, 0.01, False), (0.07, 0.01, True)]
)
def test_forgetting_is_half_as_many_errors_again_and_more_than_noise(harvard: float, base: float, alarm: bool) -> None:
    assert is_forgetting(scores(cer_harvard=harvard), scores(cer_harvard=base)) is alarm


def curve(*held_out: float, unseen: float = 0.3) -> list[Evaluation]:
    last = len(held_out) - 1
    return [
        Evaluation(
            step=n,
            objective=0.5,
            scores=scores(cer_unseen=unseen if n == last else 0.2),
            train_l1=0.1 - n / 100,
            held_out_l1=value,
        )
        for n, value in enumerate(held_out)
    ]


def test_overfitting_is_a_lasting_rise_while_training_falls_and_new_words_suffer() -> None:
    assert is_overfitting(curve(0.11, 0.10, 0.103, 0.104, 0.105))
    assert not is_overfitting(curve(0.11, 0.10, 0.103, 0.101, 0.105))
    assert not is_overfitting(curve(0.11, 0.10, 0.103, 0.104, 0.105, unseen=0.1))
    assert not is_overfitting(curve(0.10, 0.11, 0.12))


def test_the_findings_say_what_to_do() -> None:
    chosen = Evaluation(step=9, objective=1.0, scores=scores(secs=0.5, secs_base=0.7, cer_harvard=0.9))
    text = "\n".join(findings([chosen], chosen, scores(cer_harvard=0.2)))
    assert "underfitted: the voice is nearer to the base (0.70) than to its target (0.50)" in text
    assert "Harvard sentences with 90% wrong characters, the base with 20%" in text
    assert "--steps" in text
    assert findings(heard(0.5), heard(0.5)[0], scores()) == []
