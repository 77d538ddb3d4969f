"""The page in a real browser: its policy lets its script run, it plays, sorts and filters, and asks for nothing."""

import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.lexicon import Lexicon
from dctts.synthesize import SpeakOptions
from dctts.voice import Voice
from pipeline.evaluation.material import Prompt, prompts, read_material
from pipeline.evaluation.page import write_page
from pipeline.evaluation.run import Judges, RunOptions, evaluate

pytestmark = pytest.mark.slow
DRIVE = """
const out = []; const ids = () => [...body.rows].filter((row) => !row.hidden).map((row) => row.id).join(" ");
const sort = (name) => [...table.tHead.rows[0].cells].find((head) => head.textContent === name)
  .querySelector("button").click();
sort("WER"); out.push(ids());
verdict.value = "held out"; verdict.dispatchEvent(new Event("change")); out.push(ids());
const buttons = document.querySelectorAll("#robot-2 button.play");
player.addEventListener("loadedmetadata", () => {
  out.push(player.duration > 0.5); document.body.dataset.out = out.join("|");
});
buttons[1].click(); out.push(buttons.length, buttons[1].getAttribute("aria-pressed"));
"""


def dump(page: Path, profile: Path) -> tuple[str, str]:
    names = ("chromium", "chromium-browser", "google-chrome")
    program = next((path for name in names if (path := shutil.which(name))), None)
    if program is None:
        pytest.skip("no chromium")
    command = [
        program, "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
        f"--user-data-dir={profile}", "--autoplay-policy=no-user-gesture-required", "--virtual-time-budget=5000",
        "--enable-logging=stderr", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=True)
    return done.stdout, done.stderr


def test_it_plays_sorts_and_filters(
    tiny_voice: Voice, spoken_dataset: Path, encoder: SpeakerEncoder, parrot: Callable[..., Any], tmp_path: Path
) -> None:
    material = read_material(spoken_dataset)
    texts = [
        Prompt(id="hard-01", set="hard", text="<script>document.title = 'run'</script> aha"),
        *prompts(material)[-2:],
    ]
    judges = Judges(listener=parrot("nothing", "it was cold outside", "the sun", "aha", "six"), encoder=encoder)
    options = RunOptions(speak=SpeakOptions(attempts=1, iterations=2))
    done = evaluate(tiny_voice, judges, Lexicon(), name="ada", material=material, texts=texts, options=options)
    page = tmp_path / "evaluation.html"
    write_page(page, done)
    shown, log = dump(page, tmp_path / "profile")
    assert "3 clips, " in shown, "its own script did not run"
    assert "<title>ada: how good it is</title>" in shown, "a text ran as a script"
    assert "CONSOLE" not in log
    # The policy would stop a driver too, as it should: drive a copy without it.
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text(encoding="utf-8"))
    driven = tmp_path / "driven.html"
    driven.write_text(open_page.replace("</body>", f"<script>{DRIVE}</script></body>"), encoding="utf-8")
    shown, _ = dump(driven, tmp_path / "profile2")
    match = re.search(r'<body data-out="([^"]*)"', shown)
    assert match is not None
    order = " ".join(row.prompt.id for row in sorted(done.rows, key=lambda row: row.made.errors.wer))
    assert match[1].split("|") == [order, "robot-2 robot-3", "2", "true", "true"]
