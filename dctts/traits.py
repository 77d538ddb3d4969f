"""How a speaker talks, as a few numbers: pitch, pace and mean spectrum. What a speaker vector alone tells poorly."""

from collections.abc import Sequence

import librosa
import numpy as np

from dctts.config import AudioConfig
from dctts.contrast import mean_frame
from dctts.corpus import Example
from dctts.finetune import symbols_per_frame
from dctts.lexicon import Lexicon
from dctts.voice import SpeakerTraits

SAMPLE_S = 20.0
"""Speech that pitch is measured on, about: the median moves by less than half a semitone with more."""
_LOWEST_HZ, _HIGHEST_HZ = 60.0, 400.0


def measure_traits(examples: Sequence[Example], lexicon: Lexicon, audio: AudioConfig) -> SpeakerTraits:
    """Measure the pitch and pace of one speaker's clips (about 1 s of work)."""
    return SpeakerTraits(
        pitch_hz=median_pitch_hz(examples, audio),
        symbols_per_frame=symbols_per_frame(examples, lexicon, audio),
        mean_frame=tuple(round(value, 4) for value in mean_frame(examples, audio).tolist()),
    )


def median_pitch_hz(examples: Sequence[Example], audio: AudioConfig) -> float | None:
    """Give the median pitch of voiced frames over clips spread evenly over a dataset; None where nothing is voiced.

    Source: pYIN, Mauch and Dixon 2014, as librosa has it.
    """
    total_s = sum(example.duration_s for example in examples)
    step = max(1, round(total_s / SAMPLE_S))
    wave = np.concatenate([example.wave.numpy() for example in examples[::step]]).astype(np.float32) / 32768
    wave = wave[: round(2 * SAMPLE_S * audio.sample_rate_hz)]  # few clips may be very long ones
    pitch_hz, voiced, _ = librosa.pyin(
        wave,
        fmin=_LOWEST_HZ,
        fmax=_HIGHEST_HZ,
        sr=audio.sample_rate_hz,
        frame_length=1024,
        hop_length=2 * audio.hop_samples,
    )
    return round(float(np.median(pitch_hz[voiced])), 1) if voiced.any() else None
