import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from pipeline.records import Clip, Recording, Span, Speaker, clip_id
from pipeline.report import ReportOptions, write_report
from pipeline.timeline import strips
from pipeline.training_note import TrainingNote, read_training

RATE = 16_000
HOSTILE = '</title><script>alert("x")</script>" onload="alert(1)'


class Page(HTMLParser):
    """Collect the tags of a page, and what would run."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.tags if name == tag]


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    path = tmp_path / "talk.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 60 * RATE), RATE, subtype="PCM_16")
    return path


def recording(**changes: object) -> Recording:
    fields: dict[str, object] = {
        "id": "talk", "folder": Path("sources/talk"), "audio": Path("audio.webm"), "audio_sha256": "ab" * 32,
        "captions": None, "captions_kind": "none", "language": "en", "url": "https://example.org/v", "title": "A talk",
        "channel": "Ada", "licence": "CC0", "uploaded": "2024-05-01", "duration_s": 60.0,
    }  # fmt: skip
    return Recording(**{**fields, **changes})  # type: ignore[arg-type]


def clip(start_s: float, end_s: float, *reasons: str, text: str = "Words.", **measures: float) -> Clip:
    return Clip(
        id=clip_id("talk", start_s), source="talk", start_s=start_s, end_s=end_s, text=text, kept=not reasons,
        reasons=reasons, measures=measures, witnesses={"captions": text},
    )  # fmt: skip


CLIPS = [clip(1, 3, snr_db=20.5), clip(4, 7, "snr 9 dB < 15", "clipped", snr_db=9.0), clip(10, 13, "snr 3 dB < 15")]


def write(path: Path, clips: list[Clip], wav: Path, **changes: object) -> str:
    write_report(path, clips, {"talk": recording(**changes)}, decoded=lambda _: wav, name="ada")
    return path.read_text(encoding="utf-8")


def test_every_minute_is_in_the_funnel(tmp_path: Path, wav: Path) -> None:
    page = write(tmp_path / "report.html", CLIPS, wav)
    cells = re.findall(r"<tr[^>]*><td>(.*?)</td><td class=\"number\">([\d.]+)</td>", page)
    funnel = {re.sub("<.*?>", "", label): float(minutes) for label, minutes in cells}
    assert funnel == {"recorded": 1.0, "not speech": 0.87, "dropped: snr": 0.1, "kept": 0.03}


def test_every_clip_has_its_row_with_a_player_a_picture_and_its_reasons(tmp_path: Path, wav: Path) -> None:
    page = write(tmp_path / "report.html", CLIPS, wav)
    parsed = Page(page)
    rows = [row["id"] for row in parsed.all("tr") if row.get("data-verdict")]
    assert rows == [c.id for c in CLIPS]
    assert "snr 9 dB &lt; 15, clipped" in page
    sounds = [str(button["data-sound"]) for button in parsed.all("button") if "data-sound" in button]
    lengths = [soundfile.info(io.BytesIO(base64.b64decode(s.split(",")[1]))).duration for s in sounds]
    assert lengths == pytest.approx([2, 3, 3], abs=0.15)
    images = [Image.open(io.BytesIO(base64.b64decode(str(img["src"]).split(",")[1]))) for img in parsed.all("img")]
    assert [image.size for image in images] == [(60, 40), (90, 40), (90, 40)]


def test_the_page_loads_nothing_and_lets_nothing_run_but_its_own_script(tmp_path: Path, wav: Path) -> None:
    hostile = [clip(1, 3, text=HOSTILE), clip(4, 5, HOSTILE)]
    page = write(tmp_path / "report.html", hostile, wav, title=HOSTILE, channel=HOSTILE, url="javascript:alert(1)")
    parsed = Page(page)
    assert len(parsed.all("script")) == 1
    assert not [tag for tag, attributes in parsed.tags if any(name.startswith("on") for name in attributes)]
    links = [str(a.get("href")) for a in parsed.all("a")]
    assert links
    assert all(link.startswith("#") for link in links)
    assert not re.findall(r'(?:src|href)="(?!data:|#)', page)
    policy = next(meta for meta in parsed.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert str(policy["content"]).startswith("default-src 'none'; style-src 'sha256-")
    assert not parsed.all("link")


def test_the_same_clips_are_not_written_twice_and_give_the_same_bytes(tmp_path: Path, wav: Path) -> None:
    path = tmp_path / "report.html"
    page = write(path, CLIPS, wav)

    def refuse(source: str) -> Path:
        raise AssertionError("nothing needs decoding")

    arguments = {"talk": recording()}
    assert not write_report(path, CLIPS, arguments, decoded=refuse, name="ada")
    path.unlink()
    assert write(path, CLIPS, wav) == page
    assert write_report(path, CLIPS[:2], arguments, decoded=lambda _: wav, name="ada")


def test_beyond_the_limit_each_reason_keeps_its_share_of_players(tmp_path: Path, wav: Path) -> None:
    clips = [clip(n, n + 0.9, *(["music"] if n % 10 == 0 else ["snr"] if n % 2 else [])) for n in range(50)]
    path = tmp_path / "report.html"
    options = ReportOptions(max_bytes=2_000 * 50 + 12 * 8_000)
    write_report(path, clips, {"talk": recording()}, decoded=lambda _: wav, name="ada", options=options)
    parsed = Page(path.read_text())
    verdicts = [c.reasons[0] if c.reasons else "kept" for c in clips]
    heard = [
        verdict
        for verdict, cell in zip(verdicts, path.read_text().split('data-verdict="')[1:], strict=True)
        if "data-sound" in cell
    ]
    assert 9 <= len(heard) <= 15
    assert {verdict: heard.count(verdict) for verdict in set(verdicts)} == pytest.approx(
        {"kept": 4, "music": 4, "snr": 4}, abs=1
    )
    assert len([row for row in parsed.all("tr") if row.get("data-verdict")]) == 50


def test_each_speaker_has_minutes_and_samples_to_hear(tmp_path: Path, wav: Path) -> None:
    speakers = [
        Speaker(number=number, speech_s=60.0 * (4 - number), share=share, wanted=number == 2,
                samples=(Span(start_s=1, end_s=3), Span(start_s=20, end_s=50)), vector=())
        for number, share in ((1, 0.6), (2, 0.4))
    ]  # fmt: skip
    path = tmp_path / "report.html"
    arguments = {"decoded": lambda _: wav, "name": "ada"}
    write_report(path, CLIPS, {"talk": recording()}, speakers={"talk": speakers}, **arguments)  # type: ignore[arg-type]
    page = path.read_text()
    rows = re.findall(r"<tr><td>(\d.*?)</td><td class=\"number\">(.*?)</td><td class=\"number\">(.*?)</td>", page)
    assert rows == [("1", "3.0", "60 %"), ("2, this voice", "2.0", "40 %")]
    samples = [b for b in Page(page).all("button") if "of speaker" in str(b.get("aria-label"))]
    sounds = [base64.b64decode(str(button["data-sound"]).split(",")[1]) for button in samples]
    lengths = [soundfile.info(io.BytesIO(sound)).duration for sound in sounds]
    assert lengths == pytest.approx([2, 8, 2, 8], abs=0.15)
    assert not write_report(path, CLIPS, {"talk": recording()}, speakers={"talk": speakers}, **arguments)  # type: ignore[arg-type]
    assert write_report(path, CLIPS, {"talk": recording()}, speakers={"talk": speakers[:1]}, **arguments)  # type: ignore[arg-type]


def test_a_run_that_was_listened_to_shows_why_its_step_was_chosen(tmp_path: Path, wav: Path) -> None:
    run = tmp_path / "runs" / "3"
    run.mkdir(parents=True)
    assert read_training(run) is None
    assert read_training(None) is None
    (run / "selection.json").write_text('{"why": "step 500 of 900: J <b>0.1</b>", "findings": ["it forgets"]}')
    Image.new("RGB", (20, 10)).save(run / "learning-curve.png")
    path = tmp_path / "report.html"
    write_report(path, CLIPS, {"talk": recording()}, decoded=lambda _: wav, name="ada", training=read_training(run))
    page = path.read_text()
    assert "Training, run 3" in page
    assert "step 500 of 900: J &lt;b&gt;0.1&lt;/b&gt;" in page
    assert "it forgets" in page
    (curve,) = [img for img in Page(page).all("img") if img.get("class") == "curve"]
    assert base64.b64decode(str(curve["src"]).split(",")[1]) == (run / "learning-curve.png").read_bytes()


@pytest.mark.parametrize("broken", ["{", "[]", '{"why": ""}', '{"why": "x", "findings": 3}'])
def test_what_a_run_writes_half_is_no_error(broken: str, tmp_path: Path) -> None:
    (tmp_path / "selection.json").write_text(broken)
    assert read_training(tmp_path) is None
    (tmp_path / "learning-curve.png").write_bytes(b"png")
    assert read_training(tmp_path) == TrainingNote(run=tmp_path.name, why="", findings=(), curve_png=b"png")


def test_no_clips_at_all_still_make_a_page(tmp_path: Path, wav: Path) -> None:
    page = write(tmp_path / "report.html", [], wav)
    assert "not speech" in page


@pytest.mark.parametrize(
    ("duration_s", "count", "length_s"), [(30, 1, 60), (700, 12, 60), (1546, 6, 300), (9000, 8, 1200)]
)
def test_a_long_recording_is_wrapped_into_strips(duration_s: float, count: int, length_s: float) -> None:
    drawn = strips([], [], duration_s, {})
    assert len(drawn) == count
    assert {strip.length_s for strip in drawn} == {length_s}
    assert drawn[-1].end_s == duration_s
    assert drawn[0].width == pytest.approx(min(1000, duration_s / length_s * 1000))
