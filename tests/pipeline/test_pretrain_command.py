import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from dctts.errors import ManifestError
from pipeline import cli
from pipeline.commands.pretrain import command_line


@pytest.mark.parametrize("licence", ["bob=CC0 1.0", "ada", "ada=", "=CC0"])
def test_a_licence_names_one_of_the_datasets(tmp_path: Path, licence: str) -> None:
    (tmp_path / "ada").mkdir()
    done = CliRunner().invoke(
        cli.app, ["pretrain", str(tmp_path / "ada"), "-o", str(tmp_path / "base"), "--licence", licence]
    )
    assert done.exit_code == 2
    assert "write NAME=TEXT, NAME one of ada" in " ".join(done.stderr.replace("│", "").split())
    assert not (tmp_path / "base").exists()


def test_the_card_says_what_was_typed_but_not_on_whose_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    typed = ["pretrain", "/home/eve/ada", "bob", "-o", "/tmp/base", "--licence", "ada=CC BY/NC"]
    monkeypatch.setattr(sys, "argv", ["/home/eve/.venv/bin/clone-pipeline", *typed])
    assert command_line() == "clone-pipeline pretrain ada bob -o base --licence 'ada=CC BY/NC'"


def test_recordings_that_nobody_understands_are_no_corpus(tmp_path: Path) -> None:
    (tmp_path / "hum").mkdir()
    soundfile.write(tmp_path / "hum" / "bob-1.wav", np.zeros(16_000), 16_000)
    done = CliRunner().invoke(cli.app, ["pretrain", str(tmp_path / "hum"), "-o", str(tmp_path / "base")])
    assert isinstance(done.exception, ManifestError)
    assert "nothing is understood in" in str(done.exception)
    assert not (tmp_path / "base" / "voice.safetensors").exists()
