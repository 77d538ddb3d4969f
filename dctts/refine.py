"""Coarse frames → full-rate ones, in pieces that equal the whole: SSRN sees 9 coarse frames to either side and no more.

Legend: T coarse frames, F mel bands, L linear bins.
"""

from typing import Literal

import torch
from torch import Tensor

from dctts.audio import linear_from_unit, mel_from_unit
from dctts.config import AudioConfig
from dctts.ssrn import CONTEXT_FRAMES, SSRN

BLOCK_FRAMES = 256
"""Coarse frames (12 s) that are refined at once."""
FIRST_BLOCK_FRAMES = 8
"""Of a stream: the first sound needs so many frames and their context; each block after it is twice as long."""
STREAM_BLOCK_FRAMES = 64

Head = Literal["linear", "mel"]
"""`linear` gives magnitudes Tensor[…, L] for phase retrieval, `mel` natural-log mels Tensor[…, F] for a vocoder."""


@torch.inference_mode()
def refine(ssrn: SSRN, coarse: Tensor, audio: AudioConfig, *, head: Head = "linear") -> Tensor:
    """Coarse frames Tensor[T, F] → frames at the full rate, Tensor[4T, L or F], block by block."""
    count = len(coarse)
    starts = range(0, count, BLOCK_FRAMES)
    return torch.cat([_block(ssrn, coarse, start, min(count, start + BLOCK_FRAMES), audio, head) for start in starts])


class StreamRefiner:
    """The same for frames that are still coming: each push gives what no later frame can change."""

    def __init__(self, ssrn: SSRN, audio: AudioConfig, *, head: Head = "linear") -> None:
        self._ssrn, self._audio, self._head = ssrn, audio, head
        self._coarse = torch.zeros(0, ssrn.config.num_mels)
        self._done = 0
        """Frames of `_coarse` that were refined already and are kept as context."""
        self._block = FIRST_BLOCK_FRAMES

    @torch.inference_mode()
    def push(self, coarse: Tensor, *, last: bool = False) -> Tensor:
        """Coarse frames Tensor[T, F] → settled frames Tensor[4t, L or F], t from 0 to what has come."""
        self._coarse = torch.cat([self._coarse, coarse])
        made = [torch.zeros(0, self._audio.num_bins if self._head == "linear" else self._audio.num_mels)]
        while (count := len(self._coarse)) > self._done:
            stop = self._done + self._block
            if not last and stop + CONTEXT_FRAMES > count:
                break
            stop = min(stop, count)
            made.append(_block(self._ssrn, self._coarse, self._done, stop, self._audio, self._head))
            kept = max(0, stop - CONTEXT_FRAMES)
            self._coarse, self._done = self._coarse[kept:], stop - kept
            self._block = min(2 * self._block, STREAM_BLOCK_FRAMES)
        return torch.cat(made)


def _block(ssrn: SSRN, coarse: Tensor, start: int, stop: int, audio: AudioConfig, head: Head) -> Tensor:
    first, last = max(0, start - CONTEXT_FRAMES), min(len(coarse), stop + CONTEXT_FRAMES)
    linear, mel = ssrn(coarse[first:last].unsqueeze(0))
    skipped = (start - first) * audio.reduction
    wanted = slice(skipped, skipped + (stop - start) * audio.reduction)
    if head == "mel":
        return mel_from_unit(mel[0, wanted].float().sigmoid(), audio)
    return linear_from_unit(linear[0, wanted].float().sigmoid(), audio)
