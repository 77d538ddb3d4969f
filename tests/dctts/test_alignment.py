from itertools import product

import numpy as np
import pytest

from dctts.alignment import diagonal_cost, diagonal_path, monotonic_path


def lengths(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def by_hand(cost: np.ndarray, most_ahead: int) -> float:
    """Cost of the best path, by trying all of them."""
    frames, symbols = cost.shape
    totals: list[float] = []
    for moves in product(range(most_ahead + 1), repeat=frames - 1):
        places = np.concatenate([[0], np.cumsum(moves)])
        if places[-1] == symbols - 1:
            totals.append(float(cost[np.arange(frames), places].sum()))
    return min(totals)


@pytest.mark.parametrize("seed", range(5))
def test_the_path_is_the_cheapest_there_is(seed: int) -> None:
    cost = np.random.default_rng(seed).random((1, 6, 5), np.float32)
    [path] = monotonic_path(cost, lengths(6), lengths(5))
    assert cost[0, np.arange(6), path].sum() == pytest.approx(by_hand(cost[0], 1))
    assert path[0] == 0
    assert path[-1] == 4
    assert set(np.diff(path)) <= {0, 1}


def test_a_clear_alignment_is_found() -> None:
    truth = np.array([0, 0, 0, 1, 2, 3, 3, 4])
    cost = np.ones((1, 8, 5), np.float32)
    cost[0, np.arange(8), truth] = 0
    assert monotonic_path(cost, lengths(8), lengths(5))[0].tolist() == truth.tolist()


def test_batch_mates_and_padding_change_nothing() -> None:
    random = np.random.default_rng(0)
    cost = random.random((2, 9, 7), np.float32)
    together = monotonic_path(cost, lengths(9, 5), lengths(7, 4))
    alone = monotonic_path(cost[1:, :5, :4], lengths(5), lengths(4))
    assert together[1, :5].tolist() == alone[0].tolist()
    assert set(together[1, 5:]) == {3}


def test_more_symbols_than_frames_are_skipped_through() -> None:
    [path] = monotonic_path(np.zeros((1, 4, 20), np.float32), lengths(4), lengths(20))
    assert path[0] == 0
    assert path[-1] == 19
    assert max(np.diff(path)) <= 7


def test_one_symbol_and_one_frame() -> None:
    assert monotonic_path(np.zeros((1, 1, 1), np.float32), lengths(1), lengths(1)).tolist() == [[0]]


def test_the_diagonal_goes_from_the_first_to_the_last_symbol() -> None:
    path = diagonal_path(lengths(10, 5), lengths(4, 5), 10)
    assert path[0].tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3]
    assert path[1].tolist() == [0, 1, 2, 3, 4, 4, 4, 4, 4, 4]


def test_the_diagonal_costs_nothing_and_the_corners_most() -> None:
    cost = diagonal_cost(lengths(5, 3), lengths(5, 2), 5, 5)
    assert np.diag(cost[0]).max() == 0
    assert cost[0, 0, 4] == cost[0, 4, 0] == 1
    assert cost[1, 2, 1] == 0
