from pathlib import Path

import pytest
from typer.testing import CliRunner

from dctts.errors import AudioError
from pipeline import doctor
from pipeline.cli import app


def test_everything_that_was_looked_for_is_told(tmp_path: Path) -> None:
    checks = doctor.examine(tmp_path / "voices")
    names = [check.name for check in checks]
    for expected in (
        "python",
        "yt-dlp",
        "torch",
        "ffmpeg",
        "JavaScript runtime",
        "Whisper's weights",
        "device",
        "disk",
    ):
        assert expected in names
    assert all(check.found for check in checks)
    assert [check.name for check in checks if check.state == "missing"] == []


def test_what_is_missing_comes_with_what_to_do_and_exit_1(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def absent() -> Path:
        raise AudioError("no ffmpeg found", hint="pip install imageio-ffmpeg")

    monkeypatch.setattr(doctor, "find_ffmpeg", absent)
    told = CliRunner().invoke(app, ["doctor", "--voices-dir", str(tmp_path)])
    assert told.exit_code == 1
    assert "✗ ffmpeg" in told.stdout
    assert "→ pip install imageio-ffmpeg" in told.stdout
    assert told.stdout.endswith("1 missing\n")


def test_cached_whisper_weights_are_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert doctor._whisper_weights().state == "note"
    (tmp_path / "whisper").mkdir()
    (tmp_path / "whisper" / "base.en.pt").write_bytes(b"")
    assert doctor._whisper_weights().found == f"base.en in {tmp_path / 'whisper'}"
