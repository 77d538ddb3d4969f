"""`kill -9` and Ctrl-C in each stage of a real fetch, then the same command again."""

import hashlib
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from pipeline.ffmpeg import find_ffmpeg

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
SECONDS = 36


@pytest.fixture(scope="module")
def talk(tmp_path_factory: pytest.TempPathFactory) -> Path:
    talks = Path(os.environ.get("CLONE_PIPELINE_SHARED") or ROOT.parent / "shared") / "talks"
    if not talks.is_dir():
        pytest.skip(f"no talks in {talks}")
    folder = tmp_path_factory.mktemp("talk")
    excerpt = folder / "talk.mkv"
    source = str(talks / "audiobook.m4a")
    command = [str(find_ffmpeg()), "-v", "error", "-i", source, "-t", str(SECONDS), "-c", "copy", str(excerpt)]
    subprocess.run(command, check=True)
    captions = (talks / "audiobook.en.vtt").read_text().split("\n\n")
    early = [
        cue for cue in captions if "-->" not in cue or cue.split("-->")[0].split("\n")[-1] < f"00:00:{SECONDS - 4}"
    ]
    (folder / "talk.en.vtt").write_text("\n\n".join(early) + "\n")
    return excerpt


def start(talk: Path, voices: Path) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "pipeline", "fetch", str(talk), "--voices-dir", str(voices)]
    return subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def finish(talk: Path, voices: Path) -> None:
    process = start(talk, voices)
    _, err = process.communicate()
    assert process.returncode == 0, err


def tree(voices: Path) -> dict[str, str]:
    return {
        str(path.relative_to(voices)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(voices.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(scope="module")
def unbroken(talk: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    voices = tmp_path_factory.mktemp("unbroken")
    finish(talk, voices)
    return tree(voices)


def test_killed_in_each_stage_it_ends_with_the_same_bytes(talk: Path, tmp_path: Path, unbroken: dict[str, str]) -> None:
    killed: list[str] = []
    while True:
        process = start(talk, tmp_path)
        assert process.stderr is not None
        # Kill at the first stage that no earlier run was killed in: a line "<stage> …" says that it has begun.
        for line in process.stderr:
            if line.rstrip().endswith("…") and line not in killed:
                killed.append(line)
                process.kill()
                break
        process.communicate()
        if process.returncode == 0:
            break
        assert process.returncode == -signal.SIGKILL
        assert len(killed) < 20
    assert len(killed) >= 5, killed
    assert tree(tmp_path) == unbroken


@pytest.mark.parametrize("stage", ["segment", "listen", "cutting clips"])
def test_ctrl_c_leaves_with_130_and_no_traceback(
    stage: str, talk: Path, tmp_path: Path, unbroken: dict[str, str]
) -> None:
    process = start(talk, tmp_path)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(stage) and line.rstrip().endswith("…"):
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to the workers too
            break
    else:
        pytest.fail(f"no stage {stage!r}")
    _, err = process.communicate()
    assert process.returncode == 130, err
    assert "Traceback" not in err
    finish(talk, tmp_path)
    assert tree(tmp_path) == unbroken
