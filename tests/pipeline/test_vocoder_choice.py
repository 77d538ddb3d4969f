import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch
from typer.testing import CliRunner

from dctts.errors import CheckpointError
from dctts.finetune import FinetuneOptions
from dctts.vocoders.file import save_vocoder
from dctts.vocoders.source_filter import SourceFilter, SourceFilterConfig
from dctts.vocoders.source_filter_vocoder import SourceFilterVocoder
from dctts.voice import load_voice, save_voice
from pipeline import cli
from pipeline.speaking_voice import find_vocoder
from pipeline.train_voice import train_voice
from pipeline.voices import open_voice


@pytest.fixture
def vocoder(tmp_path: Path) -> Path:
    torch.manual_seed(0)
    network = SourceFilter(SourceFilterConfig(channels=16, hidden=24, blocks=1, pitch_channels=8, pitch_blocks=1))
    save_vocoder(SourceFilterVocoder(network), tmp_path / "small.safetensors")
    return tmp_path / "small.safetensors"


def speak(voice: Path, wav: Path, *more: str) -> bytes:
    command = ["speak", "Hello there.", "--voice", voice.parent.name, "--voices-dir", str(voice.parents[1])]
    done = CliRunner().invoke(cli.app, [*command, "-o", str(wav), *more])
    assert done.exit_code == 0, done.output
    return wav.read_bytes()


@pytest.mark.parametrize("stream", [[], ["--stream"]])
def test_speak_takes_the_vocoder_that_is_asked_for(
    stream: list[str], tiny_voice_file: Path, vocoder: Path, tmp_path: Path
) -> None:
    wav = tmp_path / "a.wav"
    own, asked, griffin_lim = (
        speak(tiny_voice_file, wav, *stream, *more)
        for more in ([], ["--vocoder", str(vocoder)], ["--vocoder", "griffin-lim"])
    )
    assert own == griffin_lim
    assert asked != own
    assert soundfile.info(wav).duration > 0.3
    voice = tmp_path / "voices" / "with" / "voice.safetensors"
    save_voice(replace(load_voice(tiny_voice_file), vocoder=find_vocoder(str(vocoder))), voice)
    assert speak(voice, wav, *stream) == asked  # the voice's own setting
    assert speak(voice, wav, *stream, "--vocoder", "griffin-lim") == own


@pytest.mark.parametrize("name", ["no-such-file", "junk.pth", "junk.safetensors", "junk.npz"])
def test_what_is_no_vocoder_is_told_in_two_lines(
    name: str,
    tiny_voice_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path = tmp_path / name
    if name.startswith("junk"):
        path.write_bytes(b"junk")
    command = ["speak", "Hello.", "--voice", "tiny", "--voices-dir", str(tiny_voice_file.parents[1])]
    monkeypatch.setattr("sys.argv", ["clone-pipeline", *command, "--vocoder", str(path), "-o", str(tmp_path / "a.wav")])
    with pytest.raises(SystemExit) as left:
        cli.main()
    assert left.value.code == 1
    assert [line.split(":")[0] for line in capsys.readouterr().err.splitlines()] == ["error", "hint"]
    assert not (tmp_path / "a.wav").exists()


def test_train_vocoder_makes_a_file_that_speaks(tiny_dataset: Path, tiny_voice_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "mine"
    done = CliRunner().invoke(
        cli.app,
        [
            *("train-vocoder", str(tiny_dataset), "-o", str(out), "--base", str(tiny_voice_file)),
            *("--steps", "1", "--batch-size", "2", "--preview-every", "1"),
        ],
    )
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == f"{out}.safetensors"
    speak(tiny_voice_file, tmp_path / "a.wav", "--vocoder", done.stdout.strip())


@pytest.mark.parametrize(("choice", "kind"), [(None, "source-filter"), ("griffin-lim", None), ("own", "source-filter")])
def test_finetune_puts_the_vocoder_that_is_asked_for_into_the_voice(
    choice: str | None,
    kind: str | None,
    tiny_dataset: Path,
    tiny_voice_file: Path,
    vocoder: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    shutil.move(tiny_dataset, tmp_path / "voices" / "ada" / "dataset")
    trained = tmp_path / "voice.safetensors"
    own = None if choice == "own" else find_vocoder(str(vocoder))
    save_voice(replace(load_voice(tiny_voice_file), vocoder=own), trained)
    monkeypatch.setattr("pipeline.train_voice.finetune", lambda *_, **__: trained)
    monkeypatch.setattr("pipeline.train_voice.open_scorer", lambda *_: None)
    folder = open_voice("ada", tmp_path / "voices")
    made = train_voice(folder, FinetuneOptions(), base="none", vocoder=str(vocoder) if choice == "own" else choice)
    found = load_voice(made).vocoder
    assert (found.kind if found else None) == kind


def test_a_vocoder_that_is_not_there_is_told_of_before_training(
    tiny_dataset: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.move(tiny_dataset, tmp_path / "voices" / "ada" / "dataset")
    monkeypatch.setattr("pipeline.train_voice.finetune", lambda *_, **__: pytest.fail("it was trained"))
    with pytest.raises(CheckpointError, match="no vocoder at"):
        train_voice(open_voice("ada", tmp_path / "voices"), FinetuneOptions(), base="none", vocoder="generator_v9")
