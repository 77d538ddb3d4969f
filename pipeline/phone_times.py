"""When the phones of a clip are said, for the training of attention: PocketSphinx forced alignment of a clip's text."""

from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from pipeline.align import Aligner
from pipeline.samples import SAMPLE_RATE_HZ

WORST_SCORE = -6.0
"""Mean acoustic score of the words, nats, below which the text is taken not to be what is said."""


class PhoneTimes:
    """Find the sounds of known words; satisfies `dctts.corpus.PhoneAligner`. English only, as its acoustic model is."""

    def __init__(self) -> None:
        self._aligner = Aligner()

    def find(self, words: Sequence[str], wave: NDArray[np.float32], sample_rate_hz: int) -> NDArray[np.float32] | None:
        """Give each phone's word, start and end in seconds, array[K, 3]; None where they are not found."""
        if any(word.startswith("{") for word in words):  # an inline pronunciation is no dictionary word
            return None
        resampled = soxr.resample(wave, sample_rate_hz, SAMPLE_RATE_HZ)
        samples = (resampled.clip(-1, 1) * 32767).astype(np.int16)
        found = self._aligner.align(words, samples)
        if found is None or float(np.mean([word.score for word in found.words])) < WORST_SCORE:
            return None
        return self._aligner.phones(samples)
