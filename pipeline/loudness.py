"""Bring a clip to a stated loudness without ever clipping it."""

import numpy as np
import numpy.typing as npt
import pyloudnorm
from scipy.signal import resample_poly

# EBU R128's target. LJSpeech, which base voices and vocoders are trained on, measures -22.2 ± 1.3 LUFS (49 clips).
TARGET_LUFS = -23.0
# Room for what a lossy encoder adds. LJSpeech's peaks stand 18 dB above its loudness (95 %: 21): few clips meet it.
TRUE_PEAK_DB = -1.0
# Below this there is nothing to bring up but noise.
FLOOR_LUFS = -70.0
_BLOCK_S = 0.4  # ITU-R BS.1770's gating block: shorter clips have no loudness by its definition
_OVERSAMPLING = 4  # BS.1770 annex 2


def gain_db(
    samples: npt.NDArray[np.float32],
    sample_rate_hz: int,
    *,
    target_lufs: float = TARGET_LUFS,
    true_peak_db: float = TRUE_PEAK_DB,
) -> float:
    """Measure the gain that brings a mono clip to the target, less where its true peak would pass the limit.

    Args:
        samples: mono, ±1 full scale, float[num_samples].
        sample_rate_hz: of the samples.
        target_lufs: integrated loudness by ITU-R BS.1770-4; clips under 0.4 s use their mean power instead.
        true_peak_db: the highest peak allowed, dB of full scale, measured at four times the rate.

    Returns:
        dB; 0 for a clip that is silent.
    """
    loudness = loudness_lufs(samples, sample_rate_hz)
    if loudness <= FLOOR_LUFS:
        return 0.0
    return min(target_lufs - loudness, true_peak_db - true_peak(samples))


def loudness_lufs(samples: npt.NDArray[np.float32], sample_rate_hz: int) -> float:
    """Measure integrated loudness; mean power where the clip is too short or too quiet for BS.1770's gate."""
    if len(samples) >= _BLOCK_S * sample_rate_hz:
        loudness = float(pyloudnorm.Meter(sample_rate_hz).integrated_loudness(samples.astype(np.float64)))
        if np.isfinite(loudness):
            return loudness
    power = float(np.mean(np.square(samples, dtype=np.float64))) if len(samples) else 0.0
    return -0.691 + 10 * float(np.log10(power)) if power > 0 else -np.inf


def true_peak(samples: npt.NDArray[np.float32]) -> float:
    """Measure the peak between the samples too, dB of full scale."""
    peak = float(np.max(np.abs(resample_poly(samples, _OVERSAMPLING, 1)), initial=0.0))
    peak = max(peak, float(np.max(np.abs(samples), initial=0.0)))
    return 20 * float(np.log10(peak)) if peak > 0 else -np.inf
