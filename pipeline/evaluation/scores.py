"""A figure with its interval, and the goal it is held against."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 2000
Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Goal:
    """What a score should lie within."""

    at_least: float | None = None
    at_most: float | None = None

    def met(self, value: float) -> bool:
        """Tell whether a value lies within, rounded as it is shown."""
        value = round(value, 4)
        return (self.at_least is None or value >= self.at_least) and (self.at_most is None or value <= self.at_most)


@dataclass(frozen=True, kw_only=True)
class Score:
    """One figure over many sentences."""

    name: str
    """Such as `wer`."""
    of: str
    """Which sentences: `harvard`, `hard`, `held out`, `real` or `all`."""
    value: float
    low: float
    high: float
    """The middle 95 % of what other sentences like these would give, by resampling them."""
    num: int
    """Sentences it was measured on."""
    goal: Goal | None = None

    def to_dict(self) -> dict[str, Any]:
        """Give plain JSON values."""
        goal = self.goal
        bounds = {} if goal is None else {"at_least": goal.at_least, "at_most": goal.at_most}
        return {
            "name": self.name,
            "of": self.of,
            "value": round(self.value, 4),
            "low": round(self.low, 4),
            "high": round(self.high, 4),
            "num": self.num,
            "goal": {key: bound for key, bound in bounds.items() if bound is not None} or None,
            "met": None if goal is None else goal.met(self.value),
        }


def mean_score(name: str, of: str, values: Sequence[float], goal: Goal | None = None) -> Score | None:
    """Average values of sentences; None of none."""
    return ratio_score(name, of, values, [1.0] * len(values), goal)


def ratio_score(
    name: str, of: str, parts: Sequence[float], wholes: Sequence[float], goal: Goal | None = None
) -> Score | None:
    """Divide the sum of `parts` by that of `wholes`, as error rates are counted; None where there is nothing."""
    part, whole = np.asarray(parts, np.float64), np.asarray(wholes, np.float64)
    if not whole.sum():
        return None

    def rate(rows: NDArray[np.int64]) -> Array:
        return np.asarray(part[rows].sum(axis=-1) / np.maximum(whole[rows].sum(axis=-1), 1e-9))

    return resampled(name, of, len(part), rate, goal)


def resampled(
    name: str, of: str, num: int, measure: Callable[[NDArray[np.int64]], Array], goal: Goal | None = None
) -> Score:
    """Measure rows 0 to `num` - 1, and the same on as many drawn from them with replacement, over and over.

    Args:
        measure: int64[…, rows] → float64[…]: the figure of each choice of rows.
    """
    chosen = np.random.default_rng(0).integers(0, num, (RESAMPLES, num))
    low, high = np.percentile(measure(chosen), [2.5, 97.5])
    return Score(
        name=name, of=of, value=float(measure(np.arange(num))), low=float(low), high=float(high), num=num, goal=goal
    )
