from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from dctts.encoder.disturb import Disturbances, disturb

NOTHING = Disturbances(room=0, microphone_db=0, band_limit=0, noise=0, mask=0)


def random(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def power(count: int = 6, frames: int = 160) -> Tensor:
    return torch.rand(count, frames, 40, generator=torch.Generator().manual_seed(0)) + 0.01


def test_disturbing_by_nothing_changes_nothing() -> None:
    assert torch.equal(disturb(power(), [], random(), NOTHING), power())


def test_the_same_numbers_disturb_the_same_way_and_others_otherwise() -> None:
    noises = [power(1, 300)[0]]
    first = disturb(power(), noises, random(1))
    assert torch.equal(first, disturb(power(), noises, random(1)))
    assert not torch.equal(first, disturb(power(), noises, random(2)))
    assert torch.isfinite(first).all()
    assert (first >= 0).all()


def test_noise_has_the_level_that_is_asked_for() -> None:
    how = replace(NOTHING, noise=1, noise_snr_db=(10.0, 10.0))
    added = disturb(power(40), [power(1, 300)[0]], random(), how) - power(40)
    ratio = added.mean(dim=(1, 2)) / power(40).mean(dim=(1, 2))
    torch.testing.assert_close(ratio, torch.full((40,), 0.1), atol=0.005, rtol=0)


def test_a_microphone_is_one_gain_for_each_band_all_the_while() -> None:
    gains = disturb(power(), [], random(), replace(NOTHING, microphone_db=4.0)) / power()
    assert gains.std(dim=1).max() < 1e-3 * gains.max()
    assert gains.mean(dim=1).std(dim=1).min() > 0.05, "but another one for each band"


def test_a_band_limit_leaves_the_middle() -> None:
    gains = disturb(power(), [], random(), replace(NOTHING, band_limit=1.0)) / power()
    assert (gains[:, :, -1] < 1e-4).all()
    torch.testing.assert_close(gains[:, :, 15], torch.ones(6, 160))


def test_a_room_sounds_after_what_is_said_never_before() -> None:
    click = torch.zeros(4, 160, 40)
    click[:, 50] = 1
    heard = disturb(click, [], random(), replace(NOTHING, room=1.0))
    assert (heard[:, :50] == 0).all()
    assert (heard[:, 50] == 1).all()
    tail = heard[:, 51:, 0]
    assert (tail > 0).all()
    assert (tail.diff(dim=1) < 0).all()
