import pytest
import torch

from dctts.batches import bucketed, pad_stack, prefetched


def test_every_example_comes_once_an_epoch_and_lengths_go_together() -> None:
    lengths = [(i * 37) % 101 for i in range(64)]
    batches = [bucketed(lengths, 8, seed=0, step=step) for step in range(8)]
    assert sorted(index for batch in batches for index in batch) == list(range(64))
    spread = [max(lengths[i] for i in batch) - min(lengths[i] for i in batch) for batch in batches]
    assert max(spread) < 30


def test_a_step_draws_the_same_whatever_ran_before() -> None:
    lengths = list(range(50))
    assert bucketed(lengths, 8, seed=1, step=13) == bucketed(lengths, 8, seed=1, step=13)
    assert bucketed(lengths, 8, seed=1, step=13) != bucketed(lengths, 8, seed=2, step=13)


def test_no_length_is_always_left_out() -> None:
    """40 clips in batches of 32: what does not fill a batch must be left out by chance, not because it is long."""
    seen = {index for step in range(40) for index in bucketed(list(range(40)), 32, seed=0, step=step)}
    assert seen == set(range(40))


@pytest.mark.parametrize("count", [1, 3])
def test_fewer_examples_than_a_batch_are_all_taken(count: int) -> None:
    assert sorted(bucketed([5] * count, 8, seed=0, step=4)) == list(range(count))


def test_pad_stack_fills_with_zeros() -> None:
    padded, lengths = pad_stack([torch.ones(2, 3), torch.ones(4, 3)], multiple_of=8)
    assert padded.shape == (2, 8, 3)
    assert lengths.tolist() == [2, 4]
    assert padded.sum() == 18


def test_prefetched_gives_every_step_in_order() -> None:
    assert list(prefetched(lambda step: step * 10, range(3, 7))) == [30, 40, 50, 60]
    assert list(prefetched(lambda step: step, range(0))) == []
