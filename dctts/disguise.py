"""Speech made to sound as if somebody else had said it: other resonances, another pitch, another pace.

Praat is GPL 3 and comes in the `praat-parselmouth` wheel: optional, for the demo and for more speakers in a base.
"""

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from librosa import mel_frequencies
from numpy.typing import NDArray

from dctts.errors import ClonePipelineError

_LOWEST_HZ, _HIGHEST_HZ = 75.0, 500.0
_PEAK = 0.95


@dataclass(frozen=True, kw_only=True)
class Disguise:
    """How a voice is changed."""

    pitch_hz: float
    """Its new median."""
    formants: float
    """Factor on all resonances: below 1 as of somebody taller."""
    liveliness: float = 1.0
    """Factor on how far the pitch moves."""
    duration: float = 1.0
    """Factor on how long everything takes."""
    tone_db: tuple[float, ...] = ()
    """Gains at frequencies an equal number of mels apart, the first at 0 Hz, the last at the highest there is: how
    bright or hollow the voice, its room and its microphone sound. None leaves the spectrum as it is."""


def change(wave: NDArray[np.float32], sample_rate_hz: int, disguise: Disguise) -> NDArray[np.float32]:
    """Give speech another pitch, other formants and another pace, as loud as it was.

    Raises:
        ClonePipelineError: Praat is not installed.

    Source: Praat's "Change gender", Boersma and Weenink: resampling, then overlap-add of pitch periods.
    """
    try:
        import parselmouth  # optional, so not at the top
        from parselmouth.praat import call
    except ImportError as error:
        raise ClonePipelineError(f"cannot load Praat: {error}", hint="pip install 'clone-pipeline[demo]'") from error
    sound = parselmouth.Sound(wave.astype(np.float64), sample_rate_hz)
    factors = (disguise.formants, disguise.pitch_hz, disguise.liveliness, disguise.duration)
    with warnings.catch_warnings():  # a voice too young to have a pitch is changed all the same
        warnings.filterwarnings("ignore", "There were no voiced segments found", parselmouth.PraatWarning)
        changed = call(sound, "Change gender", _LOWEST_HZ, _HIGHEST_HZ, *factors).values[0]
    changed = _toned(changed, sample_rate_hz, disguise.tone_db)
    loudness = np.sqrt(np.mean(np.square(wave)) / max(float(np.mean(np.square(changed))), 1e-12))
    level = min(loudness, _PEAK / max(float(np.abs(changed).max()), 1e-6))
    return np.asarray(level * changed, dtype=np.float32)


def _toned(wave: NDArray[np.float64], sample_rate_hz: int, tone_db: Sequence[float]) -> NDArray[np.float64]:
    if not tone_db:
        return wave
    at_hz = mel_frequencies(len(tone_db), fmin=0, fmax=sample_rate_hz / 2)
    heard_hz = np.fft.rfftfreq(len(wave), 1 / sample_rate_hz)
    gains = 10 ** (np.interp(heard_hz, at_hz, tone_db) / 20)
    return np.asarray(np.fft.irfft(np.fft.rfft(wave) * gains, len(wave)))
