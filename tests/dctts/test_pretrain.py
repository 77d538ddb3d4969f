import json
import shutil
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dctts.corpus import Example
from dctts.errors import TrainingError
from dctts.finetune import content_hash
from dctts.lexicon import Lexicon
from dctts.pretrain import RARE_CLIPS, PretrainOptions, going_on, named, pretrain, repeated, split
from dctts.text2mel_task import Text2MelRecipe
from dctts.voice import Voice, load_voice, save_voice

OPTIONS = PretrainOptions(size="tiny", steps=3, ssrn_steps=2, batch_size=4, hold_out="-007$", validate_every=2)


class TwoVoices:
    """Stands in for the speaker encoder: tells clips apart by their loudest frequency."""

    def embed_batch(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> list[NDArray[np.float32] | None]:
        found: list[NDArray[np.float32] | None] = []
        for wav in wavs:
            vector = np.zeros(256, np.float32)
            vector[int(np.abs(np.fft.rfft(wav)[:256]).argmax())] = 1
            found.append(vector)
        return found


def example(identity: str, text: str) -> Example:
    return Example(
        id=identity,
        speaker="ada",
        text=text,
        wave=torch.zeros(1024, dtype=torch.int16),
        mel=torch.zeros(4, 80, dtype=torch.float16),
        voice=torch.ones(256) / 16,
        phone_times=torch.zeros(0, 3),
    )


def test_no_sentence_is_on_both_sides_whoever_reads_it() -> None:
    examples = [example(f"{who}-{n}", f"Sentence {'abcdefghij'[n]}.") for who in ("a", "b") for n in range(10)]
    training, held_out = split(examples, PretrainOptions(hold_out="^a-[34]$", hold_out_percent=0))
    assert {row.id for row in held_out} == {"a-3", "a-4", "b-3", "b-4"}
    assert len(training) == 16


def test_part_of_the_sentences_is_held_out_by_its_letters() -> None:
    examples = [example(str(n), f"sentence {chr(97 + n % 26)}{chr(97 + n // 26)}") for n in range(600)]
    _, held_out = split(examples, PretrainOptions(hold_out_percent=10))
    assert 30 <= len(held_out) <= 90
    assert [row.id for row in split(examples, PretrainOptions(hold_out_percent=10))[1]] == [row.id for row in held_out]


def test_two_corpora_become_a_base_with_two_speakers(tiny_dataset: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    shutil.copytree(tiny_dataset, other)

    def run() -> Path:
        return pretrain(
            [tiny_dataset, other],
            tmp_path / "base",
            OPTIONS,
            embedder=TwoVoices,
            lexicon=Lexicon(),
            licences={"tiny": "CC0 1.0"},
            command="clone-pipeline pretrain tiny other",
        )

    made = run()
    voice = load_voice(made)
    assert set(voice.speakers) == {"tiny", "other"}
    assert voice.card["licences"] == {"tiny": "CC0 1.0", "other": "not stated"}
    assert {name: about["clips"] for name, about in voice.card["speakers"].items()} == {"tiny": 7, "other": 7}
    assert 90 < (voice.traits["tiny"].pitch_hz or 0) < 180  # buzzes of 100 to 170 Hz
    card = json.loads((tmp_path / "base" / "voice.json").read_text("utf-8"))
    assert {key: card[key] for key in voice.card} == voice.card
    assert (card["command"], card["steps"], card["seed"]) == ("clone-pipeline pretrain tiny other", 3, 0)
    assert card["held_out"]["text2mel"]["step"] == 3
    assert card["held_out"]["text2mel"]["l1"] > 0
    assert card["machine"]
    before = made.read_bytes(), (tmp_path / "base" / "voice.json").read_bytes()
    assert run().read_bytes() == before[0]
    assert (tmp_path / "base" / "voice.json").read_bytes() == before[1]


def test_a_base_that_began_with_another_says_with_which(
    tiny_dataset: Path, tiny_base_file: Path, tmp_path: Path
) -> None:
    options = replace(OPTIONS, base=tiny_base_file, steps=1, ssrn_steps=1)
    voice = load_voice(pretrain([tiny_dataset], tmp_path / "base", options, embedder=TwoVoices, lexicon=Lexicon()))
    assert voice.card["began_with"]["licences"] == {"ada": "CC0 1.0", "bob": "CC BY 4.0"}
    assert voice.card["began_with"]["sha256"] == content_hash(tiny_base_file)
    assert str(tmp_path) not in json.dumps(voice.card)


def test_new_speakers_are_learned_from_and_are_not_among_the_speakers_of_the_base(
    tiny_dataset: Path, tmp_path: Path
) -> None:
    options = replace(OPTIONS, new_speakers=2, steps=1, ssrn_steps=1)
    voice = load_voice(pretrain([tiny_dataset], tmp_path / "base", options, embedder=TwoVoices, lexicon=Lexicon()))
    assert set(voice.speakers) == {"tiny"}
    assert voice.card["speakers"]["tiny"]["clips"] == 7
    assert voice.card["new_speakers"] == 2
    names = sorted(path.name for path in (tmp_path / "base" / "features").glob("new-speakers-*"))
    assert names == ["new-speakers-held-out.safetensors", "new-speakers-training.safetensors"]


def test_rare_speakers_are_heard_more_often_and_named_nowhere() -> None:
    reader = [replace(example(f"r{k}", f"text {k}"), speaker="reader") for k in range(RARE_CLIPS)]
    stranger = replace(example("s", "something else"), speaker="stranger")
    assert [row.id for row in repeated([stranger, *reader], 3)] == ["s", "s", "s", *(row.id for row in reader)]
    assert repeated([stranger, *reader], 1) == [stranger, *reader]
    assert named([stranger, *reader]) == reader
    assert named([stranger]) == [stranger]  # a base needs somebody to speak as


def test_part_of_the_weights_a_base_began_with_is_kept(
    tiny_dataset: Path, tiny_base_file: Path, tmp_path: Path
) -> None:
    def voice(keep: float) -> Voice:
        options = replace(OPTIONS, base=tiny_base_file, keep=keep, steps=20, ssrn_steps=1)
        folder = tmp_path / f"kept-{keep}"
        return load_voice(pretrain([tiny_dataset], folder, options, embedder=TwoVoices, lexicon=Lexicon()))

    old, new, half, all_old = load_voice(tiny_base_file), voice(0.0), voice(0.5), voice(1.0)
    for a, b, c, d in zip(*(list(one.text2mel.parameters()) for one in (old, new, half, all_old)), strict=True):
        assert torch.equal(a, d)
        torch.testing.assert_close(c.float(), (a.float() + b.float()) / 2, rtol=0, atol=4e-3)  # stored as bfloat16
    assert any(not torch.equal(a, b) for a, b in zip(old.text2mel.parameters(), new.text2mel.parameters(), strict=True))


def test_what_many_people_taught_is_put_beside_what_the_base_can(
    tiny_dataset: Path, tiny_base_file: Path, tmp_path: Path
) -> None:
    options = replace(OPTIONS, base=tiny_base_file, beside=True, steps=20, ssrn_steps=1)
    made = load_voice(
        pretrain([tiny_dataset], tmp_path / "base", options, embedder=lambda: TwoVoices(), lexicon=Lexicon())
    )
    assert made.strangers is not None
    began = load_voice(tiny_base_file)
    for old, own, theirs in zip(
        began.text2mel.parameters(), made.text2mel.parameters(), made.strangers.parameters(), strict=True
    ):
        step = old.abs().max() / 127  # it is written in eight bits
        assert (own - old).abs().max() <= step / 2 * 1.01 + 1e-6
        assert theirs.shape == old.shape
    assert any(
        not torch.allclose(own, theirs, atol=1e-2)
        for own, theirs in zip(made.text2mel.parameters(), made.strangers.parameters(), strict=True)
    )


def test_what_a_base_has_for_strangers_is_gone_on_from_and_stays_where_the_other_is_trained(
    tiny_dataset: Path, tiny_base_file: Path, tmp_path: Path
) -> None:
    base = load_voice(tiny_base_file)
    strangers = deepcopy(base.text2mel)
    with torch.no_grad():
        for parameter in strangers.parameters():
            parameter.mul_(0.5)
    save_voice(replace(base, strangers=strangers), tmp_path / "both.safetensors", precision="int8")
    for beside in (True, False):
        options = replace(OPTIONS, base=tmp_path / "both.safetensors", beside=beside, steps=1, ssrn_steps=1)
        output = tmp_path / f"beside-{beside}"
        made = load_voice(
            pretrain([tiny_dataset], output, options, embedder=lambda: TwoVoices(), lexicon=Lexicon())
        ).strangers
        assert made is not None
        for old, new in zip(strangers.parameters(), made.parameters(), strict=True):
            torch.testing.assert_close(new, old, atol=0.02, rtol=0)  # a step of 5e-4, and eight bits


@pytest.mark.parametrize("option", [{"beside": True}, {"keep": 0.5}])
def test_nothing_of_a_base_can_be_kept_where_none_is_given(
    tiny_dataset: Path, tmp_path: Path, option: dict[str, Any]
) -> None:
    with pytest.raises(TrainingError, match="no base whose Text2Mel could be kept"):
        pretrain(
            [tiny_dataset], tmp_path / "b", replace(OPTIONS, **option), embedder=lambda: TwoVoices(), lexicon=Lexicon()
        )
    assert not (tmp_path / "b").exists()


def test_nothing_to_hold_out_is_refused(tiny_dataset: Path, tmp_path: Path) -> None:
    options = PretrainOptions(size="tiny", steps=1, ssrn_steps=1, hold_out="", hold_out_percent=0)
    with pytest.raises(TrainingError, match="8 clips to train on and 0 held out"):
        pretrain([tiny_dataset], tmp_path / "base", options, embedder=TwoVoices, lexicon=Lexicon())


def test_who_reads_already_is_neither_guided_nor_spared() -> None:
    plain = Text2MelRecipe()
    later = going_on(plain)
    assert later.guide_weight == plain.guide_final < plain.guide_weight
    assert later.aligned_weight < plain.aligned_weight
    assert later.corrupt_from == 0 < plain.corrupt_from
