"""`kill -9` and Ctrl-C in a real `finetune`, then the same command again; and `speak` killed while it writes."""

import hashlib
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
COMMAND = [
    "finetune",
    "--base",
    "none",
    "--size",
    "tiny",
    "--steps",
    "40",
    "--ssrn-steps",
    "20",
    "--preview-every",
    "10",
]


def start(voices: Path, *command: str) -> "subprocess.Popen[str]":
    line = [sys.executable, "-m", "pipeline", *command, "--voices-dir", str(voices)]
    return subprocess.Popen(
        line, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True
    )


def voices_with(dataset: Path, folder: Path) -> Path:
    shutil.copytree(dataset, folder / "default" / "dataset")
    return folder


def finish(voices: Path) -> dict[str, str]:
    process = start(voices, *COMMAND)
    _, err = process.communicate()
    assert process.returncode == 0, err
    return tree(voices)


def tree(voices: Path) -> dict[str, str]:
    """Hash of every file but TensorBoard's: those hold the time of day."""
    return {
        str(path.relative_to(voices)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(voices.rglob("*"))
        if path.is_file() and "tensorboard" not in path.parts
    }


def wait_for(pattern: str, voices: Path) -> None:
    end = time.monotonic() + 240
    while not list(voices.glob(pattern)):
        assert time.monotonic() < end, f"no {pattern}"
        time.sleep(0.01)


def test_killed_and_interrupted_it_ends_with_the_same_bytes(tiny_dataset: Path, tmp_path: Path) -> None:
    unbroken = finish(voices_with(tiny_dataset, tmp_path / "whole"))
    assert "default/voice.safetensors" in unbroken
    voices = voices_with(tiny_dataset, tmp_path / "broken")
    for pattern, number in [
        ("default/runs/1/config.json", signal.SIGKILL),
        ("default/runs/1/checkpoints/ssrn/10.safetensors", signal.SIGKILL),
        ("default/runs/1/checkpoints/text2mel/10.safetensors", signal.SIGINT),
        ("default/runs/1/checkpoints/text2mel/30.safetensors", signal.SIGKILL),
    ]:
        process = start(voices, *COMMAND)
        wait_for(pattern, voices)
        process.send_signal(number)
        _, err = process.communicate()
        assert process.returncode == (130 if number == signal.SIGINT else -9), err
        if number == signal.SIGINT:
            assert "everything is saved, the same command goes on" in err
            assert "Traceback" not in err
    assert finish(voices) == unbroken
