"""What the demo's talk needs of whoever speaks in it: a base voice in disguise, or eSpeak NG where none ships."""

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """Speech, and when each word of its text starts."""

    samples: NDArray[np.int16]
    sample_rate_hz: int
    word_starts_s: tuple[float, ...]
    """One for each blank-separated word of the text."""


class Speaker(Protocol):
    """Somebody who says what he is given."""

    @property
    def sample_rate_hz(self) -> int:
        """Of all he says."""

    def speak(self, text: str) -> Spoken:
        """Say a text.

        Raises:
            ClonePipelineError: it cannot be said.
        """
