import pytest
import torch
from torch import Tensor

from dctts.vocoders.critic import WINDOWS, Critic, critic_loss, seen_untaught, vocoder_losses


@pytest.fixture
def critic() -> Critic:
    torch.manual_seed(0)
    return Critic(channels=4)


def noise(seed: int, level: float) -> Tensor:
    return level * torch.randn(2, 8192, generator=torch.Generator().manual_seed(seed))


def test_every_resolution_gives_what_its_layers_see_and_a_verdict_on_each_spot(critic: Critic) -> None:
    found = critic(noise(0, 0.1))
    assert len(found) == len(WINDOWS)
    for size, layers in zip(WINDOWS, found, strict=True):
        frames = 8192 // (size // 4) - 3
        assert len(layers) == 5
        assert layers[-1].shape == (2, 1, frames, size // 16)


def test_a_critic_learns_to_tell_two_kinds_of_sound_apart(critic: Critic) -> None:
    optimizer = torch.optim.Adam(critic.parameters(), lr=3e-3)
    for step in range(40):
        optimizer.zero_grad()
        loss = critic_loss(critic(noise(2 * step, 0.05)), critic(noise(2 * step + 1, 0.2)))
        loss.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    assert critic_loss(critic(noise(1000, 0.05)), critic(noise(1001, 0.2))) < 0.5
    assert critic_loss(critic(noise(1000, 0.2)), critic(noise(1001, 0.05))) > 2  # called the other way round


def test_the_critics_loss_teaches_the_critic_alone_and_the_vocoders_the_vocoder_alone(critic: Critic) -> None:
    made, of_real = noise(0, 0.1).requires_grad_(), critic(noise(1, 0.1))
    critic_loss(critic(made.detach()), of_real).backward()  # type: ignore[no-untyped-call]
    assert made.grad is None
    assert all(parameter.grad is not None for parameter in critic.parameters())
    critic.zero_grad()
    doubt, seen = vocoder_losses(seen_untaught(critic, made), of_real)
    (doubt + seen).backward()  # type: ignore[no-untyped-call]
    assert made.grad is not None
    assert made.grad.abs().sum() > 0
    assert all(parameter.grad is None for parameter in critic.parameters())


def test_what_is_recorded_looks_to_a_critic_like_itself(critic: Critic) -> None:
    wave = noise(0, 0.1)
    _, same = vocoder_losses(critic(wave), critic(wave))
    _, other = vocoder_losses(critic(wave), critic(noise(1, 0.3)))
    assert same == 0
    assert other > 0.1
