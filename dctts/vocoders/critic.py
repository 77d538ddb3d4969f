"""Who tells recordings from what a vocoder makes, and so teaches it what no distance of spectra asks for.

The mean of all sounds that fit is near each of them and sounds like none: a distance is content with it, a critic is
not.

Legend: B utterances, S samples, M frames, L linear bins, C channels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.func import functional_call
from torch.nn import functional

from dctts.vocoders.spectral_loss import short_time

WINDOWS = (1024, 512, 256)
"""Samples in a window; the hop is a quarter of one."""
Found = Sequence[Sequence[Tensor]]
"""What a critic finds in a sound: for each resolution Tensor[B, C, M, bins] of each layer, the verdicts last."""
_LOUDNESS = 0.3
"""Exponent on the magnitudes: at 1 a critic sees vowels only, as logarithms little but the floor."""


class SpectrumCritic(nn.Module):
    """Look at the spectrum at one resolution: five convolutions over frames and bins."""

    def __init__(self, size: int, channels: int) -> None:
        super().__init__()
        self.size = size
        shapes = [
            (1, channels, 9, 2),
            (channels, channels, 9, 2),
            (channels, channels, 9, 2),
            (channels, channels, 3, 1),
        ]
        self.layers = nn.ModuleList(
            nn.Conv2d(entering, leaving, (3, bins), stride=(1, stride), padding=(1, bins // 2))
            for entering, leaving, bins, stride in shapes
        )
        self.verdict = nn.Conv2d(channels, 1, (3, 3), padding=1)

    def forward(self, wave: Tensor) -> list[Tensor]:
        """Tensor[B, S] → Tensor[B, C, M, bins] of each layer and last the verdicts, high for what seems recorded."""
        with torch.autocast(wave.device.type, enabled=False):
            seen = short_time(wave.float(), self.size, self.size // 4)[..., :-1] ** _LOUDNESS
        x, found = seen.unsqueeze(1), []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), 0.1)
            found.append(x)
        return [*found, self.verdict(x)]


class Critic(nn.Module):
    """One for each resolution.

    Source: UnivNet, arXiv:2106.07889, section 2.2, with half the channels.
    """

    def __init__(self, channels: int = 16) -> None:
        super().__init__()
        self.critics = nn.ModuleList(SpectrumCritic(size, channels) for size in WINDOWS)

    def forward(self, wave: Tensor) -> Found:
        """Look at Tensor[B, S]."""
        return [critic(wave) for critic in self.critics]


def seen_untaught(critic: Critic, wave: Tensor) -> Found:
    """Give what the critic finds in Tensor[B, S], in such a way that no loss of it teaches the critic."""
    fixed = {name: parameter.detach() for name, parameter in critic.named_parameters()}
    found: Found = functional_call(critic, fixed, (wave,))
    return found


def critic_loss(of_made: Found, of_real: Found) -> Tensor:
    """How badly a critic tells what was made from what was recorded, by what it found in each.

    Source: the hinge loss of arXiv:1705.02894.
    """
    losses = [
        functional.relu(1 - real[-1].float()).mean() + functional.relu(1 + made[-1].float()).mean()
        for made, real in zip(of_made, of_real, strict=True)
    ]
    return torch.stack(losses).mean()


def vocoder_losses(of_made: Found, of_real: Found) -> tuple[Tensor, Tensor]:
    """How sure a critic is that a sound was made, and how differently its layers see it; nothing reaches `of_real`.

    Source: feature matching, arXiv:1910.06711, section 2.3.
    """
    doubts = [-made[-1].float().mean() for made in of_made]
    wanted = [[layer.detach().float() for layer in real[:-1]] for real in of_real]
    apart = [
        (ours.float() - theirs).abs().mean() / theirs.abs().mean().clamp_min(1e-3)
        for made, real in zip(of_made, wanted, strict=True)
        for ours, theirs in zip(made[:-1], real, strict=True)
    ]
    return torch.stack(doubts).mean(), torch.stack(apart).mean()
