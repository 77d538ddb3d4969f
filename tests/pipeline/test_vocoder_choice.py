import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import soundfile
import torch
from typer.testing import CliRunner

from dctts.source_filter import SourceFilter, SourceFilterConfig
from dctts.source_filter_vocoder import SourceFilterVocoder
from dctts.vocoder_file import save_vocoder
from dctts.voice import load_voice, save_voice
from pipeline import cli
from pipeline.speaking_voice import find_vocoder


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


def test_a_voice_keeps_the_vocoder_of_its_base_unless_another_is_asked_for(
    tiny_dataset: Path, tiny_base_file: Path, vocoder: Path, tmp_path: Path
) -> None:
    shutil.move(tiny_dataset, tmp_path / "voices" / "ada" / "dataset")
    base = tmp_path / "with-vocoder.safetensors"
    save_voice(replace(load_voice(tiny_base_file), vocoder=find_vocoder(str(vocoder))), base)
    command = ["finetune", "--voice", "ada", "--voices-dir", str(tmp_path / "voices"), "--base", str(base)]
    command += ["--steps", "1", "--ssrn-steps", "1", "--preview-every", "5"]
    found = []
    for more in ([], ["--vocoder", "griffin-lim"]):  # the second goes on with the finished run
        done = CliRunner().invoke(cli.app, [*command, *more])
        assert done.exit_code == 0, done.output
        found.append(load_voice(tmp_path / "voices" / "ada" / "voice.safetensors").vocoder)
    assert found[0] is not None
    assert found[0].kind == "source-filter"
    assert found[1] is None
