import pytest

from dctts.budget import Costs, Plan, fit, seconds

FULL = Plan(steps=12_000, ssrn_steps=3000, evaluate_every=500)
COSTS = Costs(step_s=0.2, ssrn_step_s=0.5, evaluation_s=10)


def cost_s(plan: Plan) -> float:
    evaluations = plan.steps / plan.evaluate_every + 1
    return plan.steps * COSTS.step_s + plan.ssrn_steps * COSTS.ssrn_step_s + evaluations * COSTS.evaluation_s


@pytest.mark.parametrize(("text", "wanted"), [("45m", 2700), ("1h30m", 5400), ("90s", 90), ("1H", 3600), ("1m30s", 90)])
def test_times_are_read_as_people_write_them(text: str, wanted: int) -> None:
    assert seconds(text) == wanted


@pytest.mark.parametrize("text", ["", "45", "m45", "0m", "-5m", "1.5h", "45m later"])
def test_what_is_no_time_is_named(text: str) -> None:
    with pytest.raises(ValueError, match="not a time such as 45m"):
        seconds(text)


@pytest.mark.parametrize("minutes", [5, 10, 30, 45])
def test_a_plan_is_cut_to_the_time_and_uses_most_of_it(minutes: int) -> None:
    plan = fit(FULL, COSTS, 60.0 * minutes)
    assert 0.75 * 60 * minutes < cost_s(plan) <= 60 * minutes
    assert plan.ssrn_steps / plan.steps == pytest.approx(FULL.ssrn_steps / FULL.steps, rel=0.01)


def test_with_time_to_spare_nothing_is_cut_and_nothing_added() -> None:
    assert fit(FULL, COSTS, 36_000) == FULL


def test_a_short_plan_is_listened_to_more_than_once() -> None:
    plan = fit(FULL, Costs(step_s=1, ssrn_step_s=1, evaluation_s=1), 600)
    assert plan.steps // plan.evaluate_every >= 4


def test_no_time_at_all_still_takes_a_step() -> None:
    assert fit(FULL, COSTS, -5).steps == 1


def test_a_network_that_is_kept_stays_kept() -> None:
    assert fit(Plan(steps=10, ssrn_steps=0, evaluate_every=5), COSTS, 100).ssrn_steps == 0
