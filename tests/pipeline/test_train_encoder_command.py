from pathlib import Path

from typer.testing import CliRunner

from dctts.encoder.own import read_encoder
from pipeline import cli
from tests.dctts.people import write_people


def test_recordings_become_an_encoder_whose_path_is_printed(tmp_path: Path) -> None:
    people = write_people(tmp_path / "people", count=4, duration_s=3)
    command = ["train-encoder", str(people), "-o", str(tmp_path / "run"), "--steps", "1", "--hold-out", "0[01]"]
    done = CliRunner().invoke(cli.app, [*command, "--licence", "people=CC0", "--strangers", str(people)])
    assert done.exit_code == 1
    done = CliRunner().invoke(cli.app, [*command, "--licence", "people=CC0"])
    assert done.exit_code == 0, done.output
    assert done.stdout.strip() == str(tmp_path / "run" / "encoder.safetensors")
    assert {"person00", "person01"} <= set(read_encoder(tmp_path / "run" / "encoder.safetensors").strangers)


def test_a_folder_without_recordings_is_an_error_in_two_lines(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    done = CliRunner().invoke(cli.app, ["train-encoder", str(tmp_path / "empty"), "-o", str(tmp_path / "run")])
    assert done.exit_code == 1
    assert not (tmp_path / "run").exists()
