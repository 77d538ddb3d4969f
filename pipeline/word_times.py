"""When the words of a clip are said, for the training of attention: PocketSphinx forced alignment of a clip's text."""

from collections.abc import Sequence

import numpy as np
import soxr
from numpy.typing import NDArray

from pipeline.align import Aligner
from pipeline.samples import SAMPLE_RATE_HZ

WORST_SCORE = -6.0
"""Mean acoustic score of the words, nats, below which the text is taken not to be what is said."""


class WordTimes:
    """Find known words in sound; satisfies `dctts.corpus.WordAligner`. English only, as its acoustic model is."""

    def __init__(self) -> None:
        self._aligner = Aligner()

    def find(self, words: Sequence[str], wave: NDArray[np.float32], sample_rate_hz: int) -> NDArray[np.float32] | None:
        """Give start and end of each word in seconds, array[W, 2]; None where they are not found."""
        if any(word.startswith("{") for word in words):  # an inline pronunciation is no dictionary word
            return None
        samples = soxr.resample(wave, sample_rate_hz, SAMPLE_RATE_HZ)
        found = self._aligner.align(words, (samples.clip(-1, 1) * 32767).astype(np.int16))
        if found is None or float(np.mean([word.score for word in found.words])) < WORST_SCORE:
            return None
        return np.array([(word.start_s, word.end_s) for word in found.words], np.float32)
