"""How clean the sound of a clip is: noise, clipping, echo, bandwidth and level, from the samples alone."""

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from pipeline.samples import FRAME_S, SAMPLE_RATE_HZ, Samples, loudness_db, smoothed

FLOOR_DB = -70.0
"""Quieter than any room: where pauses were muted or gated, the noise is taken to be this and not nothing."""

_FFT = 512
_BAND_DEPTH_DB = 50.0
"""So far below the strongest band speech still has its high ones: vowels alone reach down to it in a clip without s."""


def snr_db(samples: Samples) -> float:
    """Estimate how far speech stands above what sounds with it, dB.

    Speech falls silent between words and in each stop, so the quietest twentieth of its 10 ms frames is the noise; the
    loudest tenth are its vowels. Give the words alone, without the silence around them: noise that comes and goes
    with the speaker, such as a gate or a music bed, does not show in the pauses. At least two seconds are steady
    to 3 dB; a steady tone gives 0.
    """
    levels = loudness_db(samples)
    if not len(levels):
        return 0.0
    noise = max(float(np.percentile(levels, 5)), FLOOR_DB)
    return float(np.percentile(levels, 90)) - noise


def clipped_ratio(samples: Samples) -> float:
    """Return the share of samples that lie within 3 % of the largest, in [0, 1].

    A natural wave has one highest peak and few near it (a share below 0.0005); a clipped one has its tops cut at one
    level, and keeps that shape when it is coded or made quieter afterwards.
    """
    if not len(samples):
        return 0.0
    size = np.abs(samples.astype(np.int32))
    peak = int(size.max())
    return float(np.mean(size >= 0.97 * peak)) if peak else 0.0


def crest_db(samples: Samples) -> float:
    """Return how far the peaks stand above the vowels, dB: 7.5 to 17 in speech, less where the tops were cut.

    It finds what `clipped_ratio` misses: tops that were cut and then coded, which rounds them again.
    """
    if not len(samples):
        return 0.0
    peak = float(np.percentile(np.abs(samples.astype(np.float32)), 99.95)) / 32768
    return 20 * float(np.log10(max(peak, 1e-5))) - level_db(samples)


def level_db(samples: Samples) -> float:
    """Return how loud the speech is: the 90th percentile of its 10 ms frames, its vowels, in dB below full scale."""
    levels = loudness_db(samples)
    return float(np.percentile(levels, 90)) if len(levels) else FLOOR_DB


def bandwidth_hz(samples: Samples) -> float:
    """Return up to which frequency the loud half of the frames holds sound: 3,400 on a telephone, 8,000 at best."""
    count = len(samples) // _FFT
    if not count:
        return 0.0
    frames = samples[: count * _FFT].astype(np.float32).reshape(count, _FFT) / 32768
    power = frames.var(axis=1)
    loud = frames[power >= np.median(power)] * np.hanning(_FFT).astype(np.float32)
    # The loudest moment of each band: an s is rare, and it alone has the high ones.
    spectrum = np.percentile(np.abs(np.fft.rfft(loud, axis=1)) ** 2, 95, axis=0)
    bands = _in_bands(spectrum)
    found = np.flatnonzero(bands > bands.max() - _BAND_DEPTH_DB)
    return float((found[-1] + 1) * (SAMPLE_RATE_HZ / 2) / len(bands)) if len(found) else 0.0


def echo_s(samples: Samples) -> float:
    """Estimate how long the room rings: the time of a fall by 60 dB at the fastest falls of the speech.

    A dry voice stops within 50 ms; in a room nothing falls faster than the room does. Slower falls are the voice's
    own, so only the steepest fiftieth is looked at, and of those the ones that start loud.
    """
    levels = smoothed(loudness_db(samples), 3)
    step = 8
    if len(levels) < 4 * step:
        return 0.0
    falls = levels[:-step] - levels[step:]
    loud = levels[:-step] > np.percentile(levels, 90) - 15
    steepest = float(np.percentile(falls[loud], 98)) if loud.any() else 0.0
    return round(60 * step * FRAME_S / max(steepest, 1.0), 3)


def _in_bands(spectrum: NDArray[np.float32], count: int = 32) -> NDArray[np.float32]:
    edges = np.linspace(1, len(spectrum), count + 1).round().astype(int)
    sums = np.array([spectrum[low:high].mean() for low, high in pairwise(edges)])
    bands: NDArray[np.float32] = (10 * np.log10(sums + 1e-12)).astype(np.float32)
    return bands
