"""How far the sound of one reading is from another's: mel-cepstral distortion and pitch, along the best warping.

Spectral envelope and pitch are WORLD's (Morise et al. 2016), the warping is librosa's.

Legend: S samples, M frames of 5 ms, K = 24 mel-cepstral coefficients, P steps of the warping path.
"""

import warnings
from dataclasses import dataclass

import librosa
import numpy as np
import soxr
from numpy.typing import NDArray

with warnings.catch_warnings():  # pyworld asks pkg_resources for its own version
    warnings.filterwarnings("ignore", message="pkg_resources is deprecated")
    import pyworld

Wave = NDArray[np.float32]
Matrix = NDArray[np.float64]

ORDER = 24
FRAME_MS = 5.0
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 500.0
_RATE_HZ = 16_000
"""Everything is compared up to 8 kHz: many recordings end there, and the cliff would outweigh all the rest."""
_WARP = 0.42
"""All-pass constant that bends 16 kHz to the mel scale (SPTK's table)."""
_RANGE = 1e-8
"""Power below the loudest by more than 80 dB is taken as that: synthetic silence is deeper than any room's."""
_DB = 10 / np.log(10) * np.sqrt(2)


@dataclass(frozen=True, kw_only=True)
class Frames:
    """What WORLD finds in a sound."""

    cepstra: Matrix
    """array[M, K]: mel cepstra without c0, which is loudness."""
    f0_hz: NDArray[np.float64]
    """array[M]: 0 where there is no voice."""


@dataclass(frozen=True, kw_only=True)
class Distance:
    """One reading against another of the same text."""

    mcd_db: float
    """Mel-cepstral distortion, order 24 without c0, mean over the warping path."""
    log_f0_rmse: float | None
    """Root mean square difference of ln(F0), where both are voiced; None where they never are."""
    vuv_error: float
    """Part of the path on which just one of them is voiced."""


def analyse(wave: Wave, sample_rate_hz: int) -> Frames:
    """Find the envelope and pitch of array[S]."""
    samples, f0_hz, times_s = _pitch(wave, sample_rate_hz)
    power = pyworld.cheaptrick(samples, f0_hz, times_s, _RATE_HZ)
    return Frames(cepstra=mel_cepstra(power), f0_hz=f0_hz)


def median_f0_hz(wave: Wave, sample_rate_hz: int) -> float | None:
    """Give the median pitch of the voiced frames of array[S]; None where nothing is voiced."""
    voiced = (f0 := _pitch(wave, sample_rate_hz)[1])[f0 > 0]
    return round(float(np.median(voiced)), 1) if len(voiced) else None


def mel_cepstra(power: Matrix) -> Matrix:
    """Turn power spectra, array[M, bins], into array[M, K]: the cosine transform of their logs on a bent axis."""
    bins = power.shape[1]
    bent = np.linspace(0, np.pi, bins)
    straight = bent - 2 * np.arctan(_WARP * np.sin(bent) / (1 + _WARP * np.cos(bent)))
    place = straight / np.pi * (bins - 1)
    low = np.minimum(place.astype(int), bins - 2)
    part = place - low
    logs = np.log(np.maximum(power, max(1e-16, _RANGE * power.max())))
    warped = logs[:, low] * (1 - part) + logs[:, low + 1] * part
    return np.asarray(np.fft.irfft(warped, axis=1)[:, 1 : ORDER + 1])


def distance(real: Frames, made: Frames) -> Distance:
    """Warp one reading onto the other by their cepstra, and compare them along the path."""
    _, path = librosa.sequence.dtw(real.cepstra.T, made.cepstra.T)
    first, second = path[:, 0], path[:, 1]
    steps = np.linalg.norm(real.cepstra[first] - made.cepstra[second], axis=1)
    one, other = real.f0_hz[first], made.f0_hz[second]
    both = (one > 0) & (other > 0)
    ratio = np.log(one[both] / other[both])
    return Distance(
        mcd_db=float(_DB * steps.mean()),
        log_f0_rmse=float(np.sqrt(np.mean(ratio**2))) if both.any() else None,
        vuv_error=float(((one > 0) != (other > 0)).mean()),
    )


def _pitch(wave: Wave, sample_rate_hz: int) -> tuple[Matrix, Matrix, Matrix]:
    """Give the samples at 16 kHz, F0 of each frame (0 where there is no voice), and when the frames are."""
    samples = soxr.resample(wave.astype(np.float64), sample_rate_hz, _RATE_HZ)
    # DIO with StoneMask takes a twentieth of Harvest's time and does not call breath voiced.
    rough, times_s = pyworld.dio(samples, _RATE_HZ, f0_floor=_LOWEST_HZ, f0_ceil=_HIGHEST_HZ, frame_period=FRAME_MS)
    return samples, pyworld.stonemask(samples, rough, times_s, _RATE_HZ), times_s
