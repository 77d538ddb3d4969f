"""Text → coarse mels, one frame after the other, each layer remembering just the inputs it will need again.

The cached steps compute the same numbers as the whole network over the whole past (arXiv:1710.08969 re-runs it for
every frame: quadratic), and leave past frames as they were decoded, which re-running with a masked attention does not
(Kyubyong/dc_tts#27).

Legend: B texts decoded side by side, N symbols, T coarse frames, F mel bands, d = `channels`.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from dctts.batches import pad_stack
from dctts.cached_steps import CachedSteps
from dctts.layers import length_mask
from dctts.text2mel import Text2Mel
from dctts.threads import one_thread

QUIET = 0.12
"""Mean of a unit-mel frame below which it is silence: speech lies near 0.45, the silent tail of the clips at 0."""
COVERED = 0.3
"""Attention in sum from which a symbol counts as said."""


@dataclass(frozen=True, kw_only=True)
class DecodeOptions:
    """How attention is kept on the text, and when to stop."""

    dwell_frames: int = 10
    """Frames (46 ms each) attention may stay on one symbol before it is pushed on: 0.46 s, longer than any phone."""
    pause_dwell_frames: int = 20
    """The same on spaces and punctuation, where speakers pause."""
    end_frames: int = 3
    """Frames on the last symbol after which the text counts as said."""
    quiet_frames: int = 4
    """Or this many silent frames at one of the last two symbols."""
    length_factor: float = 1.6
    """Frames allowed, as a multiple of what the speaker's rate predicts."""
    spare_frames: int = 20
    """Frames allowed on top of that."""
    sharpness: float = 1.5
    """Attention scores are multiplied by it: above 1 the attention is more decided. Of 32 held-out sentences of a
    half-trained base word errors were 57 % at 1, 49 at 1.5, 52 at 2 and 51 at 3. To the base that ships it is all one:
    at 2 it has 4 % fewer words wrong than at 1.5 in 76 sentences and 5 % more in 20 others."""
    back: int = 1
    """Symbols that attention may look back from where it is (forced incremental attention of the paper)."""
    ahead: int = 3
    """Symbols that it may go forward in one frame."""
    free: bool = False
    """Let attention go where it likes, as in training: to measure how well it was learnt, never to speak."""


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """One decoded text and how it went."""

    coarse: Tensor
    """Tensor[T, F] in [0, 1]."""
    position: Tensor
    """Tensor[T], int64: where in the text each frame is; it never falls unless attention is free."""
    forced_at: tuple[int, ...]
    """For each symbol, the frames in which attention wanted to leave the window from there, or stayed too long."""
    attended: tuple[float, ...]
    """For each symbol, the attention it got in sum over all frames."""
    coverage: float
    """Part of the symbols, spaces left out, that got attention of at least 0.3 in sum."""
    reached_end: bool
    """Whether the last symbol was reached before the length cap."""

    @property
    def forced_frames(self) -> int:
        """Frames in which attention was moved."""
        return sum(self.forced_at)

    @property
    def forced_rate(self) -> float:
        """Forced frames per frame."""
        return self.forced_frames / max(1, len(self.coarse))


def decode(
    network: Text2Mel,
    texts: Sequence[Sequence[int]],
    voice: Tensor | None,
    *,
    symbols_per_frame: float,
    pauses: frozenset[int],
    options: DecodeOptions | None = None,
) -> list[Decoded]:
    """Decode several texts at once; each comes out as it would alone. Arguments as for `Decoding`."""
    decoding = Decoding(network, texts, voice, symbols_per_frame=symbols_per_frame, pauses=pauses, options=options)
    for _ in decoding:
        pass
    return decoding.results()


class Decoding:
    """Texts being decoded side by side: iterate for the frames as they come, then ask for the results.

    Each frame is Tensor[B, F]; those of a text that has ended mean nothing, `results` leaves them out.

    Args:
        network: in evaluation mode.
        texts: ids of each text, EOS last.
        voice: Tensor[speaker_dim], the speaker; None for a network without conditioning.
        symbols_per_frame: rate of the speaker, from the training clips: decides the length cap.
        pauses: ids on which a speaker may pause.
    """

    @torch.inference_mode()
    def __init__(
        self,
        network: Text2Mel,
        texts: Sequence[Sequence[int]],
        voice: Tensor | None,
        *,
        symbols_per_frame: float,
        pauses: frozenset[int],
        options: DecodeOptions | None = None,
    ) -> None:
        self._options = options = options or DecodeOptions()
        text, num_symbols = pad_stack([torch.tensor(ids) for ids in texts])
        condition = network.condition(None if voice is None else voice.unsqueeze(0))
        with one_thread():
            keys, values = network.text_encoder(text, length_mask(num_symbols, text.shape[1]), condition)
        self._steps = CachedSteps(network, len(texts), condition)
        self._attention = _Attention(keys, values, text.numpy(), num_symbols.numpy(), pauses, options)
        self._caps = (num_symbols / symbols_per_frame * options.length_factor).long().numpy() + options.spare_frames
        self._frames: list[Tensor] = []
        self._positions: list[NDArray[np.int64]] = []
        self._lengths = np.zeros(len(texts), np.int64)
        self._reached_end = np.zeros(len(texts), bool)

    def __iter__(self) -> Iterator[Tensor]:
        """Decode frame after frame until every text is said or at its cap."""
        options, attention, last = self._options, self._attention, self._attention.last
        batch = len(self._lengths)
        at_end, quiet = np.zeros(batch, np.int64), np.zeros(batch, np.int64)
        running = np.ones(batch, bool)
        while running.any():
            frame = self._step(running)
            yield frame
            self._lengths += running
            at_end = np.where(attention.position >= last, at_end + 1, 0)
            silent = (frame.mean(dim=-1).numpy() < QUIET) & (attention.position >= last - 1)
            quiet = np.where(silent, quiet + 1, 0)
            said = (at_end >= options.end_frames) | (quiet >= options.quiet_frames)
            self._reached_end |= said & running
            running &= ~said & (len(self._frames) < self._caps)

    @torch.inference_mode()
    def _step(self, running: NDArray[np.bool_]) -> Tensor:
        steps, attention = self._steps, self._attention
        with one_thread():
            attention.step(steps.encode(self._frames[-1] if self._frames else None), running, steps.attended)
            frame = steps.decode().sigmoid()
        self._frames.append(frame)
        self._positions.append(attention.position)
        return frame

    @property
    def positions(self) -> list[NDArray[np.int64]]:
        """int64[B] of each frame so far: where in its text each row is."""
        return self._positions

    def results(self) -> list[Decoded]:
        """Give what was decoded so far, without what came after the end of each text."""
        attention = self._attention
        coarse, position = torch.stack(self._frames, dim=1), np.stack(self._positions, axis=1)
        return [
            Decoded(
                coarse=coarse[row, :length].clone(),
                position=torch.from_numpy(position[row, :length].copy()),
                forced_at=tuple(attention.forced_at[row, : attention.last[row] + 1].tolist()),
                attended=tuple(attention.weights_of(row).tolist()),
                coverage=attention.coverage(row),
                reached_end=bool(self._reached_end[row]),
            )
            for row, length in enumerate(self._lengths)
        ]


class _Attention:
    """Attention that moves along each text without skipping, going back, or staying for ever.

    Only the scores are a matrix product: the rest is a handful of numbers a text, which NumPy handles at a third of the
    cost of as many small tensors.
    """

    def __init__(
        self,
        keys: Tensor,
        values: Tensor,
        text: NDArray[np.int64],
        num_symbols: NDArray[np.int64],
        pauses: frozenset[int],
        options: DecodeOptions,
    ) -> None:
        batch, longest, channels = keys.shape
        self.options, self.last = options, num_symbols - 1
        self.keys = keys * (options.sharpness / channels**0.5)
        self.rows = np.arange(batch)
        self.is_pause = np.isin(text, sorted(pauses))
        self.dwell = np.where(self.is_pause, options.pause_dwell_frames, options.dwell_frames)
        self.position = np.zeros(batch, np.int64)
        self.held = np.zeros(batch, np.int64)
        self.forced_at = np.zeros((batch, longest), np.int64)
        # Border and padding score -inf, so that the window may hang over either end of a text.
        self.offsets = np.arange(-options.back, options.ahead + 1)
        border = ((0, 0), (options.back, options.ahead))
        outside = np.pad(np.arange(longest) > self.last[:, None], border, constant_values=True)
        self.bias = np.where(outside, -np.inf, 0).astype(np.float32)
        self.scores = self.bias.copy()
        self.inner = slice(options.back, options.back + longest)
        self.values = np.pad(values.float().numpy(), (*border, (0, 0)))
        self.attended = np.zeros_like(self.bias)

    def step(self, query: Tensor, running: NDArray[np.bool_], into: Tensor) -> None:
        """Attend with queries Tensor[B, d] and write the attended values into Tensor[B, d]."""
        scores = self.scores
        product = torch.bmm(self.keys, query.unsqueeze(-1)).squeeze(-1).numpy()
        np.add(product, self.bias[:, self.inner], out=scores[:, self.inner])
        if self.options.free:
            self._step_freely(running, into)
            return
        options, position, rows = self.options, self.position, self.rows
        free = scores.argmax(axis=1) - options.back
        window = position[:, None] + (self.offsets + options.back)
        near = scores[rows[:, None], window]
        weights = np.exp(near - near.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        nearest = position - options.back + near.argmax(axis=1)
        strayed = (free < position - options.back) | (free > position + options.ahead)
        stuck = (nearest <= position) & (self.held >= self.dwell[rows, position]) & (position < self.last)
        moved = strayed | stuck
        target = nearest
        if moved.any():
            onward = np.minimum(position + 1, self.last)
            target = np.where(moved, onward, nearest)
            only = window == (onward + options.back)[:, None]
            weights = np.where(moved[:, None], only, weights).astype(np.float32)
            self.forced_at[rows, position] += moved & running
        self.attended[rows[:, None], window] += weights * running[:, None]
        self.held = np.where(target > position, 0, self.held + 1)
        # Going back a symbol is looking again, not un-saying it: the window never moves backwards.
        self.position = np.maximum(target, position)
        into.numpy()[:] = np.matmul(weights[:, None], self.values[rows[:, None], window])[:, 0]

    def _step_freely(self, running: NDArray[np.bool_], into: Tensor) -> None:
        weights = np.exp(self.scores - self.scores.max(axis=1, keepdims=True))
        weights /= weights.sum(axis=1, keepdims=True)
        self.position = weights.argmax(axis=1) - self.options.back
        self.attended += weights * running[:, None]
        into.numpy()[:] = np.matmul(weights[:, None], self.values)[:, 0]

    def weights_of(self, row: int) -> NDArray[np.float32]:
        """Attention that each symbol of a text got in sum."""
        return self.attended[row, self.inner][: self.last[row] + 1]

    def coverage(self, row: int) -> float:
        """Part of a text's spoken symbols that were attended."""
        last = self.last[row]
        spoken = ~self.is_pause[row, :last]
        return float((self.weights_of(row)[:last][spoken] >= COVERED).mean()) if spoken.any() else 1.0
