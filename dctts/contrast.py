"""Put back the contrast that training takes away: predicted spectra vary less around their mean than real ones.

A network trained on an absolute error says the middle of all it thinks possible, so that peaks are lower and valleys
shallower than in any recording. Scaling the variance back is the oldest cure (Silén, Helander, Nurminen and Gabbouj,
"Ways to implement global variance in statistical speech synthesis", Interspeech 2012).

Legend: T coarse frames, F mel bands.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from dctts.config import AudioConfig
from dctts.corpus import Example

CONTRAST = 1.4
"""Of 20 held-out sentences of a half-trained base: word errors 59 % at 1, 56 % at 1.5; earlier, with more to put back,
72 % at 1, 58 % at 1.4, 54 % at 1.6 and 67 % at 1.8; similarity to the speaker 0.74, 0.80, 0.80 and 0.77."""
SPOKEN = 0.25
"""Mean of a unit-mel frame from which it counts as speech when the mean is taken."""


def mean_frame(examples: Sequence[Example], audio: AudioConfig) -> Tensor:
    """Average the frames of a speaker in which something is said: Tensor[F], unit mels."""
    total, count = torch.zeros(audio.num_mels), 0
    for example in examples:
        frames = example.mel[:: audio.reduction].float()
        spoken = frames[frames.mean(dim=1) > SPOKEN]
        total, count = total + spoken.sum(dim=0), count + len(spoken)
    return total / max(1, count)


def with_contrast(coarse: Tensor, mean: Tensor | None, contrast: float) -> Tensor:
    """Push frames away from the mean frame: Tensor[T, F] → Tensor[T, F], unit mels; as they are without a mean."""
    if mean is None or contrast == 1:
        return coarse
    return (mean + (coarse - mean) * contrast).clamp(0, 1)
