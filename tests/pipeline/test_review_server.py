"""The review page: what it refuses, and what a person does with it in a real browser."""

import contextlib
import http.client
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
import pytest
import soundfile
from filelock import FileLock

from pipeline.clips_file import read_clips
from pipeline.dataset import DatasetOptions
from pipeline.errors import DatasetError, VoiceError
from pipeline.records import Clip, clip_id
from pipeline.review_server import serve
from pipeline.review_session import ReviewSession
from pipeline.run import FetchSummary, RunOptions, build_voice_data, review_voice
from pipeline.stage_store import StageFile, parse_clip
from pipeline.voices import VoiceFolder, open_voice


@pytest.fixture
def voice(tmp_path: Path) -> VoiceFolder:
    """A voice with three clips of ten seconds of noise, as a fetch would have left it."""
    folder = open_voice("ada", tmp_path / "voices")
    talk = tmp_path / "talk.wav"
    soundfile.write(talk, np.random.default_rng(0).normal(0, 0.1, 10 * 16_000), 16_000, subtype="PCM_16")
    from pipeline.fetch import fetch

    (recording,) = fetch(str(talk), sources=folder.sources)
    clips = [
        Clip(id=clip_id(recording.id, start), source=recording.id, start_s=start, end_s=start + 2, text=text,
             kept=not why, reasons=why, measures={"snr_db": snr}, witnesses={"captions": text, "whisper": "Heard."})
        for start, text, why, snr in ((0.0, "One.", (), 30.0), (3.0, "Too.", (), 10.0), (6.0, "", ("no_text",), 20.0))
    ]  # fmt: skip
    StageFile(recording.folder / "stages" / "clips.jsonl", parse_clip).save("key", clips, note="captions")
    return folder


class Sitting:
    """A review that is being served."""

    def __init__(self, voice: VoiceFolder) -> None:
        self.url = ""
        self.summary: FetchSummary | None = None
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._review, args=(voice,))
        self._thread.start()
        assert self._ready.wait(20)

    def _review(self, voice: VoiceFolder) -> None:
        def opened(url: str) -> None:
            self.url = url
            self._ready.set()

        def show(session: ReviewSession) -> None:
            serve(session, name=voice.name, opened=opened)

        self.summary = review_voice(voice, show, RunOptions(dataset=DatasetOptions(sample_rate_hz=16_000)))

    def ask(self, method: str, path: str, body: object = None, **headers: str) -> tuple[int, Any]:
        split = urlsplit(self.url)
        assert split.hostname
        connection = http.client.HTTPConnection(split.hostname, split.port, timeout=20)
        whole = path if path.startswith("/") else split.path + path
        given = {"Content-Type": "application/json"} if body is not None else {}
        text = json.dumps(body) if body is not None else None
        connection.request(
            method, whole, text, {**given, **{key.replace("_", "-"): one for key, one in headers.items()}}
        )
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        kind = answer.headers.get_content_type()
        return answer.status, json.loads(content) if kind == "application/json" else content

    def finish(self) -> FetchSummary:
        with contextlib.suppress(OSError):  # the page may have said it already
            self.ask("POST", "done", {})
        self._thread.join(60)
        assert self.summary
        return self.summary


@pytest.fixture
def sitting(voice: VoiceFolder) -> Iterator[Sitting]:
    sitting = Sitting(voice)
    yield sitting
    if not sitting.summary:
        sitting.finish()


def first_id(voice: VoiceFolder) -> str:
    (folder,) = voice.sources.glob("audio-*")
    return f"{folder.name}-0000000"


def test_a_verdict_is_on_disk_at_once_and_in_the_dataset_at_the_end(voice: VoiceFolder, sitting: Sitting) -> None:
    identity = first_id(voice)
    status, row = sitting.ask("POST", f"clips/{identity}", {"kept": True, "text": " One\ntwo. "})
    assert (status, row["text"], row["reviewed"]) == (200, "One two.", True)
    assert read_clips(voice.clips_jsonl)[0].text == "One two."
    second = identity.replace("-0000000", "-0003000")
    assert sitting.ask("POST", f"clips/{second}", {"kept": False, "text": "Too."})[1]["reasons"] == [
        "rejected in review"
    ]
    summary = sitting.finish()
    assert (summary.num_kept, summary.num_candidates) == (1, 3)
    assert (voice.dataset / "metadata.csv").read_text() == f"{identity}|One two.|one two.\n"
    assert "rejected in review" in voice.report_html.read_text()


def test_a_verdict_survives_a_fetch_and_can_be_taken_back(voice: VoiceFolder, sitting: Sitting) -> None:
    identity = first_id(voice)
    sitting.ask("POST", f"clips/{identity}", {"kept": False, "text": "One."})
    sitting.finish()
    before = voice.clips_jsonl.read_bytes()
    voice.clips_jsonl.unlink()
    again = Sitting(voice)
    again.finish()
    assert voice.clips_jsonl.read_bytes() == before
    third = Sitting(voice)
    _, row = third.ask("DELETE", f"clips/{identity}", {})
    assert (row["kept"], row["reviewed"], row["witnesses"]) == (True, False, {"captions": "One.", "whisper": "Heard."})
    third.finish()
    assert [clip.kept for clip in read_clips(voice.clips_jsonl)] == [True, True, False]


def test_a_fetch_of_the_same_voice_keeps_what_the_person_said(
    voice: VoiceFolder, sitting: Sitting, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from pipeline import run

    sitting.ask("POST", f"clips/{first_id(voice)}", {"kept": True, "text": "Corrected."})
    sitting.finish()
    monkeypatch.setattr(run, "_find_clips", lambda *_: None)  # as stored
    build_voice_data([str(tmp_path / "talk.wav")], voice, RunOptions(dataset=DatasetOptions(sample_rate_hz=16_000)))
    assert read_clips(voice.clips_jsonl)[0].text == "Corrected."
    assert "|Corrected.|" in (voice.dataset / "metadata.csv").read_text()


def test_nobody_without_the_secret_the_host_and_the_origin_gets_in(voice: VoiceFolder, sitting: Sitting) -> None:
    port, clip = urlsplit(sitting.url).port, f"clips/{first_id(voice)}"
    drop = {"kept": False, "text": "x"}
    refused = [
        sitting.ask("GET", "/"),
        sitting.ask("GET", "/wrong/clips.json"),
        sitting.ask("GET", "clips.json", Host=f"evil.example:{port}"),
        sitting.ask("GET", "clips.json", Host="127.0.0.1:1"),
        sitting.ask("POST", f"/wrong/{clip}", drop),
        sitting.ask("POST", clip, drop, Origin="https://evil.example"),
        sitting.ask("POST", clip, drop, Origin="null"),
        sitting.ask("POST", clip, drop, Content_Type="text/plain"),
        sitting.ask("POST", "done", Origin="https://evil.example"),
    ]
    assert [status in (403, 404) for status, _ in refused] == [True] * len(refused)
    assert not voice.reviews_jsonl.exists()
    assert sitting.ask("GET", "clips.json", Host=f"localhost:{port}")[0] == 200


def test_what_makes_no_sense_changes_nothing(voice: VoiceFolder, sitting: Sitting) -> None:
    words, first = {"kept": True, "text": "x"}, first_id(voice)
    asked = [
        (first, {"kept": True, "text": "… –"}, 422),
        (first, {"kept": "yes", "text": "x"}, 400),
        (first, ["kept"], 400),
        (first, {"kept": True, "text": "x" * 70_000}, 413),
        ("nothing", words, 404),
        ("..%2F..%2Fclips.jsonl", words, 403),
    ]
    answers = [sitting.ask("POST", f"clips/{identity}", body)[0] for identity, body, _ in asked]
    assert answers == [status for _, _, status in asked]
    assert not voice.reviews_jsonl.exists()


def test_a_voice_without_clips_and_one_at_work_are_told_apart(voice: VoiceFolder, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="no clips to review"):
        review_voice(open_voice("new", tmp_path / "voices"), lambda session: None)
    assert not (tmp_path / "voices" / "new").exists()
    with FileLock(voice.folder / ".lock"), pytest.raises(VoiceError, match="another fetch or review"):
        review_voice(voice, lambda session: None)


def test_a_port_that_is_taken_is_one_clear_error(sitting: Sitting) -> None:
    port = urlsplit(sitting.url).port
    assert port
    with pytest.raises(VoiceError, match=f"port {port}"):
        serve(ReviewSession([], {}, decoded=Path, reviews_jsonl=Path("-"), clips_jsonl=Path("-")), name="x", port=port)


@pytest.mark.slow
def test_a_person_listens_corrects_keeps_and_drops(voice: VoiceFolder, sitting: Sitting, browser: Any) -> None:
    hostile = '<img src=x onerror="document.title=1">'
    sitting.ask("POST", f"clips/{first_id(voice)}", {"kept": True, "text": hostile + " one"})
    browser.open(sitting.url)
    browser.wait("document.querySelectorAll('article').length === 3")
    browser.wait("[...document.images].filter((image) => image.naturalWidth >= 60).length === 3")
    assert browser.run("document.querySelector('textarea').value") == hostile + " one"
    assert "2 of 3 clips kept" in browser.run("$('count').textContent")

    for key in ("j", "j", "j"):  # to the third
        browser.press(key)
    browser.press(" ")
    browser.wait("player.duration > 1.9 && player.duration < 2.1 && !player.paused")
    browser.press("y")  # it has no words
    browser.wait("$('message').textContent.includes('without words')")
    browser.run("document.activeElement.querySelectorAll('.witnesses button')[0].click()")  # takes what Whisper heard
    browser.wait("clips[2].text === 'Heard.'")
    browser.press("y")
    browser.wait("clips[2].kept && clips[2].reviewed")
    browser.press("k")
    browser.press("n")
    browser.wait("!clips[1].kept")

    browser.run("{const box = $('show'); box.value = 'dropped'; box.dispatchEvent(new Event('change'));}")
    assert browser.run("[...main.children].filter((row) => !row.hidden).length") == 1
    browser.run("{const box = $('order'); box.value = '-snr_db'; box.dispatchEvent(new Event('change'));}")
    assert (
        browser.run("[...main.children].map((row) => clips.find((one) => one.row === row).start_s).join()") == "0,6,3"
    )
    browser.run("clips[0].row.querySelector('textarea').value = 'One, corrected.'")
    browser.run("clips[0].row.querySelector('textarea').dispatchEvent(new Event('change')); $('done').click()")
    browser.wait("document.getElementById('bye') !== null")
    summary = sitting.finish()
    # A refusal is in the console too; what the page did wrong, or its policy forbade, would be beside it.
    assert [one for one in browser.complaints if "422" not in one] == []
    assert summary.num_kept == 2
    assert [clip.text for clip in read_clips(voice.clips_jsonl)] == ["One, corrected.", "Too.", "Heard."]
    assert "one, corrected." in (voice.dataset / "metadata.csv").read_text()
