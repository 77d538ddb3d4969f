from pathlib import Path

import numpy as np
import pytest
import soundfile

from pipeline.captions import read_captions
from pipeline.excerpt import Window, counted, cut_excerpt, place_windows, shift_captions
from pipeline.records import Clip

VTT = """WEBVTT

00:00:01.000 --> 00:00:03.000
one two

00:00:11.000 --> 00:00:13.000
three four

00:00:13.000 --> 00:00:19.000
[Music]

00:00:21.000 --> 00:00:23.000
five six
"""


def test_windows_lie_in_the_middle_of_equal_parts() -> None:
    windows = place_windows(400.0, count=4, length_s=20.0, margin_s=2.0)
    assert [window.start_s for window in windows] == [40, 140, 240, 340]
    assert [window.counted_s for window in windows] == [(2, 18), (23, 39), (44, 60), (65, 81)]


def test_a_short_recording_is_heard_whole() -> None:
    assert place_windows(79.0, count=4, length_s=20.0, margin_s=2.0) == (
        Window(start_s=0.0, length_s=79.0, at_s=0.0, margin_s=0.0),
    )


def test_an_excerpt_holds_the_windows_at_their_places(tmp_path: Path) -> None:
    # A tone whose pitch tells the time: 100 Hz more each second.
    time_s = np.arange(30 * 16_000) / 16_000
    soundfile.write(tmp_path / "talk.wav", 0.5 * np.sin(2 * np.pi * (300 + 100 * time_s.astype(int)) * time_s), 16_000)
    windows = place_windows(30.0, count=2, length_s=4.0, margin_s=1.0)
    cut_excerpt(tmp_path / "talk.wav", windows, tmp_path / "excerpt.wav")
    samples, rate = soundfile.read(tmp_path / "excerpt.wav")
    assert rate == 16_000
    assert len(samples) == 9 * 16_000
    assert not samples[4 * rate : 5 * rate].any()
    for window in windows:
        for second in range(1, 3):
            part = samples[int((window.at_s + second + 0.6) * rate) :][: rate // 4]
            pitch_hz = 4 * int(np.abs(np.fft.rfft(part)).argmax())
            assert pitch_hz == pytest.approx(300 + 100 * int(window.start_s + second + 0.6), abs=4)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["excerpt.wav", "talk.wav"]


def test_captions_go_with_their_window(tmp_path: Path) -> None:
    (tmp_path / "talk.vtt").write_text(VTT)
    windows = [
        Window(start_s=0.0, length_s=5.0, at_s=0.0, margin_s=0.0),
        Window(start_s=10.5, length_s=5.0, at_s=6.0, margin_s=0.0),
    ]
    track = shift_captions(read_captions(tmp_path / "talk.vtt", duration_s=30.0), windows)
    assert [word.text for word in track.words] == ["one", "two", "three", "four"]
    assert track.words[2].start_s == pytest.approx(6.5, abs=0.01)
    assert [cue.text for cue in track.cues] == ["one two", "three four"]
    (music,) = track.sounds
    assert (music.start_s, music.end_s) == pytest.approx((8.5, 11.0))


def test_only_the_inner_part_of_a_window_counts() -> None:
    clips = [
        Clip(id=f"t-{start}", source="t", start_s=start, end_s=start + 4, text="x", kept=True)
        for start in (0, 8, 16, 20)
    ]
    window = Window(start_s=100.0, length_s=20.0, at_s=1.0, margin_s=2.0)
    assert [(clip.start_s, clip.end_s) for clip in counted(clips, window)] == [(0, 1), (5, 9), (13, 16)]
