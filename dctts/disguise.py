"""Speech made to sound as if somebody else had said it: other resonances, another pitch, another pace.

Praat is GPL 3 and comes in the `praat-parselmouth` wheel: optional, for the demo and for more speakers in a base.
"""

import warnings
from dataclasses import dataclass

import numpy as np
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
    loudness = np.sqrt(np.mean(np.square(wave)) / max(np.mean(np.square(changed)), 1e-12))
    level = min(loudness, _PEAK / max(float(np.abs(changed).max()), 1e-6))
    return np.asarray(level * changed, dtype=np.float32)
