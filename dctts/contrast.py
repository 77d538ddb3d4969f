"""Put back the contrast that training takes away: predicted spectra vary less around their mean than real ones.

A network trained on an absolute error says the middle of all it thinks possible, so that peaks are lower and valleys
shallower than in any recording. Scaling the variance back is the oldest cure (Silén, Helander, Nurminen and Gabbouj,
"Ways to implement global variance in statistical speech synthesis", Interspeech 2012).

Legend: T coarse frames, F mel bands.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dctts.config import AudioConfig
from dctts.corpus import Example


@dataclass(frozen=True, kw_only=True)
class Contrast:
    """How many times further from the mean frame a frame is said than the network gives it.

    Of 20 held-out sentences of a half-trained base: word errors 59 % at 1 for both, 56 % at 1.5; earlier, with more to
    put back, 72 % at 1, 58 % at 1.4, 54 % at 1.6 and 67 % at 1.8; similarity to the speaker 0.74, 0.80, 0.80 and 0.77.
    Of the base that ships, with its vocoder, 40 held-out prompts and 20 Harvard sentences each of two readers: at level
    1.4 and shape 1.2 word errors 41 and 52 %, similarity 0.876 and 0.875; at 1.4 for both 41 and 50 %, 0.858 and 0.871;
    at 1.2 for both 41 and 53 %, 0.884 and 0.882. Of eight people whom it was told of by a reference: shape 1.4
    similarity 0.71, nearer to them than to any reader 85 % of sentences, equal error rate 18 %, word errors 50 %; shape
    1.2 0.72, 95, 11 and 49 %.
    """

    level: float = 1.4
    """Of how loud the frame is: the mean over its bands."""
    shape: float = 1.2
    """Of all else: what tells one sound from another, and one speaker from another."""


SPOKEN_WITH = Contrast()
"""By every voice."""

SPOKEN = 0.25
"""Mean of a unit-mel frame from which it counts as speech when the mean is taken."""


def mean_frame(examples: Sequence[Example], audio: AudioConfig) -> Tensor:
    """Average the frames of a speaker in which something is said: Tensor[F], unit mels."""
    total, count = torch.zeros(audio.num_mels), 0
    for example in examples:
        spoken = spoken_frames(example.mel[:: audio.reduction].float())
        total, count = total + spoken.sum(dim=0), count + len(spoken)
    return total / max(1, count)


def spoken_frames(frames: Tensor) -> Tensor:
    """Keep the frames in which something is said: unit mels Tensor[T, F] → Tensor[at most T, F]."""
    return frames[frames.mean(dim=1) > SPOKEN]


def mean_leading_to(wanted: Tensor, predicted: Tensor, contrast: Contrast = SPOKEN_WITH) -> Tensor:
    """Find the mean frame to push away from so that what is said has the wanted mean: Tensor[F] each, unit mels.

    Pushed away from the mean of its own frames, a voice keeps that mean: p + c·(x - p) has the mean p of x. Pushed
    away from m it gets p + (c - 1)·(p - m), so that m = p - (w - p) / (c - 1) gives w.

    Args:
        wanted: mean of the frames that are to be heard.
        predicted: mean of the frames as the network gives them.
        contrast: with which they will be said; a part of it that is 1 moves nothing, whatever the mean.
    """
    level, shape = _parts(wanted - predicted)
    for part, factor in ((level, contrast.level), (shape, contrast.shape)):
        if factor != 1:
            predicted = predicted - part / (factor - 1)
    return predicted


def with_contrast(coarse: Tensor, mean: Tensor | None, contrast: Contrast = SPOKEN_WITH) -> Tensor:
    """Push frames away from the mean frame: Tensor[T, F] → Tensor[T, F], unit mels; as they are without a mean."""
    if mean is None:
        return coarse
    level, shape = _parts(coarse - mean)
    return (mean + level * contrast.level + shape * contrast.shape).clamp(0, 1)


def _parts(frames: Tensor) -> tuple[Tensor, Tensor]:
    """Tensor[..., F] → Tensor[..., 1], the mean over the bands, and Tensor[..., F], what is left."""
    level = frames.mean(dim=-1, keepdim=True)
    return level, frames - level
