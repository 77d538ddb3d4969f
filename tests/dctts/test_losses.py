import pytest
import torch

from dctts.losses import guided_attention, guided_attention_weights, reconstruction


@pytest.mark.parametrize(("num_symbols", "num_frames"), [(1, 1), (10, 10), (100, 7), (7, 100), (180, 210)])
def test_the_guide_is_zero_on_the_diagonal_of_each_utterance(num_symbols: int, num_frames: int) -> None:
    weights = guided_attention_weights(torch.tensor([num_symbols]), torch.tensor([num_frames]))[0]
    assert weights[0, 0] == 0
    if num_symbols > 1 and num_frames > 1:
        assert weights[-1, -1] == 0
        assert weights[0, -1] > 0.9
    # The nearest symbol of a frame lies at most half a symbol off the diagonal.
    slack = 0.5 / max(1, num_symbols - 1)
    nearest = weights.min(dim=1).values
    assert nearest.max() <= 1 - torch.exp(torch.tensor(-(slack**2) / (2 * 0.2**2))) + 1e-6


def test_the_guide_depends_neither_on_padding_nor_on_batch_mates() -> None:
    alone = guided_attention_weights(torch.tensor([9]), torch.tensor([14]))
    together = guided_attention_weights(torch.tensor([9, 30]), torch.tensor([14, 50]))
    assert torch.equal(together[0, :14, :9], alone[0])
    assert together[0, 14:].max() == 0
    assert together[0, :, 9:].max() == 0


def test_a_guide_without_width_is_refused() -> None:
    with pytest.raises(ValueError, match="width must be above 0, got 0"):
        guided_attention_weights(torch.tensor([3]), torch.tensor([3]), width=0)


def test_attention_on_the_diagonal_costs_nothing_and_elsewhere_something() -> None:
    n, t = torch.tensor([6]), torch.tensor([6])
    assert guided_attention(torch.eye(6).unsqueeze(0), n, t) == 0
    assert guided_attention(torch.eye(6).flip(0).unsqueeze(0), n, t) > 0.5


def test_reconstruction_ignores_padding_and_is_zero_when_perfect() -> None:
    target = torch.rand(2, 5, 3).clamp(0.05, 0.95)
    logits = torch.logit(target)
    lengths = torch.tensor([5, 2])
    l1, divergence = reconstruction(logits, target, lengths)
    assert l1 == pytest.approx(0, abs=1e-6)
    assert divergence == pytest.approx(0, abs=1e-6)
    spoiled = logits.clone()
    spoiled[1, 2:] = 50
    assert reconstruction(spoiled, target, lengths)[0] == l1
    spoiled[1, 1] = 50
    assert reconstruction(spoiled, target, lengths)[0] > l1
