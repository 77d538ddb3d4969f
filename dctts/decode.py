"""Text → coarse mels, one frame after the other, each layer remembering just the inputs it will need again.

The cached steps compute the same numbers as the whole network over the whole past (arXiv:1710.08969 re-runs it for
every frame: quadratic), and leave past frames as they were decoded, which re-running with a masked attention does not
(Kyubyong/dc_tts#27).

Legend: B texts decoded side by side, N symbols, T coarse frames, F mel bands, d = `channels`.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from dctts.batches import pad_stack
from dctts.layers import HighwayConv, NormConv, combine, length_mask
from dctts.text2mel import Text2Mel

BACK, AHEAD = 1, 3
"""Attention may go one symbol back and three ahead of where it is (forced incremental attention, section 4.2)."""
QUIET = 0.12
"""Mean of a unit-mel frame below which it is silence: speech lies near 0.45, the silent tail of the clips at 0."""


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
    sharpness: float = 1.0
    """Attention scores are multiplied by it: above 1 the attention is more decided."""


@dataclass(frozen=True, kw_only=True)
class Decoded:
    """One decoded text and how it went."""

    coarse: Tensor
    """Tensor[T, F] in [0, 1]."""
    position: Tensor
    """Tensor[T], int64: the symbol attended most in each frame."""
    forced_frames: int
    """Frames in which attention wanted to leave the window, or stayed too long, and was moved."""
    coverage: float
    """Part of the symbols, spaces left out, that got attention of at least 0.3 in sum."""
    reached_end: bool
    """Whether the last symbol was reached before the length cap."""

    @property
    def forced_rate(self) -> float:
        """Forced frames per frame."""
        return self.forced_frames / max(1, len(self.coarse))


@torch.inference_mode()
def decode(
    network: Text2Mel,
    texts: Sequence[Sequence[int]],
    voice: Tensor | None,
    *,
    symbols_per_frame: float,
    pauses: frozenset[int],
    options: DecodeOptions | None = None,
) -> list[Decoded]:
    """Decode several texts at once; each comes out as it would alone.

    Args:
        network: in evaluation mode.
        texts: ids of each text, EOS last.
        voice: Tensor[speaker_dim], the speaker; None for a network without conditioning.
        symbols_per_frame: rate of the speaker, from the training clips: decides the length cap.
        pauses: ids on which a speaker may pause.
    """
    options = options or DecodeOptions()
    text, num_symbols = pad_stack([torch.tensor(ids) for ids in texts])
    batch = len(texts)
    mask = length_mask(num_symbols, text.shape[1])
    condition = network.condition(None if voice is None else voice.unsqueeze(0))
    keys, values = network.text_encoder(text, mask, condition)
    steps = _CachedSteps(network, batch, condition)
    attention = _ForcedAttention(keys, values, text, num_symbols, pauses, options)
    caps = (num_symbols / symbols_per_frame * options.length_factor).long() + options.spare_frames
    frame = torch.zeros(batch, network.config.num_mels)
    frames, positions, lengths = [], [], torch.zeros(batch, dtype=torch.long)
    at_end, quiet = torch.zeros(batch, dtype=torch.long), torch.zeros(batch, dtype=torch.long)
    running = torch.ones(batch, dtype=torch.bool)
    for time in range(int(caps.max())):
        query = steps.encode(frame, time)
        attended = attention.step(query, running)
        frame = steps.decode(torch.cat([attended, query], dim=-1), time).sigmoid()
        frames.append(frame)
        positions.append(attention.position.clone())
        lengths += running
        last = num_symbols - 1
        at_end = torch.where(attention.position >= last, at_end + 1, 0)
        silent = (frame.mean(dim=-1) < QUIET) & (attention.position >= last - 1)
        quiet = torch.where(silent, quiet + 1, 0)
        said = (at_end >= options.end_frames) | (quiet >= options.quiet_frames)
        attention.reached_end |= said & running
        running &= ~said & (time + 1 < caps)
        if not running.any():
            break
    coarse, position = torch.stack(frames, dim=1), torch.stack(positions, dim=1)
    return [
        Decoded(
            coarse=coarse[i, : lengths[i]],
            position=position[i, : lengths[i]],
            forced_frames=int(attention.forced[i]),
            coverage=attention.coverage(i),
            reached_end=bool(attention.reached_end[i]),
        )
        for i in range(batch)
    ]


class _ForcedAttention:
    """Attention that moves along each text without skipping, going back, or staying for ever."""

    def __init__(
        self,
        keys: Tensor,
        values: Tensor,
        text: Tensor,
        num_symbols: Tensor,
        pauses: frozenset[int],
        options: DecodeOptions,
    ) -> None:
        batch, longest, channels = keys.shape
        self.keys, self.values, self.text, self.num_symbols = keys, values, text, num_symbols
        self.scale = options.sharpness / channels**0.5
        is_pause = torch.isin(text, torch.tensor(sorted(pauses)))
        self.dwell = torch.where(is_pause, options.pause_dwell_frames, options.dwell_frames)
        self.is_pause = is_pause
        self.places = torch.arange(longest)
        self.position = torch.zeros(batch, dtype=torch.long)
        self.held = torch.zeros(batch, dtype=torch.long)
        self.forced = torch.zeros(batch, dtype=torch.long)
        self.attended = torch.zeros(batch, longest)
        self.reached_end = torch.zeros(batch, dtype=torch.bool)

    def step(self, query: Tensor, running: Tensor) -> Tensor:
        """Attend with queries Tensor[B, d] → attended values Tensor[B, d]."""
        scores = torch.einsum("bnd,bd->bn", self.keys, query) * self.scale
        offset = self.places - self.position.unsqueeze(1)
        last = (self.num_symbols - 1).unsqueeze(1)
        inside = (offset >= -BACK) & (offset <= AHEAD) & (self.places <= last)
        free = scores.masked_fill(self.places > last, float("-inf")).argmax(dim=-1)
        strayed = ~inside.gather(1, free.unsqueeze(1)).squeeze(1)
        weights = torch.softmax(scores.masked_fill(~inside, float("-inf")), dim=-1)
        nearest = weights.argmax(dim=-1)
        stays = nearest <= self.position
        limit = self.dwell.gather(1, self.position.unsqueeze(1)).squeeze(1)
        stuck = stays & (self.held >= limit) & (self.position < last.squeeze(1))
        moved = strayed | stuck
        onward = (self.position + 1).minimum(last.squeeze(1))
        only = torch.nn.functional.one_hot(onward, weights.shape[1]).to(weights.dtype)
        weights = torch.where(moved.unsqueeze(1), only, weights)
        target = torch.where(moved, onward, nearest)
        self.held = torch.where(target > self.position, 0, self.held + 1)
        # Going back a symbol is looking again, not un-saying it: the window never moves backwards.
        self.position = target.maximum(self.position)
        self.forced += moved & running
        self.attended += weights * running.unsqueeze(1)
        return torch.einsum("bn,bnd->bd", weights, self.values)

    def coverage(self, row: int) -> float:
        """Part of a text's spoken symbols that were attended."""
        spoken = (self.places < self.num_symbols[row] - 1) & ~self.is_pause[row]
        return float((self.attended[row][spoken] >= 0.3).float().mean()) if spoken.any() else 1.0


class _CachedSteps:
    """AudioEnc and AudioDec, one frame at a time: Tensor[B, C] in and out."""

    def __init__(self, network: Text2Mel, batch: int, condition: Tensor | None) -> None:
        encoder, decoder = network.audio_encoder, network.audio_decoder
        self.encoder_entry = [_one_frame(layer) for layer in encoder.entry]
        self.encoder = [_CachedHighway(block, batch, None) for block in encoder.blocks]  # type: ignore[arg-type]
        self.decoder_entry = _one_frame(decoder.entry)
        self.decoder = [_CachedHighway(block, batch, condition) for block in decoder.blocks]  # type: ignore[arg-type]
        self.decoder_exit = [*(_one_frame(layer) for layer in decoder.exit)]
        self.logits = decoder.logits

    def encode(self, frame: Tensor, time: int) -> Tensor:
        """Previous coarse frame Tensor[B, F] → query Tensor[B, d]."""
        x = frame
        for layer in self.encoder_entry:
            x = layer(x)
        for block in self.encoder:
            x = block.step(x, time)
        return x

    def decode(self, attended: Tensor, time: int) -> Tensor:
        """Attended values and query Tensor[B, 2d] → logits Tensor[B, F]."""
        x = self.decoder_entry(attended)
        for block in self.decoder:
            x = block.step(x, time)
        for layer in self.decoder_exit:
            x = layer(x)
        logits: Tensor = self.logits(x)
        return logits


def _one_frame(layer: torch.nn.Module) -> NormConv:
    assert isinstance(layer, NormConv)
    return layer


class _CachedHighway:
    """A causal highway block that keeps its last 2δ inputs in a ring."""

    def __init__(self, block: HighwayConv, batch: int, condition: Tensor | None) -> None:
        conv = block.conv
        channels = conv.weight.shape[1] // conv.kernel
        self.ring = torch.zeros(conv.reach, batch, channels)
        self.dilation = conv.dilation
        self.weight, self.bias = conv.weight, conv.bias
        self.gate_gain, self.gate_offset = block.gain[0], block.offset[0]
        gain, offset = block.candidate_norm(condition)
        self.gain, self.offset = gain[:, 0], offset[:, 0]

    def step(self, x: Tensor, time: int) -> Tensor:
        """Input Tensor[B, C] of frame `time` → output Tensor[B, C]."""
        place = time % len(self.ring)
        oldest, middle = self.ring[place], self.ring[(time + self.dilation) % len(self.ring)]
        hidden = torch.nn.functional.linear(torch.cat([oldest, middle, x], dim=-1), self.weight, self.bias)
        self.ring[place] = x
        return combine(hidden, x, self.gate_gain, self.gate_offset, self.gain, self.offset)
