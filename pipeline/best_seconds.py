"""The best few seconds of somebody's speech: nearest to how they usually sound, and clean.

Five seconds are where a speaker vector has learnt nearly all it will (Jia et al. 2018, arXiv:1806.04558, table 5), so
that which five they are matters more than how many.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import soxr
from numpy.typing import NDArray
from torch import Tensor

from dctts.corpus import TAIL_S, Example, centroids
from pipeline.samples import FRAME_S, SAMPLE_RATE_HZ, loudness_db
from pipeline.sound import FLOOR_DB
from pipeline.speakers import Vector, Windows

Wave = NDArray[np.float32]

SECONDS = 5.0
LEAST_S = 1.0
"""A shorter piece tells little, and a cut makes it less."""
_STEP_S = 0.5
_WINDOW_S = 1.6
_NOISE_S = 1.0
_CLEAN_DB = 35.0
_PER_DB = 0.015
"""Cosine that a dB below that counts for. Where most of a recording is noisy its mean vector is too, and what is clean
lies further from it: 15 dB less noise make up for more than half the way to another speaker."""


@dataclass(frozen=True, kw_only=True)
class Stretch:
    """A piece of one of several clips."""

    clip: int
    """Which."""
    start_s: float
    end_s: float
    cosine: float
    """To the speaker's mean vector."""
    snr_db: float
    """Of the noisiest second: a pause would hide the noise of all the others. At most 35 dB, better is not heard."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.end_s - self.start_s

    @property
    def score(self) -> float:
        """The cosine, less 0.015 for each dB of noise that is heard."""
        return self.cosine - _PER_DB * max(0.0, _CLEAN_DB - self.snr_db)


def choose_best(stretches: Sequence[Stretch], seconds: float = SECONDS) -> list[Stretch]:
    """Take the best pieces that do not overlap until there are so many seconds; the last is cut to fit.

    Returns:
        best first; the same pieces in any order give the same choice.
    """
    chosen: list[Stretch] = []
    left_s = seconds
    for one in sorted(stretches, key=lambda one: (-round(one.score, 6), one.clip, one.start_s)):
        if left_s < min(LEAST_S, seconds):
            break
        if any(one.clip == had.clip and one.start_s < had.end_s and had.start_s < one.end_s for had in chosen):
            continue
        length_s = min(one.duration_s, left_s)
        chosen.append(
            Stretch(
                clip=one.clip,
                start_s=one.start_s,
                end_s=one.start_s + length_s,
                cosine=one.cosine,
                snr_db=one.snr_db,
            )
        )
        left_s -= length_s
    return chosen


def stretches_of(
    waves: Sequence[Wave],
    windows: Sequence[Windows | None],
    sample_rate_hz: int,
    centroid: Vector,
    seconds: float = SECONDS,
) -> list[Stretch]:
    """List the pieces of clips: each clip that is short enough, and every so many seconds of a longer one.

    Args:
        waves: clips of one speaker, float32[samples] in [-1, 1].
        windows: of each clip, from the speaker encoder; None for one without speech, which gives no pieces.
        sample_rate_hz: of the clips.
        centroid: how the speaker usually sounds, float32[256] of norm 1.
    """
    found = []
    for clip, (wave, own) in enumerate(zip(waves, windows, strict=True)):
        if own is None:
            continue
        whole_s = len(wave) / sample_rate_hz
        for start_s in np.arange(0, max(whole_s - seconds, 0) + 1e-6, _STEP_S):
            end_s = min(whole_s, start_s + seconds)
            inside = (own.start_s >= start_s - _STEP_S) & (own.start_s + _WINDOW_S <= end_s + _STEP_S)
            if whole_s <= seconds:
                inside[:] = True
            if not inside.any():
                continue  # silence
            mean = own.vectors[inside].mean(axis=0)
            part = wave[round(start_s * sample_rate_hz) : round(end_s * sample_rate_hz)]
            found.append(
                Stretch(
                    clip=clip,
                    start_s=float(start_s),
                    end_s=float(end_s),
                    cosine=float(mean @ centroid / np.linalg.norm(mean)),
                    snr_db=_snr_db(part, sample_rate_hz),
                )
            )
    return found


def best_of_dataset(examples: Sequence[Example], sample_rate_hz: int, seconds: float = SECONDS) -> list[Stretch]:
    """Choose the best seconds of a voice's clips, whose speaker vectors are known already.

    Args:
        examples: clips of one speaker, as `dctts.corpus.prepare` gives them.
    """
    centroid = next(iter(centroids(examples).values()))
    waves = [wave_of(example, sample_rate_hz) for example in examples]
    pieces = [
        Stretch(
            clip=number,
            start_s=0.0,
            end_s=min(len(wave) / sample_rate_hz, seconds),
            cosine=float(example.voice @ centroid),
            snr_db=_snr_db(wave, sample_rate_hz),
        )
        for number, (example, wave) in enumerate(zip(examples, waves, strict=True))
    ]
    return choose_best(pieces, seconds)


def wave_of(example: Example, sample_rate_hz: int) -> Wave:
    """Give the sound of a prepared clip without the silence put behind it, float32[samples] in [-1, 1]."""
    samples: Tensor = example.wave.float() / 32768
    return np.asarray(samples[: max(1, len(samples) - round(TAIL_S * sample_rate_hz))].numpy(), np.float32)


def cut(waves: Sequence[Wave], chosen: Sequence[Stretch], sample_rate_hz: int) -> list[Wave]:
    """Cut the chosen pieces out of their clips."""
    return [waves[one.clip][round(one.start_s * sample_rate_hz) : round(one.end_s * sample_rate_hz)] for one in chosen]


def _snr_db(wave: Wave, sample_rate_hz: int) -> float:
    samples = soxr.resample(wave, sample_rate_hz, SAMPLE_RATE_HZ) if sample_rate_hz != SAMPLE_RATE_HZ else wave
    levels = loudness_db((samples.clip(-1, 1) * 32767).astype(np.int16))
    if not len(levels):
        return 0.0
    size = round(_NOISE_S / FRAME_S)
    starts = range(0, max(len(levels) - size, 0) + 1, size // 2)
    noise = max(float(np.percentile(levels[at : at + size], 5)) for at in starts)
    return min(float(np.percentile(levels, 90)) - max(noise, FLOOR_DB), _CLEAN_DB)
