import torch

from dctts.audio import magnitudes
from dctts.config import AudioConfig
from dctts.vocoders.spectral_loss import short_time, spectral_loss

AUDIO = AudioConfig()


def test_magnitudes_and_their_gradient_are_those_of_torch() -> None:
    wave = torch.randn(2, 5000, requires_grad=True, generator=torch.Generator().manual_seed(0))
    again = wave.detach().clone().requires_grad_()
    weight = torch.rand(513, generator=torch.Generator().manual_seed(1))
    pad = (AUDIO.n_fft - AUDIO.hop_samples) // 2
    ours = short_time(torch.nn.functional.pad(wave, (pad, pad), mode="reflect"), 1024, 256, floor=1e-9)
    theirs = magnitudes(again, AUDIO)
    torch.testing.assert_close(ours, theirs, atol=1e-4, rtol=1e-4)
    (ours * weight).sum().backward()  # type: ignore[no-untyped-call]
    (theirs * weight).sum().backward()  # type: ignore[no-untyped-call]
    torch.testing.assert_close(wave.grad, again.grad, atol=1e-3, rtol=1e-3)


def test_the_loss_tells_levels_and_pitches_apart_but_not_signs() -> None:
    time_s = torch.arange(8192) / 22_050
    low, high = (torch.sin(2 * torch.pi * hz * time_s).unsqueeze(0) for hz in (200, 220))
    assert spectral_loss(low, low) == 0
    assert spectral_loss(-low, low) < 1e-4
    assert spectral_loss(0.5 * low, low) > 0.5
    assert spectral_loss(high, low) > 0.5
