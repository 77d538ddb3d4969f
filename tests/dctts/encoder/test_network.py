import pytest
import torch
from torch import Tensor

from dctts.config import EncoderConfig
from dctts.encoder.network import EncoderNetwork

TINY = EncoderConfig(channels=16, dilations=(1, 2), pooled=24, attention=8, dimensions=12)


@pytest.fixture
def network() -> EncoderNetwork:
    torch.manual_seed(0)
    return EncoderNetwork(TINY).eval()


def power(count: int, frames: int = 160) -> Tensor:
    return torch.rand(count, frames, 40, generator=torch.Generator().manual_seed(1)) * 10 + 0.1


def test_vectors_lie_on_the_unit_sphere(network: EncoderNetwork) -> None:
    vectors = network(power(5))
    assert vectors.shape == (5, 12)
    torch.testing.assert_close(vectors.norm(dim=1), torch.ones(5))


def test_a_batch_gives_what_single_ones_give(network: EncoderNetwork) -> None:
    every = power(5)
    torch.testing.assert_close(network(every), torch.cat([network(one.unsqueeze(0)) for one in every]))


def test_neither_level_nor_a_steady_microphone_is_heard(network: EncoderNetwork) -> None:
    microphone = torch.linspace(0.5, 20, 40)
    torch.testing.assert_close(network(power(3)), network(power(3) * microphone), atol=1e-4, rtol=0)


@pytest.mark.parametrize("frames", [2, 3, 97])
def test_any_length_gives_a_vector(network: EncoderNetwork, frames: int) -> None:
    assert torch.isfinite(network(power(1, frames))).all()


def test_digital_silence_gives_numbers_and_gradients() -> None:
    network = EncoderNetwork(TINY)
    network(torch.zeros(2, 160, 40)).sum().backward()
    assert all(torch.isfinite(p.grad).all() for p in network.parameters() if p.grad is not None)
