"""What probe says before anything is fetched: a real page, yt-dlp and ffmpeg; what listens is something quick."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from pipeline import cli, probe
from pipeline.clips_file import write_clips
from pipeline.commands.probe import describe
from pipeline.demo.page import PageServer
from pipeline.errors import FetchError, NoSpeechError
from pipeline.probe import ProbeOptions
from pipeline.records import Clip, Span, Speaker, Utterance, clip_id
from pipeline.screen import Screened

PAGE = """<!doctype html><html><head><title>A talk</title></head><body><video>
<source src="talk.wav" type="audio/wav"><track kind="captions" src="talk.en.auto.vtt" srclang="en">
</video></body></html>"""
LENGTH_S = 600


class Stages:
    """Stand in for segment, transcribe and screen: even seconds are kept, every tenth span is music."""

    def __init__(self) -> None:
        self.words = 0
        self.asked = 0
        self.names: list[str] = []

    def find_spans(self, wav: Path, *_: object) -> list[Span]:
        return [Span(start_s=float(n), end_s=n + 1.0) for n in range(int(soundfile.info(wav).duration))]

    def choose_transcriber(self, name: str, *, captions: object, language: str) -> tuple["Stages", str]:
        self.names.append(name)
        self.words = len(getattr(captions, "words", ()))
        return self, "quick"

    def transcribe(self, wav: Path, spans: Sequence[Span], *, source: str, progress: object) -> Iterator[Utterance]:
        self.asked += len(spans)
        for span in spans:
            yield Utterance(source=source, span=span, text="Words.")

    def screen(self, utterances: Sequence[Utterance], wav: Path, **_: object) -> Screened:
        why = [("music",) if n % 10 == 9 else ("noisy",) if n % 2 else () for n in range(len(utterances))]
        clips = [
            Clip(id=clip_id(u.source, u.span.start_s), source=u.source, start_s=u.span.start_s, end_s=u.span.end_s,
                 text=u.text, kept=not reasons, reasons=reasons)
            for u, reasons in zip(utterances, why, strict=True)
        ]  # fmt: skip
        return Screened(clips=tuple(clips), speakers=TWO_VOICES)


TWO_VOICES = tuple(
    Speaker(number=k + 1, speech_s=10.0, share=share, wanted=k == 0, samples=(), vector=(1.0,))
    for k, share in enumerate((2 / 3, 1 / 3))
)


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    stand_in = Stages()
    for name in ("find_spans", "choose_transcriber", "screen"):
        monkeypatch.setattr(probe, name, getattr(stand_in, name))
    monkeypatch.setattr(probe, "SpeakerEncoder", lambda: None)
    return stand_in


@pytest.fixture
def site(tmp_path: Path) -> Iterator[str]:
    folder = tmp_path / "www"
    folder.mkdir()
    soundfile.write(folder / "talk.wav", np.random.default_rng(0).normal(0, 0.1, LENGTH_S * 8000), 8000)
    cues = "\n\n".join(
        f"00:{n // 60:02d}:{n % 60:02d}.000 --> 00:{n // 60:02d}:{n % 60:02d}.900\nword {n}" for n in range(600)
    )
    (folder / "talk.en.auto.vtt").write_text(f"WEBVTT\n\n{cues}\n")
    (folder / "talk.html").write_text(PAGE)
    with PageServer(folder) as server:
        yield server.url("talk.html")


def test_a_page_is_told_from_its_captions_and_a_few_minutes(site: str, stages: Stages) -> None:
    forecast = probe.probe(site, clock=lambda: 0.0)
    assert (forecast.recording.title, forecast.recording.captions_kind) == ("A talk", "automatic")
    assert forecast.heard_s == pytest.approx(6 * 22, abs=0.1)
    assert forecast.kept_s == pytest.approx(LENGTH_S / 2, abs=LENGTH_S * 0.06)
    assert forecast.kept_range_s[0] <= forecast.kept_s <= forecast.kept_range_s[1]
    assert forecast.share_of("music") == pytest.approx(0.1, abs=0.03)
    assert forecast.speaker_shares == pytest.approx((2 / 3, 1 / 3), abs=0.02)
    assert stages.names == ["captions"]
    assert stages.words == pytest.approx(2 * 6 * 28, abs=24)


def test_when_time_is_up_what_was_heard_still_comes_from_all_of_it(site: str, stages: Stages) -> None:
    times = iter(range(0, 1000, 15))
    forecast = probe.probe(site, clock=lambda: float(next(times)))
    assert forecast.heard_s == pytest.approx(2 * 22, abs=0.1)
    assert stages.asked == pytest.approx(2 * 28, abs=2)
    assert forecast.kept_s == pytest.approx(LENGTH_S / 2, abs=LENGTH_S * 0.06)


def test_nothing_is_left_on_disk_and_no_voice_is_made(
    site: str, stages: Stages, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(scratch))
    done = CliRunner().invoke(cli.app, ["probe", site, "--voice", "ada", "--voices-dir", str(tmp_path / "voices")])
    assert done.exit_code == 0
    assert [line.split()[0] for line in done.stdout.splitlines()] == [
        "title", "length", "captions", "speakers", "music", "kept", "dropped", "needed",
    ]  # fmt: skip
    assert not list(scratch.iterdir())
    assert not (tmp_path / "voices").exists()


def test_what_the_voice_has_already_is_not_asked_for_again(site: str, stages: Stages, tmp_path: Path) -> None:
    forecast = probe.probe(site, clock=lambda: 0.0)
    assert dict(describe(forecast, held_s=0.0))["needed"] == "~10 minutes more, from other videos (for 15)"
    assert dict(describe(forecast, held_s=360.0))["needed"].startswith("6.0 are there, ~4 minutes more")
    assert dict(describe(forecast, held_s=660.0))["needed"] == "11.0 are there, nothing more (for 15)"
    clips = [Clip(id="t-0", source="t", start_s=0, end_s=900, text="x", kept=True)]
    write_clips(tmp_path / "ada" / "clips.jsonl", clips)
    done = CliRunner().invoke(cli.app, ["probe", site, "--voice", "ada", "--voices-dir", str(tmp_path)])
    assert "15.0 are there, nothing more" in done.stdout


def test_silence_and_a_missing_page_are_clear_errors(
    site: str, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(FetchError, match="404"):
        probe.probe(site.replace("talk.html", "absent.html"))

    def silent(*_: object) -> list[Span]:
        raise NoSpeechError("no speech found in excerpt.wav", hint="is it music?")

    monkeypatch.setattr(probe, "find_spans", silent)
    with pytest.raises(NoSpeechError, match="nobody speaks in 168 s taken from A talk"):
        probe.probe(site, ProbeOptions())
