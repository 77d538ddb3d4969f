"""`clone-pipeline evaluate` as it is called."""

import json
import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from typer.testing import CliRunner

from dctts.atomic import write_text
from dctts.voice import Voice, save_voice
from pipeline import cli
from pipeline.evaluation import measure, run
from pipeline.evaluation.material import Material, Prompt, prompts


class Deaf:
    def hear(self, wave: Any, sample_rate_hz: int) -> str:
        return "the birch canoe"


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Say two texts, not sixty, with nobody listening: what is heard is tested elsewhere."""

    def few(material: Material | None) -> list[Prompt]:
        return [prompts(material)[0], prompts(material)[-1]]

    monkeypatch.setattr(run, "prompts", few)
    monkeypatch.setattr(measure, "Listener", Deaf)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "nothing"))


def evaluate(voice: Path, *arguments: str | Path) -> Any:
    common = ["evaluate", "--voice", voice.parent.name, "--voices-dir", str(voice.parents[1])]
    return CliRunner().invoke(cli.app, [*common, *map(str, arguments)])


def test_a_voice_is_held_against_its_own_dataset(tiny_voice_file: Path, tiny_dataset: Path, tmp_path: Path) -> None:
    voice = tmp_path / "voices" / "ada" / "voice.safetensors"
    voice.parent.mkdir(parents=True)
    shutil.copyfile(tiny_voice_file, voice)
    shutil.copytree(tiny_dataset, voice.parent / "dataset")
    done = evaluate(voice)
    assert done.exit_code == 0, done.output
    made = voice.parent / "evaluation"
    assert done.stdout == f"{made / 'evaluation.json'}\n{made / 'evaluation.html'}\n"
    document = json.loads((made / "evaluation.json").read_text())
    assert (document["material"]["speaker"], document["material"]["held_out"]) == ("ada", ["tiny-006", "tiny-007"])
    assert str(tmp_path) not in (made / "evaluation.json").read_text() + (made / "evaluation.html").read_text()
    assert "Whisper was left out" in done.stderr
    assert "missed" in done.stderr
    assert sorted(path.name for path in made.iterdir()) == ["evaluation.html", "evaluation.json"]


def test_a_base_is_scored_on_prompts_held_out_of_one_of_its_speakers(
    bases: Path, tiny_voice: Voice, tiny_dataset: Path, tmp_path: Path
) -> None:
    base = bases / "base.safetensors"
    save_voice(replace(tiny_voice, speakers={"tiny": torch.eye(256)[0], "ann": torch.eye(256)[1]}), base)
    done = evaluate(
        base,
        "--voice",
        "base:tiny",
        "--dataset",
        tiny_dataset,
        "--hold-out",
        "00[34]",
        "-o",
        tmp_path / "out",
        "--json",
    )
    assert done.exit_code == 0, done.output
    document = json.loads(done.stdout)
    assert document == json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert document["voice"]["kind"] == "base"
    assert document["material"]["held_out"] == ["tiny-003", "tiny-004"]
    assert document["other_speakers"] == ["ann"]
    assert document["each"][1]["real"]["duration_s"] > 0


def test_the_speakers_of_a_base_are_strangers_to_a_voice(
    tiny_voice: Voice, tiny_voice_file: Path, tmp_path: Path
) -> None:
    base = tmp_path / "base.safetensors"
    save_voice(replace(tiny_voice, speakers={"ann": torch.eye(256)[1]}), base)
    done = evaluate(tiny_voice_file, "--base", base, "-o", tmp_path / "out", "--seed", "3")
    assert done.exit_code == 0, done.output
    document = json.loads((tmp_path / "out" / "evaluation.json").read_text())
    assert (document["other_speakers"], document["seed"], document["material"]) == (["ann"], 3, None)


@pytest.mark.parametrize(
    ("arguments", "error"),
    [
        (("--voice", "nobody"), "cannot speak yet"),
        (("--dataset", "{tiny}", "--hold-out", "["), "not a regular expression"),
        (("--dataset", "{empty}"), "no speech corpus"),
        (("--base", "{voice}"), "is not a base voice"),
        (("--base", "{text}"), "notes.safetensors"),
        (("--whisper-model", "{text}"), "cannot load Whisper"),
        (("--speaker", "eve"), "no speaker 'eve'"),
    ],
)
def test_what_cannot_be_done_is_said_in_two_lines_and_nothing_is_left(
    tiny_voice_file: Path, tiny_dataset: Path, tmp_path: Path, arguments: tuple[str, ...], error: str,
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch,
) -> None:  # fmt: skip
    (tmp_path / "empty").mkdir()
    write_text(tmp_path / "notes.safetensors", "not weights")
    places = {
        "tiny": tiny_dataset,
        "empty": tmp_path / "empty",
        "voice": tiny_voice_file,
        "text": tmp_path / "notes.safetensors",
    }
    given = [argument.format(**places) for argument in arguments]
    words = [
        "evaluate",
        "--voice",
        "tiny",
        "--voices-dir",
        str(tiny_voice_file.parents[1]),
        *given,
        "-o",
        str(tmp_path / "o"),
    ]
    monkeypatch.setattr("sys.argv", ["clone-pipeline", *words])
    with pytest.raises(SystemExit) as stopped:
        cli.main()
    assert stopped.value.code == 1
    lines = capsys.readouterr().err.splitlines()
    assert error in lines[0]
    assert [line.split(":")[0] for line in lines] == ["error", "hint"]
    assert not (tmp_path / "o").exists()
