import pytest
import torch

from dctts.config import ssrn_config
from dctts.layers import length_mask
from dctts.ssrn import CONTEXT_FRAMES, SSRN


def network() -> SSRN:
    torch.manual_seed(1)
    return SSRN(ssrn_config("tiny", dropout=0.0)).eval()


def test_four_frames_for_one() -> None:
    linear, mel = network()(torch.rand(2, 11, 80))
    assert linear.shape == (2, 44, 513)
    assert mel.shape == (2, 44, 80)


def test_the_paper_size_has_the_parameters_of_the_paper() -> None:
    count = sum(p.numel() for p in SSRN(ssrn_config("paper")).parameters())
    assert count == pytest.approx(24.96e6, rel=0.01)  # and 0.1 million for the mel head and what is added to


def test_coarse_frames_come_through_an_untrained_mel_head() -> None:
    coarse = torch.rand(1, 9, 80) * 0.9 + 0.05
    mel = network()(coarse)[1].sigmoid()
    torch.testing.assert_close(mel[:, ::4], coarse)
    torch.testing.assert_close(mel[:, 2:-4:4].logit(), ((coarse[:, :-1] + coarse[:, 1:]) / 2).logit())


def test_chunks_with_context_equal_the_whole() -> None:
    net, coarse = network(), torch.rand(1, 60, 80)
    whole, _ = net(coarse)
    part, _ = net(coarse[:, 20 - CONTEXT_FRAMES : 40 + CONTEXT_FRAMES])
    inner = part[:, 4 * CONTEXT_FRAMES : 4 * (CONTEXT_FRAMES + 20)]
    torch.testing.assert_close(inner, whole[:, 80:160], rtol=1e-5, atol=1e-5)


def test_the_context_is_no_larger_than_it_must_be() -> None:
    net, coarse = network(), torch.rand(1, 60, 80)
    whole, _ = net(coarse)
    changed = coarse.clone()
    changed[:, 30] += 1
    frames = (net(changed)[0] != whole).any(dim=-1)[0].nonzero().flatten() // 4
    assert int(frames.min()) >= 30 - CONTEXT_FRAMES
    assert int(frames.max()) <= 30 + CONTEXT_FRAMES
    assert int(frames.min()) < 30 - CONTEXT_FRAMES + 3


def test_padding_changes_nothing() -> None:
    net, coarse = network(), torch.rand(2, 30, 80)
    coarse[1, 13:] = 0
    together, _ = net(coarse, length_mask(torch.tensor([30, 13]), 30))
    alone, _ = net(coarse[1:, :13])
    torch.testing.assert_close(together[1:, :52], alone, rtol=1e-5, atol=1e-5)
