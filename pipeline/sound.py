"""How clean the sound of a clip is: signal-to-noise ratio and clipping, from the samples alone."""

import numpy as np

from pipeline.samples import Samples, loudness_db

FLOOR_DB = -70.0
"""Quieter than any room: where pauses were muted or gated, the noise is taken to be this and not nothing."""


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
