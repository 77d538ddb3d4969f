"""Let Text2Mel say what was recorded, when it was recorded: its own frames, with all its blur, beside the real ones.

Whatever comes after Text2Mel learns best from what Text2Mel gives it when it speaks. Left to its own pace it would say
a clip's words at other times than the clip does, and the two could not be compared.

Legend: B texts, N symbols, T coarse frames, F mel bands, d = `channels`.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from dctts.batches import pad_stack
from dctts.cached_steps import CachedSteps
from dctts.decode import DecodeOptions
from dctts.layers import length_mask
from dctts.text2mel import Text2Mel

REACH = 1
"""Symbols to either side of the one that is said that attention may look at."""


@torch.inference_mode()
def follow(network: Text2Mel, texts: Sequence[Sequence[int]], paths: Sequence[Tensor], voices: Tensor) -> list[Tensor]:
    """Speak from the own past, frame by frame, with attention led along given paths.

    Args:
        network: in evaluation mode, on the CPU.
        texts: ids of each text.
        paths: of each text a Tensor[T], int64: the symbol that each coarse frame says, as `alignment.symbol_path`
            finds it.
        voices: Tensor[B, 256], the speaker vectors.

    Returns:
        Tensor[T, F] of each text, in [0, 1].
    """
    text, num_symbols = pad_stack([torch.tensor(ids) for ids in texts])
    path, num_frames = pad_stack(list(paths))
    condition = network.condition(voices)
    keys, values = network.text_encoder(text, length_mask(num_symbols, text.shape[1]), condition)
    steps = CachedSteps(network, len(texts), condition)
    around = torch.arange(-REACH, REACH + 1)
    frame: Tensor | None = None
    said = []
    for said_now in path.unbind(dim=1):
        window = said_now.unsqueeze(1) + around
        outside = (window < 0) | (window >= num_symbols.unsqueeze(1))
        place = window.clamp(0, text.shape[1] - 1).unsqueeze(2).expand(-1, -1, keys.shape[2])
        scores = (keys.gather(1, place) @ steps.encode(frame).unsqueeze(2)).squeeze(2)
        scores = scores * (DecodeOptions().sharpness / keys.shape[2] ** 0.5)
        weights = functional.softmax(scores.masked_fill(outside, float("-inf")), dim=1)
        steps.attended.copy_((weights.unsqueeze(1) @ values.gather(1, place)).squeeze(1))
        frame = steps.decode().sigmoid()
        said.append(frame)
    frames = torch.stack(said, dim=1)
    return [row[:count].clone() for row, count in zip(frames, num_frames.tolist(), strict=True)]
