"""Made-up people: each a pitch and a pair of formants, with pauses, as sound files by speaker."""

from pathlib import Path

import numpy as np
import soundfile
from numpy.typing import NDArray
from scipy.signal import lfilter

RATE_HZ = 16_000


def say(pitch_hz: float, formants_hz: tuple[float, float], duration_s: float, seed: int) -> NDArray[np.float32]:
    """Harmonics of a wandering pitch through two resonances, swelling like syllables."""
    chance = np.random.default_rng(seed)
    time_s = np.arange(round(duration_s * RATE_HZ)) / RATE_HZ
    wander = 1 + 0.1 * np.sin(2 * np.pi * chance.uniform(0.3, 0.6) * time_s + chance.uniform(0, 6.3))
    phase = 2 * np.pi * np.cumsum(pitch_hz * wander) / RATE_HZ
    sound = sum(np.sin(n * phase) / n for n in range(1, 20)) + 0.02 * chance.normal(size=len(time_s))
    for formant_hz in formants_hz:
        radius, angle = 0.97, 2 * np.pi * formant_hz / RATE_HZ
        sound = lfilter([1 - radius], [1, -2 * radius * np.cos(angle), radius**2], sound)
    sound *= 0.55 + 0.45 * np.sin(2 * np.pi * 4 * time_s + chance.uniform(0, 6.3))
    return np.asarray(0.2 * sound / np.abs(sound).max(), np.float32)


def write_people(folder: Path, count: int = 8, duration_s: float = 4.0) -> Path:
    """Write `person00-a.wav` and `person00-b.wav` and so on."""
    folder.mkdir(parents=True)
    for person in range(count):
        pitch_hz = 90 * 1.13**person
        formants_hz = (400 + 60.0 * (person * 3 % count), 1200 + 150.0 * (person * 5 % count))
        for place, take in enumerate("ab"):
            sound = say(pitch_hz, formants_hz, duration_s, 10 * person + place)
            soundfile.write(folder / f"person{person:02d}-{take}.wav", sound, RATE_HZ, subtype="PCM_16")
    return folder
