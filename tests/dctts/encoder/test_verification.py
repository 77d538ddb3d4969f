import numpy as np
import pytest

from dctts.encoder.verification import all_pairs, equal_error_rate


@pytest.mark.parametrize(
    ("genuine", "impostor", "rate"),
    [([0.8, 0.9], [0.5, 0.6], 0), ([0.5, 0.6], [0.8, 0.9], 1), ([0.5, 0.7], [0.5, 0.7], 0.5),
     ([0.9, 0.8, 0.7, 0.3], [0.1, 0.2, 0.4, 0.6], 0.25)],
)  # fmt: skip
def test_the_equal_error_rate(genuine: list[float], impostor: list[float], rate: float) -> None:
    assert equal_error_rate(np.array(genuine), np.array(impostor)) == pytest.approx(rate)


def test_chance_is_one_half() -> None:
    random = np.random.default_rng(0)
    assert equal_error_rate(random.normal(size=4000), random.normal(size=4000)) == pytest.approx(0.5, abs=0.03)


def test_every_pair_is_one_trial_and_none_is_a_clip_with_itself() -> None:
    vectors = np.eye(4, dtype=np.float32)[[0, 0, 1, 2]]
    trials = all_pairs(vectors, ["ada", "ada", "ada", "bob"])
    assert sorted(trials.genuine) == [0, 0, 1]
    assert list(trials.impostor) == [0, 0, 0]
    assert trials.eer == equal_error_rate(trials.genuine, trials.impostor)
