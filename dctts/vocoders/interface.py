"""What turns frames into sound, whichever it is: Griffin-Lim, HiFi-GAN, or the small one of our own.

Legend: M frames at the full rate, L linear bins, F mel bands, S = M · hop samples.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dctts.checkpoint import Weights
from dctts.config import AudioConfig
from dctts.refine import Head
from dctts.vocoders.griffin_lim import BLOCK_FRAMES, STREAM_BLOCK_FRAMES, PhaseRetrieval

Wave = NDArray[np.float32]

GRIFFIN_LIM = "griffin-lim"


class VocoderStream(Protocol):
    """Sound that comes piece by piece."""

    def push(self, frames: Tensor, *, last: bool = False) -> Wave:
        """Take the next frames, and give the samples that no later frame can change: all that are left after `last`."""


class Vocoder(Protocol):
    """Something that turns what SSRN gives into sound."""

    @property
    def kind(self) -> str:
        """Name of what it is, as files have it."""

    @property
    def head(self) -> Head:
        """Which of SSRN's outputs it takes: `linear`, magnitudes Tensor[M, L], or `mel`, natural-log Tensor[M, F]."""

    def open(self, *, seed: int = 0, streaming: bool = False) -> VocoderStream:
        """Begin a piece of sound.

        Args:
            seed: of whatever is random in it; the same seed gives the same samples.
            streaming: whether the first samples are waited for.
        """


class NeuralVocoder(Vocoder, Protocol):
    """One with weights, which a file can hold."""

    def about(self) -> Mapping[str, Any]:
        """Plain JSON values: its settings."""

    def weights(self) -> Weights:
        """Name → tensor."""


class GriffinLim:
    """Phase retrieval: needs no training, and takes magnitudes.

    Args:
        iterations: rounds for each block.
        power: exponent on the magnitudes.
    """

    kind = GRIFFIN_LIM
    head: Head = "linear"

    def __init__(self, audio: AudioConfig, *, iterations: int = 32, power: float = 1.0) -> None:
        self._audio, self._iterations, self._power = audio, iterations, power

    def open(self, *, seed: int = 0, streaming: bool = False) -> PhaseRetrieval:
        """Begin a piece of sound."""
        return PhaseRetrieval(
            self._audio,
            iterations=self._iterations,
            power=self._power,
            seed=seed,
            block=STREAM_BLOCK_FRAMES if streaming else BLOCK_FRAMES,
        )


class ContextStream:
    """Frames in pieces through something that sees `reach` frames to either side and no more: equal to the whole.

    Args:
        run: Tensor[m, F], how many of these come before the first one wanted, and how many are wanted → samples of
            those that are wanted.
        reach: frames of context.
        first_block: frames of the first block; each one after it is twice as long, up to `block`.
    """

    def __init__(
        self, run: Callable[[Tensor, int, int], Wave], *, reach: int, first_block: int = 0, block: int = 512
    ) -> None:
        self._run, self._reach, self._most = run, reach, block
        self._block = first_block or block
        self._frames: Tensor | None = None
        self._done = 0
        """Frames of `_frames` that were turned into sound already and are kept as context."""

    @torch.inference_mode()
    def push(self, frames: Tensor, *, last: bool = False) -> Wave:
        """Take the next frames, Tensor[m, F], and give the samples that are settled."""
        self._frames = frames if self._frames is None else torch.cat([self._frames, frames])
        made = [np.zeros(0, np.float32)]
        while (count := len(self._frames)) > self._done:
            stop = self._done + self._block
            if not last and stop + self._reach > count:
                break
            stop = min(stop, count)
            made.append(self._run(self._frames[: stop + self._reach], self._done, stop - self._done))
            kept = max(0, stop - self._reach)
            self._frames, self._done = self._frames[kept:], stop - kept
            self._block = min(2 * self._block, self._most)
        return np.concatenate(made)


def vocode(vocoder: Vocoder, frames: Tensor, *, seed: int = 0) -> Wave:
    """Turn all frames into sound at once: Tensor[M, L or F] → array[S]."""
    return vocoder.open(seed=seed).push(frames, last=True)
