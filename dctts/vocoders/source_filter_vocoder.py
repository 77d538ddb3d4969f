"""The small vocoder at work: frames in pieces, pitch and noise going on from piece to piece.

Legend: M frames at the full rate, F mel bands, S = M · hop samples.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from dctts.checkpoint import Weights
from dctts.config import AudioConfig
from dctts.refine import Head
from dctts.vocoders.interface import Wave
from dctts.vocoders.source_filter import SourceFilter, filtered, pitch_hz, pulse_train

BLOCK_FRAMES = 512
FIRST_BLOCK_FRAMES = 16
"""Of a stream; each block after it is twice as long."""
OVERLAP_FRAMES = 4
"""Frames whose windows reach into a frame's samples (3), and one more whose pitch bends that of the outermost."""


class SourceFilterVocoder:
    """The small network as a vocoder."""

    kind = "source-filter"
    head: Head = "mel"

    def __init__(self, network: SourceFilter) -> None:
        self.network = network.eval()

    def about(self) -> Mapping[str, Any]:
        """Give its settings."""
        return self.network.config.to_dict()

    def weights(self) -> Weights:
        """Give its weights."""
        return dict(self.network.named_parameters())

    def open(self, *, seed: int = 0, streaming: bool = False) -> "SourceFilterStream":
        """Begin a piece of sound."""
        return SourceFilterStream(self.network, seed=seed, first_block=FIRST_BLOCK_FRAMES if streaming else 0)


class SourceFilterStream:
    """Frames in pieces: equal to the whole, because each piece knows the phase and the noise that it begins with."""

    def __init__(self, network: SourceFilter, *, seed: int, first_block: int = 0) -> None:
        self._network, self._audio = network, AudioConfig()
        self._random = np.random.default_rng(seed)
        self._reach = network.reach + OVERLAP_FRAMES
        self._block = first_block or BLOCK_FRAMES
        self._frames = torch.zeros(0, network.config.num_mels)
        self._noise = torch.zeros(0)
        self._turns = torch.zeros(0, dtype=torch.float64)
        """Before each of the frames kept as context, and before the next one."""
        self._done = 0
        """Frames of `_frames` that were turned into sound already and are kept as context."""

    @torch.inference_mode()
    def push(self, frames: Tensor, *, last: bool = False) -> Wave:
        """Take the next frames, Tensor[m, F], and give the samples that are settled."""
        hop = self._audio.hop_samples
        self._frames = torch.cat([self._frames, frames])
        noise = self._random.standard_normal(len(frames) * hop, dtype=np.float32)
        self._noise = torch.cat([self._noise, torch.from_numpy(noise)])
        made = [np.zeros(0, np.float32)]
        while (count := len(self._frames)) > self._done:
            stop = self._done + self._block
            if not last and stop + self._reach > count:
                break
            stop = min(stop, count)
            made.append(self._run(stop))
            kept = max(0, stop - self._reach)
            self._frames, self._noise = self._frames[kept:], self._noise[kept * hop :]
            self._turns = self._turns[kept : stop + 1]
            self._done = stop - kept
            self._block = min(2 * self._block, BLOCK_FRAMES)
        return np.concatenate(made)

    def _run(self, stop: int) -> Wave:
        """Give the samples of frames `_done` to `stop`."""
        hop = self._audio.hop_samples
        seen = min(len(self._frames), stop + self._reach)
        mel = self._frames[:seen].unsqueeze(0)
        hz = pitch_hz(self._network.pitch_logits(mel))
        # Pulses are set from the frame before the first whose windows matter on: its phase is known from before.
        start = max(0, self._done - OVERLAP_FRAMES)
        turns = self._turns[start : start + 1] if len(self._turns) else torch.zeros(1, dtype=torch.float64)
        pulses, after = pulse_train(hz, self._audio, turns, start=start)
        self._turns = torch.cat([self._turns[: start + 1] if len(self._turns) else turns, after[0]])
        noise = self._noise[start * hop : seen * hop].unsqueeze(0)
        pulse_gain, phase, noise_gain = (one[:, start:] for one in self._network(mel))
        wave: Wave = filtered(pulses, noise, (pulse_gain, phase, noise_gain), self._audio)[0].numpy()
        return wave[(self._done - start) * hop : (stop - start) * hop].copy()
