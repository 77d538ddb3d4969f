"""A trained Text2Mel → one with twice the channels that computes the same, to train on (Net2Net, arXiv:1511.05641).

Every channel is there twice and what reads a pair shares its weight out unevenly, so that the two part ways from the
first step on. TextEnc keeps its width: it is wide enough already.
"""

from collections.abc import Callable
from dataclasses import replace

import torch
from torch import Tensor

from dctts.layers import Conv, HighwayConv, NormConv
from dctts.text2mel import Text2Mel

_UNEVEN = 0.5
"""Standard deviation of how a weight is shared out, in parts of it."""


def widened(narrow: Text2Mel, *, seed: int = 0) -> Text2Mel:
    """Double the channels of a Text2Mel whose TextEnc has no projection of its own.

    Raises:
        ValueError: it has one: widening it would need another way.
    """
    if narrow.text_encoder.exit is not None:
        raise ValueError("this Text2Mel was widened already, or is no `small` one")
    config = narrow.config
    wide = Text2Mel(replace(config, channels=2 * config.channels))
    random = torch.Generator().manual_seed(seed)
    share = _Sharing(random)
    with torch.no_grad():
        wide.text_encoder.load_state_dict(narrow.text_encoder.state_dict(), strict=False)
        exit = wide.text_encoder.exit
        assert exit is not None
        keys, values = torch.eye(2 * config.channels).chunk(2)
        # Queries and keys are twice as long now, their product is divided by √2 more.
        exit.weight.copy_(torch.cat([keys / 2**0.5, keys / 2**0.5, values, values]))
        exit.bias.zero_()
        for name, few in narrow.named_modules():
            many = wide.get_submodule(name)
            if name.startswith("text_encoder"):
                continue
            if isinstance(few, HighwayConv) and isinstance(many, HighwayConv):
                _highway(few, many, share)
            elif isinstance(few, NormConv) and isinstance(many, NormConv):
                reads_frames, reads_two = name == "audio_encoder.entry.0", name == "audio_decoder.entry"
                _norm_conv(few, many, _unshared if reads_frames else share, groups=2 if reads_two else 1)
        _head(narrow.audio_decoder.logits, wide.audio_decoder.logits, share)
        _head(narrow.text_logits, wide.text_logits, share)
        if narrow.speaker is not None and wide.speaker is not None:
            wide.speaker.load_state_dict(narrow.speaker.state_dict())
    return wide


class _Sharing:
    """Weights that read C channels → weights that read each twice and add up to the same."""

    def __init__(self, random: torch.Generator) -> None:
        self._random = random

    def __call__(self, weight: Tensor, groups: int) -> Tensor:
        """Tensor[out, groups · C] → Tensor[out, groups · 2C]: a group is a tap, or one of two inputs side by side."""
        parts = weight.view(len(weight), groups, -1)
        more = parts * (0.5 + _UNEVEN * torch.randn(parts.shape, generator=self._random))
        return torch.cat([more, parts - more], dim=2).flatten(1)


_Share = Callable[[Tensor, int], Tensor]


def _unshared(weight: Tensor, _: int) -> Tensor:
    """Leave what reads mel bands as it is: they are not doubled."""
    return weight


def _twice(rows: Tensor, groups: int = 1) -> Tensor:
    """Repeat each group of outputs: Tensor[groups · C, …] → Tensor[groups · 2C, …]."""
    return torch.cat([part for group in rows.chunk(groups) for part in (group, group)])


def _norm_conv(few: NormConv, many: NormConv, share: _Share, groups: int = 1) -> None:
    many.conv.weight.copy_(_twice(share(few.conv.weight, groups)))
    many.conv.bias.copy_(_twice(few.conv.bias))
    many.norm.weight.copy_(_twice(few.norm.weight))
    many.norm.bias.copy_(_twice(few.norm.bias))


def _highway(few: HighwayConv, many: HighwayConv, share: _Share) -> None:
    many.conv.weight.copy_(_twice(share(few.conv.weight, few.conv.kernel), 2))
    many.conv.bias.copy_(_twice(few.conv.bias, 2))
    many.gain.copy_(few.gain.repeat(1, 2))
    many.offset.copy_(few.offset.repeat(1, 2))
    if few.film is not None and many.film is not None:
        many.film.weight.copy_(_twice(few.film.weight, 2))


def _head(few: Conv, many: Conv, share: _Share) -> None:
    many.weight.copy_(share(few.weight, 1))
    many.bias.copy_(few.bias)
