import io
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from pipeline import cli
from pipeline.errors import VoiceError
from tests.conftest import buzz

ROOT = Path(__file__).parents[2]
TEXT = "Hello there, how are you? It is a fine day."


def speak(voice: Path, *arguments: str | Path, text: str = TEXT) -> list[str]:
    return ["speak", text, "--voice", voice.parent.name, "--voices-dir", str(voice.parents[1]), *map(str, arguments)]


def test_the_path_is_printed_and_the_companions_are_written(tiny_voice_file: Path, tmp_path: Path) -> None:
    wav, srt, verdict = (tmp_path / name for name in ("a.wav", "a.srt", "a.json"))
    done = CliRunner().invoke(cli.app, speak(tiny_voice_file, "-o", wav, "--srt", srt, "--verdict", verdict))
    assert done.exit_code == 0, done.output
    assert done.stdout == f"{wav}\n"
    assert json.loads(verdict.read_text())["duration_s"] == pytest.approx(soundfile.info(wav).duration, abs=1e-3)
    assert srt.read_text().startswith("1\n00:00:0")


def test_a_stream_into_a_file_ends_as_an_ordinary_wav(tiny_voice_file: Path, tmp_path: Path) -> None:
    done = CliRunner().invoke(cli.app, speak(tiny_voice_file, "--stream", "-o", tmp_path / "a.wav"))
    assert done.exit_code == 0, done.output
    assert soundfile.info(tmp_path / "a.wav").duration > 0.5


def test_standard_output_carries_the_sound_and_nothing_else(tiny_voice_file: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline", *speak(tiny_voice_file, "-o", "-")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    samples, rate = soundfile.read(io.BytesIO(done.stdout), dtype="int16")
    assert rate == 22_050
    np.testing.assert_array_equal(samples, np.frombuffer(done.stdout[44:], "<i2"))
    CliRunner().invoke(cli.app, speak(tiny_voice_file, "--stream", "-o", tmp_path / "a.wav"))
    assert (tmp_path / "a.wav").read_bytes()[44:] == done.stdout[44:]


def test_a_listener_who_leaves_is_told_of_in_two_lines(tiny_voice_file: Path) -> None:
    command = [sys.executable, "-m", "pipeline", *speak(tiny_voice_file, "-o", "-", text=TEXT * 5)]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=False) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.read(100)
        running.stdout.close()
        lines = running.stderr.read().decode().splitlines()
    assert running.returncode == 1
    assert [line.split(":")[0] for line in lines] == ["error", "hint"]


@pytest.mark.parametrize("how", [[], ["--stream"]])
def test_a_voice_that_ships_speaks_under_its_name(
    bases: Path, tiny_base_file: Path, tmp_path: Path, how: list[str]
) -> None:
    shutil.copy(tiny_base_file, bases / "base.safetensors")

    def said(*voice: str) -> bytes:
        done = CliRunner().invoke(cli.app, ["speak", TEXT, "-o", str(tmp_path / "a.wav"), *how, *voice])
        assert done.exit_code == 0, done.output
        return (tmp_path / "a.wav").read_bytes()

    assert said("--voice", "base") == said("--voice", "base:ada")
    assert said("--voice", "base:bob") != said("--voice", "base")


@pytest.fixture
def low(tmp_path: Path) -> Path:
    """Three seconds of a low voice."""
    soundfile.write(tmp_path / "low.wav", buzz(3.0, pitch_hz=90), 22_050)
    return tmp_path / "low.wav"


def test_a_base_speaks_like_the_reference_it_is_given(
    bases: Path, tiny_base_file: Path, low: Path, tmp_path: Path
) -> None:
    shutil.copy(tiny_base_file, bases / "base.safetensors")
    soundfile.write(tmp_path / "high.wav", buzz(3.0, pitch_hz=240, seed=4), 22_050)

    def said(*arguments: str | Path) -> bytes:
        line = ["speak", "Hi.", "-o", str(tmp_path / "a.wav"), *map(str, arguments)]
        done = CliRunner().invoke(cli.app, line)
        assert done.exit_code == 0, done.output
        assert done.stdout == f"{tmp_path / 'a.wav'}\n"
        return (tmp_path / "a.wav").read_bytes()

    like_low = said("--reference", low)
    assert len({like_low, said("--reference", tmp_path / "high.wav"), said("--voice", "base")}) == 3
    both = said("--reference", low, "--reference", tmp_path / "high.wav", "--srt", tmp_path / "a.srt", "--stream")
    assert both != like_low
    assert (tmp_path / "a.srt").read_text().startswith("1\n00:00:0")


def test_a_voice_of_ones_own_takes_no_reference(bases: Path, tiny_voice_file: Path, low: Path) -> None:
    def refused(*voice: str) -> VoiceError:
        done = CliRunner().invoke(cli.app, ["speak", TEXT, "--reference", str(low), *voice])
        assert isinstance(done.exception, VoiceError)
        return done.exception

    own = refused("--voice", tiny_voice_file.parent.name, "--voices-dir", str(tiny_voice_file.parents[1]))
    assert "'tiny' is one person's" in own.message
    assert "--voice base" in str(own.hint)
    assert "no base voice in this installation" in refused().message


def test_where_nothing_can_speak_yet_the_voice_that_ships_is_offered(
    bases: Path, tiny_base_file: Path, tmp_path: Path
) -> None:
    def refused() -> str:
        done = CliRunner().invoke(cli.app, ["speak", TEXT, "--voices-dir", str(tmp_path)])
        assert isinstance(done.exception, VoiceError)
        return str(done.exception.hint)

    assert "--voice base" not in refused()
    shutil.copy(tiny_base_file, bases / "base.safetensors")
    assert "--voice base" in refused()


def test_subtitles_that_cannot_be_written_leave_no_sound(tiny_voice_file: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = CliRunner().invoke(
        cli.app, speak(tiny_voice_file, "-o", tmp_path / "a.wav", "--srt", tmp_path / "file" / "a.srt")
    )
    assert done.exit_code == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["file"]
