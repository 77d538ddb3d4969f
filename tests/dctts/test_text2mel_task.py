from dataclasses import fields, replace
from pathlib import Path

import pytest
import torch

from dctts.batches import EncodedBatch, TextBatch
from dctts.config import AudioConfig, text2mel_config
from dctts.corpus import Example
from dctts.lexicon import Lexicon
from dctts.replay import NO_REPLAY, Replay
from dctts.text2mel import Text2Mel
from dctts.text2mel_task import Text2MelRecipe, Text2MelTask
from dctts.vocabulary import VOCABULARY

TEXTS = ("one two", "three four five", "six", "seven eight nine")
HOP_S = 256 / 22_050


def clip(index: int, *, times: bool = True) -> Example:
    random = torch.Generator().manual_seed(index)
    frames = 60 + 8 * index
    words = len(TEXTS[index].split())
    borders = torch.linspace(0.1, frames * HOP_S - 0.1, words + 1)
    return Example(
        id=str(index),
        speaker="ada",
        text=TEXTS[index],
        wave=torch.zeros(frames * 256, dtype=torch.int16),
        mel=torch.rand(frames, 80, generator=random).half(),
        voice=torch.nn.functional.normalize(torch.rand(256, generator=random), dim=0),
        phone_times=torch.stack([torch.arange(words), borders[:-1], borders[1:]], dim=1)
        if times
        else torch.zeros(0, 3),
    )


def task(*, times: bool = True, replay: Replay = NO_REPLAY, **recipe: object) -> Text2MelTask:
    torch.manual_seed(0)
    network = Text2Mel(text2mel_config("tiny", len(VOCABULARY), dropout=0.0))
    clips = [clip(index, times=times) for index in range(4)]
    chosen = Text2MelRecipe(**{"batch_size": 4, "phoneme_probability": 0.0, **recipe})  # type: ignore[arg-type]
    return Text2MelTask(network, clips, clips, recipe=chosen, audio=AudioConfig(), lexicon=Lexicon(), replay=replay)


def test_what_a_step_trains_on_depends_on_the_step_alone() -> None:
    first, second = task(phoneme_probability=0.5), task(phoneme_probability=0.5)
    first.batch(0)
    for field in fields(TextBatch):
        assert torch.equal(getattr(first.batch(7), field.name), getattr(second.batch(7), field.name)), field.name


def test_frames_belong_to_the_words_that_are_said_then() -> None:
    batch = task().batch(0)
    row = int((batch.num_symbols == len("three four five") + 1).nonzero()[0])
    path = batch.path[row, : int(batch.num_frames[row])]
    assert path.diff().min() >= 0
    assert path[0] == 0
    assert path[-1] == len("three four five")  # the end of the text, after the last word
    middle = path[len(path) // 2]
    assert len("three ") <= middle < len("three four")


def test_without_word_times_the_diagonal_stands_in() -> None:
    batch = task(times=False).batch(0)
    for row in range(4):
        path = batch.path[row, : int(batch.num_frames[row])]
        assert path[-1] == batch.num_symbols[row] - 1
        expected = torch.linspace(0, int(path[-1]), len(path))
        assert (path - expected).abs().max() <= 0.51


def test_a_frozen_text_encoder_is_computed_once_and_gives_the_same_loss() -> None:
    free, frozen = task(told_probability=0.0), task(freeze_text=True, told_probability=0.0)
    text, encoded = free.batch(3), frozen.batch(3)
    assert isinstance(text, TextBatch)
    assert isinstance(encoded, EncodedBatch)
    # The whole encoding hears the speaker of the batch, the frozen one its mean: give both the mean.
    mean = free.centroids["ada"].expand(4, -1)
    plain = free.loss(free.network, TextBatch(**{**vars(text), "voice": mean}), 0)
    fast = frozen.loss(frozen.network, EncodedBatch(**{**vars(encoded), "voice": mean}), 0)
    for name, value in plain.items():
        assert fast[name].item() == pytest.approx(value.item(), rel=1e-4), name
    fast["loss"].backward()  # type: ignore[no-untyped-call]
    assert all(parameter.grad is None for parameter in frozen.network.text_encoder.parameters())  # type: ignore[union-attr]


def test_disturbed_frames_stay_frames_and_start_only_when_they_should() -> None:
    early = task(corrupt_from=10, corrupt_ramp=1, replace_probability=0.5)
    previous, lengths = torch.rand(2, 20, 80), torch.tensor([20, 12])
    assert torch.equal(early._corrupted(previous, lengths, 10), previous)
    later = early._corrupted(previous, lengths, 12)
    assert not torch.equal(later, previous)
    assert 0 <= later.min() <= later.max() <= 1


def test_validation_tells_reading_from_copying(tmp_path: Path) -> None:
    trained = task()
    with torch.no_grad():
        measured = trained.validate(trained.network.eval(), 5, tmp_path)
    assert set(measured) == {"l1", "l1_shuffled_text", "l1_noise_past", "attention_peak"}
    assert (tmp_path / "text2mel-000005-attention.png").is_file()


def test_a_part_of_every_batch_is_what_the_base_said() -> None:
    said = [replace(clip(index), id=f"base-{index}", speaker="base:eve", text="replayed") for index in range(4)]
    mixed = task(replay=Replay(examples=said, part=0.5))
    length = len("replayed") + 1
    for step in range(6):
        assert sorted((mixed.batch(step).num_symbols == length).tolist()) == [False, False, True, True]
    assert len({tuple(mixed._chosen(step)) for step in range(6)}) > 1
    assert not (task().batch(0).num_symbols == length).any()


def test_one_clip_of_a_batch_is_always_the_target_s() -> None:
    assert Replay(examples=[clip(0)] * 9, part=1.0).count(4) == 3
    assert Replay(examples=[clip(0)], part=0.5).count(4) == 1


@pytest.mark.parametrize("frozen", [True, False])
def test_no_batch_is_larger_than_the_hardest(frozen: bool) -> None:
    one = task(freeze_text=frozen, phoneme_probability=0.5)
    hardest = one.hardest_batch()
    for step in range(4):
        batch = one.batch(step)
        assert type(batch) is type(hardest)
        for field in fields(batch):
            here, there = getattr(batch, field.name), getattr(hardest, field.name)
            assert here.dim() == there.dim()
            assert all(a <= b for a, b in zip(here.shape, there.shape, strict=True)), field.name
    assert one.loss(one.network, hardest, 0)["loss"].isfinite()


def test_keys_and_values_of_a_frozen_text_encoder_stay_what_speaking_computes() -> None:
    one = task(freeze_text=True, batch_size=2)
    network = one.network
    assert isinstance(network, Text2Mel)
    optimizer = torch.optim.SGD([p for p in network.parameters() if p.requires_grad], lr=0.1)
    one.loss(network, one.batch(0), 0)["loss"].backward()  # type: ignore[no-untyped-call]
    optimizer.step()
    again = one._encode_texts(network)
    assert all(torch.equal(old.keys, new.keys) for old, new in zip(one.encoded, again, strict=True))


def test_a_decoder_is_told_no_phones_that_were_only_guessed() -> None:
    told, left = task(times=False, told_probability=1.0), task(times=False, told_probability=0.0)
    batch = told.batch(0)
    assert not batch.timed.any()
    told.network.train()
    left.network.train()
    assert told.loss(told.network, batch, 0)["l1"] == left.loss(left.network, batch, 0)["l1"]
    heard = task(told_probability=1.0)
    heard.network.train()
    assert heard.loss(heard.network, heard.batch(0), 0)["l1"] != left.loss(left.network, heard.batch(0), 0)["l1"]


def test_some_clips_go_on_with_another_and_all_that_belongs_to_them_too() -> None:
    made = task(splice_probability=1.0)
    batches = [made.batch(step) for step in range(6)]
    lengths = {len(text) + 1 for text in TEXTS}
    assert any(int(count) not in lengths for batch in batches for count in batch.num_symbols)
    for batch in batches:
        for row, frames in enumerate(batch.num_frames):
            path = batch.path[row, : int(frames)]
            assert path.diff().min() >= 0
            assert int(path[-1]) == int(batch.num_symbols[row]) - 1


def test_with_a_frozen_text_encoder_they_are_made_once() -> None:
    made = task(splice_probability=0.5, freeze_text=True)
    assert 4 < made.num_own <= 8  # one clip is a single word, which nothing can be joined to
    assert len(made.encoded) == made.num_own
    assert isinstance(made.batch(0), EncodedBatch)


def test_without_times_nothing_is_joined() -> None:
    plain, asked = task(times=False), task(times=False, splice_probability=1.0)
    for step in range(3):
        assert sorted(plain.batch(step).num_symbols.tolist()) == sorted(asked.batch(step).num_symbols.tolist())
