"""Sentences that nobody said: the beginning of one clip and the end of another by the same speaker.

A network that hears every sentence a hundred times knows it by its first words and need not read the rest; after three
hours of speech it says its own sentences far better than any other. Joined at quiet borders between words, its clips
are as many sentences as there are pairs of them.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from dctts.config import AudioConfig
from dctts.corpus import Example
from dctts.text import normalise, word_offsets

NEAR_BORDERS = 3
"""Borders looked at around the wanted place; the quietest is taken."""
SLACK_FRAMES = 2
"""Full-rate frames that a border between words may lie off the times of their phones."""


@dataclass(frozen=True, kw_only=True)
class _Border:
    word: int
    """The first one behind it."""
    frame: int
    """The first one behind it, at the full rate."""
    loudness: float
    """Mean of that frame, unit mels."""


LEAST_PLACE, MOST_PLACE = 0.2, 0.8
"""Where clips are left and entered, in parts of them."""


def splices(examples: Sequence[Example], count: int, random: np.random.Generator, audio: AudioConfig) -> list[Example]:
    """Make some `count` clips that begin with one of `examples` and end with another of the same speaker."""
    speakers: dict[str, list[Example]] = {}
    for example in examples:
        if len(example.phone_times):
            speakers.setdefault(example.speaker, []).append(example)
    heads = [example for clips in speakers.values() for example in clips]
    made = []
    for place in range(count if heads else 0):
        head = heads[place % len(heads)]
        tails = speakers[head.speaker]
        made.append(spliced(head, tails[int(random.integers(len(tails)))], random_place(random), audio))
    return [example for example in made if example is not None]


def random_place(random: np.random.Generator) -> float:
    """Draw where to leave one clip and to enter another."""
    return float(random.uniform(LEAST_PLACE, MOST_PLACE))


def spliced(head: Example, tail: Example, place: float, audio: AudioConfig) -> Example | None:
    """Say the beginning of one clip and the end of another.

    Args:
        head: a clip whose phones have times.
        tail: likewise, of the same speaker.
        place: where to leave the one and to enter the other, in parts of each, 0 to 1.

    Returns:
        the clip with its text and times, as long as both parts are; None where one of them has a single word, or
        the joined text would be read as other words.
    """
    left, right = _border(head, place, audio), _border(tail, place, audio)
    if left is None or right is None:
        return None
    before, after = normalise(head.text), normalise(tail.text)
    entered = word_offsets(after)[right.word :]
    text = before[: word_offsets(before)[left.word]] + after[entered[0] :]
    if normalise(text) != text or len(word_offsets(text)) != left.word + len(entered):
        return None
    hop = audio.hop_samples
    return replace(
        head,
        id=f"{head.id}+{tail.id}",
        text=text,
        wave=torch.cat([head.wave[: left.frame * hop], tail.wave[right.frame * hop :]]),
        mel=torch.cat([head.mel[: left.frame], tail.mel[right.frame :]]),
        phone_times=_joined(head.phone_times, tail.phone_times, left, right, hop / audio.sample_rate_hz),
    )


def _border(clip: Example, place: float, audio: AudioConfig) -> _Border | None:
    """Find a quiet border between two words."""
    words, starts, ends = clip.phone_times.unbind(dim=1)
    firsts = (words[1:] > words[:-1]).nonzero().flatten() + 1  # rows of phones that begin a word, but for the first
    if not len(firsts):
        return None
    frame_s = audio.hop_samples / audio.sample_rate_hz
    wanted = place * len(clip.mel) * frame_s
    near = (starts[firsts] - wanted).abs().argsort()[:NEAR_BORDERS]
    loudness = clip.mel.float().mean(dim=1)
    found = []
    for row in firsts[near].tolist():
        first = max(1, int(ends[row - 1] / frame_s) - SLACK_FRAMES)
        last = min(len(clip.mel) - 1, int(starts[row] / frame_s) + SLACK_FRAMES + 1)
        if last <= first:
            continue
        frame = first + int(loudness[first:last].argmin())
        found.append(_Border(word=int(words[row]), frame=frame, loudness=float(loudness[frame])))
    return min(found, key=lambda border: border.loudness, default=None)


def _joined(head: Tensor, tail: Tensor, left: _Border, right: _Border, frame_s: float) -> Tensor:
    """Phones before one border and behind the other: array[K, 3] as in `Example`, shifted and cut to fit."""
    before, after = head[head[:, 0] < left.word].clone(), tail[tail[:, 0] >= right.word].clone()
    border_s = left.frame * frame_s
    before[:, 1:].clamp_(max=border_s)
    after[:, 0] += left.word - right.word
    after[:, 1:] = (after[:, 1:] + border_s - right.frame * frame_s).clamp_min(border_s)
    return torch.cat([before, after])
