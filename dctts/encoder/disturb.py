"""Rooms, microphones and noise, laid over mel power: what a speaker vector must not depend on.

Everything is done on mel power, where a room is a tail behind every frame, a microphone a gain for every band, and
noise a sum: of no use to ears, but a thousandth of the work on waves. P partial utterances, M frames, 40 bands.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dctts.encoder.partials import BANDS

_HIGHEST_BAND_HZ = 8000


@dataclass(frozen=True, kw_only=True)
class Disturbances:
    """How often and how much."""

    room: float = 0.3
    """Part of the partial utterances that stand in a room."""
    longest_room_s: float = 0.6
    """Time in which its sound falls by 60 dB."""
    microphone_db: float = 4.0
    """Standard deviation of each of the slow waves over the bands that make up a microphone."""
    band_limit: float = 0.3
    """Part that has nothing above a limit between 2.5 and 7 kHz, or below one between 80 and 400 Hz."""
    noise: float = 0.6
    """Part with noise: recorded, other people's speech, or white."""
    noise_snr_db: tuple[float, float] = (3.0, 25.0)
    mask: float = 0.3
    """Part with up to 6 neighbouring bands or 20 frames taken away (arXiv:1904.08779)."""


def disturb(
    power: Tensor, noises: Sequence[Tensor], random: np.random.Generator, how: Disturbances | None = None
) -> Tensor:
    """Disturb each partial utterance in its own way.

    Args:
        power: Tensor[P, M, 40] of mel power.
        noises: mel power of recorded noises, Tensor[≥ M, 40] each; none is fine.

    Returns:
        Tensor[P, M, 40].
    """
    how = how or Disturbances()
    count, frames, _ = power.shape
    power = _in_rooms(power, random, how)
    power = power + _noise(power, noises, random, how)
    power = power * _microphones(count, random, how).unsqueeze(1)
    return power * _masks(count, frames, random, how)


def _in_rooms(power: Tensor, random: np.random.Generator, how: Disturbances) -> Tensor:
    count, frames, _ = power.shape
    rooms = torch.from_numpy(random.uniform(size=count) < how.room)
    fall_s = random.uniform(0.15, how.longest_room_s, size=count)
    strength = torch.from_numpy(random.uniform(0.02, 0.2, size=count)).float()
    lag = torch.arange(frames).unsqueeze(1) - torch.arange(frames).unsqueeze(0)  # [to, from]
    rate = torch.from_numpy(6 * np.log(10) * 0.01 / fall_s).float()  # nepers of power a frame
    tail = torch.exp(-lag.clamp_min(0) * rate.view(-1, 1, 1)) * (lag > 0) * (strength * rooms).view(-1, 1, 1)
    return power + tail @ power


def _noise(power: Tensor, noises: Sequence[Tensor], random: np.random.Generator, how: Disturbances) -> Tensor:
    count, frames, bands = power.shape
    sound = torch.empty_like(power)
    kinds = random.integers(3 if noises else 2, size=count)
    for row, kind in enumerate(kinds):
        if kind == 0:  # white, its bands as wide as they are in Hz, tilted
            tilt = torch.linspace(0, float(random.uniform(-3, 3)), bands).exp()
            chance = torch.from_numpy(random.gamma(2.0, 0.5, size=(frames, bands))).float()
            sound[row] = chance * tilt
        elif kind == 1:  # other people of the batch, backwards: speech, but nobody to be named
            others = random.integers(count, size=int(random.integers(2, 6)))
            sound[row] = power[others].mean(dim=0).flip(0)
        else:
            noise = noises[int(random.integers(len(noises)))]
            start = int(random.integers(len(noise) - frames + 1))
            sound[row] = noise[start : start + frames]
    snr_db = random.uniform(*how.noise_snr_db, size=count)
    wanted = 10 ** (-snr_db / 10) * (random.uniform(size=count) < how.noise)
    level = power.mean(dim=(1, 2)) / sound.mean(dim=(1, 2)).clamp_min(1e-12)
    return sound * (level * torch.from_numpy(wanted).float()).view(-1, 1, 1)


def _microphones(count: int, random: np.random.Generator, how: Disturbances) -> Tensor:
    """Gain of each band, Tensor[P, 40]: slow waves over the bands, and limits."""
    place = (np.arange(BANDS) + 0.5) / BANDS
    waves = np.stack([np.cos(np.pi * order * place) for order in range(5)])
    gain_db = random.normal(scale=how.microphone_db / np.sqrt([1, 1, 2, 3, 4]), size=(count, 5)) @ waves
    hz = _band_centres_hz()
    limits = random.uniform(size=(2, count)) < how.band_limit
    highest = np.where(limits[0], random.uniform(2500, 7000, size=count), np.inf)[:, None]
    lowest = np.where(limits[1], random.uniform(80, 400, size=count), 0)[:, None]
    gain_db = gain_db - 50 * (hz > highest) - 30 * (hz < lowest)
    return torch.from_numpy(10 ** (gain_db / 10)).float()


def _masks(count: int, frames: int, random: np.random.Generator, how: Disturbances) -> Tensor:
    masks = torch.ones(count, frames, BANDS)
    for row in np.flatnonzero(random.uniform(size=count) < how.mask):
        width, first = random.integers(1, 7), random.integers(BANDS - 6)
        masks[row, :, first : first + width] = 0
        width, first = random.integers(1, 21), random.integers(max(1, frames - 20))
        masks[row, first : first + width] = 0
    return masks


def _band_centres_hz() -> NDArray[np.float64]:
    """Return the middle of each of Slaney's 40 bands."""
    mel = np.linspace(0, 15 + 27 * np.log(_HIGHEST_BAND_HZ / 1000) / np.log(6.4), BANDS + 2)[1:-1]
    return np.where(mel < 15, mel * 200 / 3, 1000 * np.exp((mel - 15) * np.log(6.4) / 27))
