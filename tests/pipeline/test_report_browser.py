"""The report in a real browser: it plays, sorts, filters, and its policy lets its own script run."""

import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.records import Clip, Recording, clip_id
from pipeline.report import write_report

pytestmark = pytest.mark.slow
DRIVE = """
const out = []; const heads = [...table.tHead.rows[0].cells];
const sort = (name) => heads.find((head) => head.textContent.startsWith(name)).querySelector("button").click();
const order = () => [...body.rows].map((row) => row.cells[2].dataset.value / 1).join(" ");
sort("length"); out.push(order()); sort("length"); out.push(order()); sort("snr_db"); out.push(order());
verdict.value = "dropped"; verdict.dispatchEvent(new Event("change")); out.push(count.textContent);
search.value = "nowhere"; search.dispatchEvent(new Event("input")); out.push(count.textContent);
const button = document.querySelector("button.play");
player.addEventListener("loadedmetadata", () => {
  out.push(player.duration.toFixed(1)); document.body.dataset.out = out.join("|");
});
button.click(); out.push(button.getAttribute("aria-pressed"));
"""


def chromium() -> str:
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if path := shutil.which(name):
            return path
    pytest.skip("no chromium")


def dump(page: Path, profile: Path) -> tuple[str, str]:
    command = [
        chromium(), "--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-first-run",
        f"--user-data-dir={profile}", "--autoplay-policy=no-user-gesture-required", "--virtual-time-budget=5000",
        "--enable-logging=stderr", "--dump-dom", page.as_uri(),
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    return done.stdout, done.stderr


def test_it_plays_sorts_and_filters(tmp_path: Path) -> None:
    wav = tmp_path / "talk.wav"
    soundfile.write(wav, np.random.default_rng(0).normal(0, 0.1, 20 * 16_000), 16_000)
    clips = [
        Clip(id=clip_id("talk", start), source="talk", start_s=start, end_s=start + length, text="Words.",
             kept=not why, reasons=why, measures=measures)
        for start, length, why, measures in (
            (1.0, 2.5, (), {"snr_db": 30.0}), (5.0, 1.0, ("noisy",), {"snr_db": 4.0}), (9.0, 4.0, ("no_text",), {}),
        )
    ]  # fmt: skip
    recording = Recording(
        id="talk", folder=tmp_path, audio=wav, audio_sha256="", captions=None, captions_kind="none", language="en",
        url="", title="", channel="", licence="", uploaded="", duration_s=20.0,
    )  # fmt: skip
    page = tmp_path / "report.html"
    write_report(page, clips, {"talk": recording}, decoded=lambda _: wav, name="ada")
    shown, log = dump(page, tmp_path / "profile")
    assert "3 clips, 0.1 minutes" in shown, "its own script did not run"
    assert "CONSOLE" not in log
    # The policy would stop a driver too, as it should: drive a copy without it.
    open_page = re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text())
    driven = tmp_path / "driven.html"
    driven.write_text(open_page.replace("</body>", f"<script>{DRIVE}</script></body>"))
    shown, _ = dump(driven, tmp_path / "profile2")
    match = re.search(r'<body data-out="([^"]*)"', shown)
    assert match is not None
    assert match[1].split("|") == [
        "5 1 9", "9 1 5", "5 1 9", "2 clips, 0.1 minutes", "0 clips, 0.0 minutes", "true", match[1].split("|")[-1],
    ]  # fmt: skip
    assert float(match[1].split("|")[-1]) == pytest.approx(1.0, abs=0.15), "the first row on the page was to play"


def test_a_title_that_is_a_script_does_not_run_even_without_the_policy(tmp_path: Path) -> None:
    wav = tmp_path / "talk.wav"
    soundfile.write(wav, np.zeros(16_000), 16_000)
    owned = "document.documentElement.dataset.owned=1"
    hostile = f"</title><script>{owned}</script><img src=x onerror={owned}>"
    clip = Clip(id="talk-1", source="talk", start_s=0, end_s=1, text=hostile, kept=False, reasons=(hostile,))
    recording = Recording(
        id="talk", folder=tmp_path, audio=wav, audio_sha256=hostile, captions=None, captions_kind="none", language="en",
        url="javascript:document.documentElement.dataset.owned=1", title=hostile, channel=hostile, licence=hostile,
        uploaded=hostile, duration_s=1.0,
    )  # fmt: skip
    page = tmp_path / "report.html"
    write_report(page, [clip], {"talk": recording}, decoded=lambda _: wav, name="ada", transcribers={"talk": hostile})
    page.write_text(re.sub(r'<meta http-equiv="Content-Security-Policy"[^>]*>', "", page.read_text()))
    shown, _ = dump(page, tmp_path / "profile")
    assert "1 clips" in shown
    assert "data-owned" not in shown
