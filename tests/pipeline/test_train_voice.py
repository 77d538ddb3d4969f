import json
import shutil
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from dctts.errors import TrainingError
from dctts.finetune import FinetuneOptions, content_hash
from dctts.lexicon import Lexicon
from dctts.manifest import read_dataset
from dctts.progress import SILENT
from dctts.voice import SpeakerTraits, load_voice
from pipeline import cli
from pipeline.bases import Base
from pipeline.errors import DatasetError
from pipeline.nearest_base import Target
from pipeline.side_by_side import SideBySide, read_side_by_side
from pipeline.train_voice import _candidates, choose_base, compare
from pipeline.voices import open_voice


def finetune(voices: Path, *arguments: str) -> str:
    """Run the command on the voice `default`; give what it said on stderr."""
    steps = ["--steps", "1", "--ssrn-steps", "1", "--preview-every", "5"]
    done = CliRunner().invoke(cli.app, ["finetune", "--voices-dir", str(voices), *steps, *arguments])
    if done.exception:
        raise done.exception
    return done.stderr


@pytest.fixture
def voices(tiny_dataset: Path, tmp_path: Path) -> Path:
    shutil.move(tiny_dataset, tmp_path / "voices" / "default" / "dataset")
    return tmp_path / "voices"


def test_a_voice_starts_from_the_base_that_ships_and_says_so(voices: Path, bases: Path, tiny_base_file: Path) -> None:
    shutil.copy(tiny_base_file, bases / "base.safetensors")
    said = finetune(voices)
    assert "base: base, nearest speaker " in said
    card = load_voice(voices / "default" / "voice.safetensors").card
    assert card["base"] == {
        "name": "base",
        "sha256": content_hash(tiny_base_file),
        "licences": {"ada": "CC0 1.0", "bob": "CC BY 4.0"},
    }
    run = voices / "default" / "runs" / "1"
    config = json.loads((run / "config.json").read_text("utf-8"))
    assert config["options"]["base"] == content_hash(tiny_base_file)
    compared = read_side_by_side(run)
    assert compared is not None
    assert {sentence.text for sentence in compared.sentences} == {
        row.text for row in read_dataset(voices / "default" / "dataset", split="val")
    }


def test_what_was_compared_is_not_compared_again(
    voices: Path, tiny_base_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder, base = open_voice("default", voices), Base(name="base", path=tiny_base_file)
    run = folder.runs / "1"
    run.mkdir(parents=True)
    shutil.copy(tiny_base_file, run / "voice.safetensors")
    found, asked = SideBySide(reference_s=5.0, minutes=1.0, sentences=()), []

    def compared(*clips: object, **_: object) -> SideBySide:
        asked.append(clips)
        return found

    monkeypatch.setattr("pipeline.train_voice.compare_voices", compared)
    monkeypatch.setattr("pipeline.train_voice._prepared", lambda *_: [])
    for _ in range(2):
        compare(folder, run, base, Lexicon(), FinetuneOptions(), SILENT)
    assert len(asked) == 1
    assert read_side_by_side(run) == found
    (run / "voice.safetensors").write_bytes(tiny_base_file.read_bytes() + b" ")  # trained on
    monkeypatch.setattr("pipeline.train_voice.load_voice", lambda _: None)
    compare(folder, run, base, Lexicon(), FinetuneOptions(), SILENT)
    assert len(asked) == 2


def test_without_a_base_random_weights_are_taken_and_said_so(voices: Path, bases: Path, tiny_base_file: Path) -> None:
    shutil.copy(tiny_base_file, bases / "base.safetensors")
    said = finetune(voices, "--base", "none", "--size", "tiny")
    assert "base: none, training starts from random weights" in said
    assert load_voice(voices / "default" / "voice.safetensors").card["base"] is None


def test_a_base_and_a_size_exclude_one_another(voices: Path, bases: Path, tiny_base_file: Path) -> None:
    with pytest.raises(TrainingError, match="--size tiny"):
        finetune(voices, "--size", "tiny", "--base", str(tiny_base_file))
    shutil.copy(tiny_base_file, bases / "base.safetensors")
    with pytest.raises(TrainingError, match="a base has a size of its own") as refused:
        finetune(voices, "--size", "tiny")
    assert "--base none" in str(refused.value.hint)


def test_a_dataset_without_clips_is_refused_before_anything_is_measured(
    voices: Path, bases: Path, tiny_base_file: Path
) -> None:
    shutil.copy(tiny_base_file, bases / "base.safetensors")
    (voices / "default" / "dataset" / "metadata.csv").write_text("")
    with pytest.raises(DatasetError, match="no clips in"):
        finetune(voices)


def test_a_voice_given_as_base_is_called_by_its_folder(tiny_voice_file: Path, tiny_base_file: Path) -> None:
    assert [base.name for base in _candidates(FinetuneOptions(), str(tiny_voice_file))] == ["tiny"]
    assert [base.name for base in _candidates(FinetuneOptions(base=tiny_base_file), None)] == ["base"]


def test_nothing_is_measured_where_there_is_nothing_to_choose_from() -> None:
    def never() -> Target:
        raise AssertionError

    assert choose_base([], never) is None


def test_of_several_bases_the_nearest_is_taken(tiny_base_file: Path, tiny_voice_file: Path) -> None:
    low = load_voice(tiny_base_file).speakers["bob"]
    target = Target(vector=low, traits=SpeakerTraits())
    first, second = Base(name="alto", path=tiny_voice_file), Base(name="base", path=tiny_base_file)
    assert choose_base([first, second], lambda: target) == second
    flat = Target(vector=torch.full((256,), 1 / 16), traits=SpeakerTraits())
    assert choose_base([first, second], lambda: flat) == first
