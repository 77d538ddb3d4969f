import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from dctts.errors import ClonePipelineError
from pipeline import cli
from pipeline.clips_file import write_clips
from pipeline.commands import fetch as fetch_command
from pipeline.commands import terminal
from pipeline.errors import FetchError
from pipeline.records import Clip

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "librosa", "whisper", "yt_dlp", "numpy", "scipy", "matplotlib", "pipeline.run", "rich.progress")


def run_main(monkeypatch: pytest.MonkeyPatch, *arguments: str) -> int:
    monkeypatch.setattr(sys, "argv", ["clone-pipeline", *arguments])
    terminal.stderr.cache_clear()
    with pytest.raises(SystemExit) as left:
        cli.main()
    return int(left.value.code or 0)


def test_importing_the_command_line_loads_nothing_heavy() -> None:
    code = f"import sys, pipeline.cli; print([name for name in {HEAVY} if name in sys.modules])"
    loaded = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert loaded.stdout.strip() == "[]"


def test_help_answers_before_one_wonders() -> None:
    def seconds() -> float:
        before = os.times()
        subprocess.run([sys.executable, "-m", "pipeline", "--help"], cwd=ROOT, capture_output=True, check=True)
        after = os.times()
        return after.children_user + after.children_system - before.children_user - before.children_system

    # Its own time on the processor, the best of five: what else runs on the machine is not the program's.
    assert min(seconds() for _ in range(5)) < 0.3


@pytest.mark.parametrize("command", ["fetch", "voices", "doctor"])
def test_every_command_is_listed_and_explains_itself(command: str) -> None:
    listed = CliRunner().invoke(cli.app, ["--help"])
    assert command in listed.stdout
    explained = CliRunner().invoke(cli.app, [command, "--help"])
    assert explained.exit_code == 0
    assert len(explained.stdout) > 300


def test_the_help_of_an_option_states_the_default_that_holds() -> None:
    from pipeline.fetch import FetchOptions

    assert FetchOptions().language == fetch_command.LANGUAGE


def test_what_a_user_can_act_on_is_two_lines_and_exit_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert run_main(monkeypatch, "fetch", "x", "--voice", "../up", "--voices-dir", str(tmp_path)) == 1
    out, err = capsys.readouterr()
    assert out == ""
    assert [line.split(":")[0] for line in err.splitlines()] == ["error", "hint"]
    assert "'../up'" in err


def test_a_hostile_message_stays_one_line_and_moves_no_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    terminal.stderr.cache_clear()
    terminal.show_error(ClonePipelineError("a\nb\x1b[2J [red]c[/red]", hint=None))
    assert capsys.readouterr().err == "error: a b [2J [red]c[/red]\n"


def test_a_bug_keeps_its_traceback(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("a bug")

    monkeypatch.setattr(fetch_command, "open_voice", broken)
    monkeypatch.setattr(sys, "argv", ["clone-pipeline", "fetch", "x"])
    with pytest.raises(RuntimeError, match="a bug"):
        cli.main()


def test_ctrl_c_leaves_with_130(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(fetch_command, "open_voice", interrupted)
    assert run_main(monkeypatch, "fetch", "x") == 130


def test_no_url_is_an_error_that_says_how(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_main(monkeypatch, "fetch") == 1
    assert "hint: clone-pipeline fetch URL" in capsys.readouterr().err


def test_urls_come_from_a_file_too_without_its_comments(tmp_path: Path) -> None:
    path = tmp_path / "urls.txt"
    path.write_text("\ufeff# mine\nhttps://a.org/x#t=3 # the best\n\n  talk.mp4  \n  # no\n", encoding="utf-8")
    assert fetch_command._read_urls(path) == ["https://a.org/x#t=3", "talk.mp4"]
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(FetchError, match="not UTF-8"):
        fetch_command._read_urls(path)


@pytest.mark.parametrize(("names", "code"), [(["absent.wav", "talk.wav"], 0), (["absent.wav", "text.wav"], 1)])
def test_from_a_file_of_urls_the_exit_code_says_whether_any_gave_something(
    names: list[str], code: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    from pipeline import run
    from pipeline.records import Span
    from pipeline.screen import Screened

    soundfile.write(tmp_path / "talk.wav", np.random.default_rng(0).normal(0, 0.1, 32_000), 16_000)
    (tmp_path / "text.wav").write_text("no sound")
    urls = tmp_path / "urls.txt"
    urls.write_text("".join(f"{tmp_path / name}\n" for name in names))

    def screen(*_: object, **__: object) -> Screened:
        (source,) = (tmp_path / "ada" / "sources").glob("audio-*")
        clip = Clip(id=f"{source.name}-0", source=source.name, start_s=0, end_s=2, text="Hello there.", kept=True)
        return Screened(clips=(clip,), speakers=())

    monkeypatch.setattr(run, "find_spans", lambda *_: [Span(start_s=0, end_s=2)])
    monkeypatch.setattr(run, "screen", screen)
    arguments = ("--voice", "ada", "--voices-dir", str(tmp_path), "--transcriber", "pocketsphinx")
    if code:
        assert run_main(monkeypatch, "fetch", "--from-file", str(urls), *arguments) == 1
    else:
        done = CliRunner().invoke(cli.app, ["fetch", "--from-file", str(urls), *arguments])
        assert (done.exit_code, len(done.stdout.splitlines())) == (0, 2)
        assert "failed       no such file" in done.stderr


def test_voices_is_a_table_of_tabs_in_a_pipe(tmp_path: Path) -> None:
    write_clips(
        tmp_path / "ada" / "clips.jsonl",
        [Clip(id="t-0", source="t", start_s=0, end_s=90, text="x", kept=True),
         Clip(id="t-1", source="t", start_s=90, end_s=99, text="x", kept=False, reasons=("a",))],
    )  # fmt: skip
    (tmp_path / "ada" / "runs" / "2").mkdir(parents=True)
    metrics = tmp_path / "ada" / "runs" / "2" / "metrics.jsonl"
    metrics.write_text(json.dumps({"step": 10}) + "\n" + json.dumps({"step": 20}) + '\n{"ste')
    (tmp_path / "ada" / "voice.safetensors").write_bytes(b"")
    (tmp_path / "new").mkdir()
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "clips.jsonl").write_text("{")
    listed = CliRunner().invoke(cli.app, ["voices", "--voices-dir", str(tmp_path)])
    assert listed.stdout.splitlines() == [
        "voice\tsources\tminutes kept\tclips\truns\tsteps\tspeaks",
        "ada\t0\t1.5\t1\t1\t20\tyes",
        "broken\t0\t-\t-\t0\t-\tno",
        "new\t0\t-\t-\t0\t-\tno",
    ]


def test_no_voices_says_how_to_make_the_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run_main(monkeypatch, "voices", "--voices-dir", str(tmp_path)) == 0
    out, err = capsys.readouterr()
    assert out == ""
    assert "clone-pipeline fetch URL" in err
