"""The stages joined: real files, ffmpeg, dataset and report; only what listens is replaced by something quick."""

import hashlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
from filelock import FileLock

from pipeline import run
from pipeline.clips_file import read_clips
from pipeline.commands.fetch import describe, speaker_lines
from pipeline.errors import DatasetError, FetchError, NoSpeechError, VoiceError
from pipeline.records import Clip, Span, Speaker, Utterance, clip_id
from pipeline.run import RunOptions, build_voice_data, refresh_report
from pipeline.screen import Screened
from pipeline.voices import VoiceFolder, open_voice


class Stages:
    """Stand in for segment, transcribe and screen, and count what they are asked to do."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.choice = "captions: there are some"
        self.kept = True
        self.silent: set[float] = set()
        self.interrupt_at = -1
        self.speakers: tuple[Speaker, ...] = ()

    def find_spans(self, wav: Path, options: object, progress: object) -> list[Span]:
        self.calls.append("segment")
        duration_s = soundfile.info(wav).duration
        if duration_s in self.silent:
            raise NoSpeechError(f"no speech in {wav.name}", hint="is it music?")
        return [Span(start_s=n, end_s=n + 0.8) for n in range(int(duration_s))]

    def choose_transcriber(self, name: str, **_: object) -> tuple["Stages", str]:
        return self, self.choice

    def transcribe(self, wav: Path, spans: Sequence[Span], *, source: str, progress: object) -> Iterator[Utterance]:
        self.calls.append("transcribe")
        if len(self.calls) == self.interrupt_at:
            raise KeyboardInterrupt
        for span in spans:
            yield Utterance(source=source, span=span, text=f"Sentence {span.start_s:.0f}.")

    def screen(self, utterances: Sequence[Utterance], wav: Path, **_: object) -> Screened:
        self.calls.append("screen")
        clips = [
            Clip(
                id=clip_id(u.source, u.span.start_s), source=u.source, start_s=u.span.start_s, end_s=u.span.end_s,
                text=u.text, kept=self.kept, reasons=() if self.kept else ("too noisy",),
            )
            for u in utterances
        ]  # fmt: skip
        return Screened(clips=tuple(clips), speakers=self.speakers)


@pytest.fixture
def stages(monkeypatch: pytest.MonkeyPatch) -> Stages:
    stand_in = Stages()
    for name in ("find_spans", "choose_transcriber", "screen"):
        monkeypatch.setattr(run, name, getattr(stand_in, name))
    monkeypatch.setattr(run, "SpeakerEncoder", lambda: None)
    return stand_in


@pytest.fixture
def voice(tmp_path: Path) -> VoiceFolder:
    return open_voice("ada", tmp_path / "voices")


def talk(folder: Path, name: str, seconds: int) -> str:
    path = folder / name
    soundfile.write(path, np.random.default_rng(seconds).normal(0, 0.05, seconds * 22_050), 22_050, subtype="PCM_16")
    return str(path)


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_a_file_becomes_clips_a_dataset_and_a_report(tmp_path: Path, voice: VoiceFolder, stages: Stages) -> None:
    summary = build_voice_data([talk(tmp_path, "a.wav", 20)], voice)
    assert (summary.num_kept, summary.num_candidates, summary.num_sources) == (20, 20, 1)
    assert summary.transcribers == (stages.choice,)
    assert summary.funnel.total_s == pytest.approx(20, abs=0.1)
    assert summary.funnel.kept_s == pytest.approx(16, abs=0.1)
    assert len(read_clips(voice.clips_jsonl)) == 20
    assert len(list((voice.dataset / "wavs").iterdir())) == 20
    assert stages.choice in (voice.dataset / "card.md").read_text()
    assert voice.report_html.is_file()
    assert not list(voice.folder.glob("sources/*/decoded"))


def test_the_summary_says_what_was_kept_what_failed_and_what_to_do_next(
    tmp_path: Path, voice: VoiceFolder, stages: Stages
) -> None:
    absent = str(tmp_path / "absent.mp4")
    summary = build_voice_data([talk(tmp_path, "a.wav", 20), absent], voice)
    told = "\n".join(describe(summary, voice))
    for expected in ("kept 0.3 of 0.3 minutes (80%) in 20 clips, from 1 recording", stages.choice, absent):
        assert expected in told
    assert told.endswith("next: clone-pipeline finetune --voice ada")


def test_the_same_again_computes_nothing_and_changes_no_byte(
    tmp_path: Path, voice: VoiceFolder, stages: Stages, caplog: pytest.LogCaptureFixture
) -> None:
    url = talk(tmp_path, "a.wav", 5)
    build_voice_data([url], voice)
    before = tree(voice.folder)
    stages.calls.clear()
    with caplog.at_level("INFO"):
        build_voice_data([url], voice)
    assert stages.calls == []
    assert tree(voice.folder) == before
    assert "unchanged, 5 clips" in caplog.text


def test_another_transcriber_keeps_the_spans(tmp_path: Path, voice: VoiceFolder, stages: Stages) -> None:
    url = talk(tmp_path, "a.wav", 5)
    build_voice_data([url], voice)
    stages.calls.clear()
    stages.choice = "whisper: its weights are cached"
    build_voice_data([url], voice, RunOptions(transcriber="whisper"))
    assert stages.calls == ["transcribe", "screen"]


def test_a_second_recording_joins_the_first(tmp_path: Path, voice: VoiceFolder, stages: Stages) -> None:
    build_voice_data([talk(tmp_path, "a.wav", 5)], voice)
    stages.calls.clear()
    summary = build_voice_data([talk(tmp_path, "b.wav", 7)], voice)
    assert stages.calls == ["segment", "transcribe", "screen"]
    assert (summary.num_sources, summary.num_kept, len(summary.outcomes)) == (2, 12, 1)


def test_one_bad_url_does_not_stop_the_rest(tmp_path: Path, voice: VoiceFolder, stages: Stages) -> None:
    stages.silent = {7.0}
    text = tmp_path / "text.mp4"
    text.write_text("not a film")
    urls = [str(tmp_path / "absent.mp4"), talk(tmp_path, "a.wav", 5), talk(tmp_path, "silent.wav", 7), str(text)]
    summary = build_voice_data(urls, voice)
    assert summary.num_kept == 5
    assert len(summary.failures) == 3
    assert {type(failure.error) for failure in summary.failures} >= {FetchError, NoSpeechError}
    # Fetching again goes on from there: the silent one is no part of the voice.
    assert build_voice_data(urls[1:2], voice).num_sources == 1


def test_nothing_done_is_the_error_itself_or_all_of_them(tmp_path: Path, voice: VoiceFolder, stages: Stages) -> None:
    stages.silent = {7.0}
    silent = talk(tmp_path, "silent.wav", 7)
    with pytest.raises(NoSpeechError, match="no speech in 'silent'"):
        build_voice_data([silent], voice)
    with pytest.raises(FetchError, match=r"none of 2 gave any speech: .*absent.*no speech"):
        build_voice_data([silent, str(tmp_path / "absent.mp4")], voice)
    with pytest.raises(FetchError, match="no URL given"):
        build_voice_data([], voice)
    with pytest.raises(FetchError, match="absent"):
        build_voice_data([str(tmp_path / "absent.mp4")], open_voice("typo", tmp_path / "voices"))
    assert not (tmp_path / "voices" / "typo").exists()
    assert not list(voice.folder.glob("sources/*/decoded"))


def test_nothing_kept_still_leaves_the_clips_and_the_report(tmp_path: Path, voice: VoiceFolder, stages: Stages) -> None:
    stages.kept = False
    with pytest.raises(DatasetError, match="too noisy") as caught:
        build_voice_data([talk(tmp_path, "a.wav", 5)], voice)
    assert str(voice.report_html) in str(caught.value.hint)
    assert [clip.reasons for clip in read_clips(voice.clips_jsonl)] == [("too noisy",)] * 5
    assert "too noisy" in voice.report_html.read_text()
    assert not voice.dataset.exists()


def test_an_interrupted_run_goes_on_to_the_same_bytes(
    tmp_path: Path, voice: VoiceFolder, stages: Stages, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "_PART_SPANS", 2)
    url = talk(tmp_path, "a.wav", 6)
    whole = open_voice("whole", tmp_path / "voices")
    build_voice_data([url], whole)
    stages.calls.clear()
    stages.interrupt_at = 3  # segment, the first part, then in the second
    with pytest.raises(KeyboardInterrupt):
        build_voice_data([url], voice)
    (voice.folder / ".clips.x.part.jsonl").write_text("left by a kill")
    build_voice_data([url], voice)
    assert stages.calls == ["segment", "transcribe", "transcribe", "transcribe", "transcribe", "screen"]
    same, other = tree(voice.folder), tree(whole.folder)
    for files in (same, other):
        for name in ("report.html", "dataset/card.md"):  # these two carry the voice's name
            assert files.pop(name)
    assert same == other


def test_a_second_fetch_of_the_same_voice_is_turned_away(tmp_path: Path, voice: VoiceFolder, stages: Stages) -> None:
    voice.folder.mkdir(parents=True)
    with FileLock(voice.folder / ".lock"), pytest.raises(VoiceError, match="another fetch"):
        build_voice_data([talk(tmp_path, "a.wav", 5)], voice)


def test_a_source_that_cannot_be_read_is_left_out(
    tmp_path: Path, voice: VoiceFolder, stages: Stages, caplog: pytest.LogCaptureFixture
) -> None:
    build_voice_data([talk(tmp_path, "a.wav", 5)], voice)
    (_source,) = voice.sources.iterdir()
    broken: Any = voice.sources / "broken"
    broken.mkdir()
    (broken / "source.json").write_text("{")
    assert build_voice_data([talk(tmp_path, "b.wav", 7)], voice).num_sources == 2
    assert "a source is left out" in caplog.text


def test_a_bug_over_one_video_does_not_stop_the_rest(
    tmp_path: Path,
    voice: VoiceFolder,
    stages: Stages,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    found = stages.find_spans

    def find_spans(wav: Path, *rest: object) -> list[Span]:
        if soundfile.info(wav).duration == 7.0:
            raise ValueError("a bug")
        return found(wav, *rest)

    monkeypatch.setattr(run, "find_spans", find_spans)
    bad, good = talk(tmp_path, "b.wav", 7), talk(tmp_path, "a.wav", 5)
    summary = build_voice_data([bad, good], voice)
    assert [one.recording.title for one in summary.outcomes] == ["a"]
    assert [failure.error.message for failure in summary.failures] == ["ValueError: a bug"]
    assert "Traceback" in caplog.text
    with pytest.raises(ValueError, match="a bug"):  # alone, it is a bug like any other
        build_voice_data([bad], voice)


def test_of_several_recordings_the_summary_says_what_each_gave(
    tmp_path: Path, voice: VoiceFolder, stages: Stages
) -> None:
    urls = [talk(tmp_path, "first.wav", 60), talk(tmp_path, "second.wav", 90), str(tmp_path / "absent.mp4")]
    lines = describe(build_voice_data([*urls, urls[0]], voice), voice)
    place = lines.index("  recording  minutes   kept  clips  most lost to")
    assert [line.split() for line in lines[place + 1 : place + 3]] == [
        ["first", "1.0", "0.8", "60"],
        ["second", "1.5", "1.2", "90"],
    ]
    assert any(line.startswith("  failed") and "absent.mp4" in line for line in lines)


def test_speakers_of_a_recording_are_listed_and_in_the_report(
    tmp_path: Path, voice: VoiceFolder, stages: Stages
) -> None:
    stages.speakers = tuple(
        Speaker(number=n, speech_s=s, share=s / 90, wanted=n == 1, samples=(Span(start_s=n, end_s=n + 2),), vector=())
        for n, s in ((1, 60.0), (2, 30.0))
    )
    summary = build_voice_data([talk(tmp_path, "a.wav", 20)], voice)
    assert speaker_lines(summary)[1:] == ["a\t1\t1.0\t67%\tyes\t0:01", "a\t2\t0.5\t33%\tno\t0:02"]
    assert "Who speaks" in voice.report_html.read_text()


def test_after_training_the_report_shows_it(tmp_path: Path, voice: VoiceFolder, stages: Stages) -> None:
    refresh_report(voice)  # there is none to refresh
    assert not voice.folder.exists()
    build_voice_data([talk(tmp_path, "a.wav", 5)], voice)
    run_folder = voice.next_run()
    run_folder.mkdir(parents=True)
    before = voice.report_html.read_bytes()
    refresh_report(voice)
    assert voice.report_html.read_bytes() == before
    (run_folder / "selection.json").write_text('{"why": "step 7 of 9"}')
    refresh_report(voice)
    assert "step 7 of 9" in voice.report_html.read_text()
    assert not list(voice.folder.glob("sources/*/decoded"))
