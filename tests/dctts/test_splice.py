from dataclasses import replace

import numpy as np
import pytest
import torch

from dctts.config import AudioConfig
from dctts.corpus import Example
from dctts.splice import spliced, splices

HOP_S = 256 / 22_050
AUDIO = AudioConfig()


def clip(text: str, *, level: float, gap_frame: int | None = None) -> Example:
    """Words of 20 frames each after 5 of silence, one phone a word; every frame says which clip and place it is of."""
    words = len(text.split())
    frames = 5 + 20 * words + 5
    mel = torch.full((frames, 80), level) + torch.arange(frames).unsqueeze(1) / 1000
    if gap_frame is not None:
        mel[gap_frame] = 0
    starts = (5 + 20 * torch.arange(words)) * HOP_S
    return Example(
        id=text[:3],
        speaker="ada",
        text=text,
        wave=(torch.arange(frames * 256) % 30_000).short(),
        mel=mel.half(),
        voice=torch.ones(256) / 16,
        phone_times=torch.stack([torch.arange(words).float(), starts, starts + 20 * HOP_S], dim=1),
    )


def test_it_begins_with_one_clip_and_ends_with_the_other() -> None:
    made = spliced(clip("one two, three four", level=0.2, gap_frame=45), clip("five six seven?", level=0.6), 0.5, AUDIO)
    assert made is not None
    assert made.text == "one two, six seven?"
    border = int((made.mel[:, 5] > 0.5).nonzero()[0])
    assert border == 45  # the quietest frame between two and three
    assert (made.mel[border:, 5] > 0.5).all()
    assert len(made.wave) == len(made.mel) * 256


def test_its_phones_are_said_when_its_frames_say_them() -> None:
    made = spliced(clip("one two three four", level=0.2), clip("five six seven", level=0.6), 0.5, AUDIO)
    assert made is not None
    words, starts, ends = made.phone_times.unbind(dim=1)
    assert words.tolist() == list(range(len(made.text.split())))
    assert (starts[1:] >= ends[:-1] - 1e-6).all()
    assert (ends >= starts).all()
    assert float(ends[-1]) == pytest.approx((len(made.mel) - 5) * HOP_S, abs=1e-4)


def test_as_many_are_made_as_are_asked_for_and_none_mixes_speakers() -> None:
    ada, bob = clip("one two three", level=0.2), replace(clip("four five six", level=0.6), speaker="bob")
    untimed = replace(ada, id="untimed", phone_times=torch.zeros(0, 3))
    made = splices([ada, bob, untimed], 6, np.random.default_rng(0), AUDIO)
    assert len(made) == 6
    assert {(example.id, example.speaker) for example in made} == {("one+one", "ada"), ("fou+fou", "bob")}
    assert splices([untimed], 6, np.random.default_rng(0), AUDIO) == []


def test_a_single_word_cannot_be_left_or_entered() -> None:
    many, single = clip("one two three", level=0.2), clip("six", level=0.6)
    assert spliced(single, many, 0.5, AUDIO) is None
    assert spliced(many, single, 0.5, AUDIO) is None
