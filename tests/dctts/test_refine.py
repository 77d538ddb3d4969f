import pytest
import torch

from dctts.config import AudioConfig, ssrn_config
from dctts.refine import BLOCK_FRAMES, StreamRefiner, refine
from dctts.ssrn import SSRN

AUDIO = AudioConfig()


def network() -> SSRN:
    torch.manual_seed(1)
    return SSRN(ssrn_config("tiny", dropout=0.0)).eval()


@torch.inference_mode()
def test_blocks_equal_the_whole() -> None:
    net, coarse = network(), torch.rand(2 * BLOCK_FRAMES + 13, 80)
    logits, _ = net(coarse.unsqueeze(0))
    unit = (refine(net, coarse, AUDIO) / AUDIO.linear_floor).log()
    whole = logits[0].sigmoid() * torch.tensor(AUDIO.linear_ceiling / AUDIO.linear_floor).log()
    torch.testing.assert_close(unit, whole, rtol=0, atol=1e-3)


@pytest.mark.parametrize("size", [1, 7, 40, 200])
def test_a_stream_equals_the_whole(size: int) -> None:
    net, coarse = network(), torch.rand(150, 80)
    stream = StreamRefiner(net, AUDIO)
    pieces = [stream.push(coarse[start : start + size]) for start in range(0, 150, size)]
    pieces.append(stream.push(coarse[:0], last=True))
    torch.testing.assert_close(torch.cat(pieces), refine(net, coarse, AUDIO), rtol=1e-4, atol=1e-4)


def test_the_first_magnitudes_need_seventeen_frames() -> None:
    stream = StreamRefiner(network(), AUDIO)
    assert len(stream.push(torch.rand(16, 80))) == 0
    assert len(stream.push(torch.rand(1, 80))) == 32


def test_nothing_in_nothing_out() -> None:
    stream = StreamRefiner(network(), AUDIO)
    assert stream.push(torch.zeros(0, 80), last=True).shape == (0, 513)
