"""So much time, so many steps: a run that ends when it was asked to."""

import re
from dataclasses import dataclass
from typing import Any, Self

SPARE = 0.9
"""Part of the time that is planned with: steps differ, and a machine has other things to do."""
FEWEST_EVALUATIONS = 4
_DURATION = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+)s)?")


@dataclass(frozen=True, kw_only=True)
class Plan:
    """How many steps a run takes: decided once, before its first, and kept when it goes on."""

    steps: int
    """Of Text2Mel."""
    ssrn_steps: int
    """0 leaves the SSRN of the base as it is."""
    evaluate_every: int
    """Steps of Text2Mel between evaluations."""

    @classmethod
    def from_json(cls, values: Any) -> Self:
        """Read what `dataclasses.asdict` wrote."""
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class Costs:
    """What was measured on this machine, in seconds."""

    step_s: float
    """A step of Text2Mel."""
    ssrn_step_s: float
    evaluation_s: float


def seconds(text: str) -> float:
    """Read a duration such as `45m`, `1h30m` or `90s`.

    Raises:
        ValueError: it is none, or nothing.
    """
    match = _DURATION.fullmatch(text.strip().lower())
    total = sum(int(part or 0) * unit for part, unit in zip(match.groups(), (3600, 60, 1), strict=True)) if match else 0
    if not total:
        raise ValueError(f"not a time such as 45m, 1h30m or 90s: {text!r}")
    return float(total)


def fit(plan: Plan, costs: Costs, left_s: float) -> Plan:
    """Shorten a plan, both networks alike, until it fits into the time that is left; never lengthen it.

    Args:
        plan: what would be done with all the time in the world.
        left_s: until the run must end.
    """
    each_s = costs.step_s + costs.evaluation_s / plan.evaluate_every
    wanted_s = plan.steps * each_s + plan.ssrn_steps * costs.ssrn_step_s
    # The last step is listened to in any case.
    part = min(1.0, max(0.0, SPARE * left_s - costs.evaluation_s) / wanted_s)
    steps = max(1, int(plan.steps * part))
    return Plan(
        steps=steps,
        ssrn_steps=max(1, int(plan.ssrn_steps * part)) if plan.ssrn_steps else 0,
        evaluate_every=min(plan.evaluate_every, max(1, steps // FEWEST_EVALUATIONS)),
    )
