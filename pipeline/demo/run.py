"""The demo run: make a talk, serve it, and type the three commands a user would type."""

import logging
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from dctts.errors import ClonePipelineError
from dctts.progress import SILENT, Progress
from dctts.shipped import shipped
from pipeline.bases import list_bases
from pipeline.demo.cast import open_cast
from pipeline.demo.page import PageServer, write_page
from pipeline.demo.talk import SCRIPT, make_talk, read_script
from pipeline.ffmpeg import find_ffmpeg

log = logging.getLogger(__name__)

VOICE = "demo"
TITLE = "The river hour: bridges"
STEPS_FROM_BASE = (300, 100)
"""Of Text2Mel and SSRN."""
STEPS_FROM_NOTHING = (60, 30)


@dataclass(frozen=True, kw_only=True)
class DemoOptions:
    """How far the demo goes."""

    folder: Path = Path("demo")
    """Where the talk, the voice and the wav go."""
    steps: int | None = None
    """Of Text2Mel; None takes what makes an intelligible voice of a base that ships, or shows without one that
    everything runs: a voice from random weights takes hours."""
    ssrn_steps: int | None = None


@dataclass(frozen=True, kw_only=True)
class DemoResult:
    """What the demo leaves behind."""

    report: Path
    wav: Path


def run_demo(options: DemoOptions, *, announce: Callable[[str], None], progress: Progress = SILENT) -> DemoResult:
    """Make the talk, then fetch it from loopback, fine-tune on it and speak.

    Each command runs as its own process, exactly as typed at a prompt.

    Args:
        options: where and how far.
        announce: shows each command line before it runs.
        progress: draws the making of the talk; the commands draw their own.

    Raises:
        ClonePipelineError: what speaks the talk is not installed, or one of the commands failed.
    """
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    page = _make_page(folder / "talk", progress)
    voices = folder / "voices"
    wav = folder / "speech.wav"
    sentence = shipped("text/harvard.txt").read_text(encoding="utf-8").splitlines()[0]
    where = ["--voice", VOICE, "--voices-dir", str(voices)]
    with PageServer(page.parent) as server:
        _command(["fetch", server.url(page.name), *where], announce)
    steps, ssrn_steps = STEPS_FROM_BASE if list_bases() else STEPS_FROM_NOTHING
    how_far = ["--steps", str(options.steps or steps), "--ssrn-steps", str(options.ssrn_steps or ssrn_steps)]
    _command(["finetune", *how_far, *where], announce)
    _command(["speak", sentence, "-o", str(wav), *where], announce)
    return DemoResult(report=voices / VOICE / "report.html", wav=wav)


def _make_page(folder: Path, progress: Progress) -> Path:
    page = folder / "talk.html"
    if page.exists():  # written last, so the talk is whole
        log.info("the talk is made already: %s", page)
        return page
    talk = make_talk(read_script(SCRIPT.read_text(encoding="utf-8")), open_cast(), progress)
    return write_page(folder, talk, TITLE, find_ffmpeg())


def _command(arguments: Sequence[str], announce: Callable[[str], None]) -> None:
    announce(" ".join(["$ clone-pipeline", *(f'"{part}"' if " " in part else part for part in arguments)]))
    # stdout carries paths for scripts; here it would end among ours
    search = os.pathsep.join([str(Path(__file__).parents[2]), os.environ.get("PYTHONPATH", "")]).rstrip(os.pathsep)
    done = subprocess.run(
        [sys.executable, "-m", "pipeline", *arguments],
        stdout=subprocess.DEVNULL,
        env={**os.environ, "PYTHONPATH": search},
        check=False,
    )
    if done.returncode in (130, -2):
        raise KeyboardInterrupt
    if done.returncode:
        raise ClonePipelineError(
            f"the demo stopped: clone-pipeline {arguments[0]} ended with {done.returncode}",
            hint="what went wrong stands above; run it again to go on where it stopped",
        )
