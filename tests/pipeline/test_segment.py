from pathlib import Path

import numpy as np
import pytest
import soundfile

from dctts.errors import AudioError
from pipeline import samples as wav_samples
from pipeline.errors import NoSpeechError
from pipeline.samples import quietest, smoothed
from pipeline.segment import SegmentOptions, find_spans, join_frames

OPTIONS = SegmentOptions()


def frames(*runs: tuple[bool, float]) -> tuple[np.ndarray, np.ndarray]:
    """Decisions and levels from (is speech, seconds): speech at -20 dB, silence at -80 dB."""
    flags = np.concatenate([np.full(round(seconds * 100), speech) for speech, seconds in runs])
    return flags, np.where(flags, -20.0, -80.0).astype(np.float32)


def write(path: Path, sound: np.ndarray, rate: int = 16_000) -> Path:
    soundfile.write(path, sound, rate, subtype="PCM_16")
    return path


def test_one_run_of_speech_becomes_one_span_with_silence_on_both_sides() -> None:
    (span,) = join_frames(*frames((False, 2), (True, 3), (False, 2)), OPTIONS)
    assert 1.8 <= span.start_s <= 1.95
    assert 5.05 <= span.end_s <= 5.2


def test_two_words_closer_than_the_pause_stay_one_span() -> None:
    assert len(join_frames(*frames((False, 1), (True, 1), (False, 0.2), (True, 1), (False, 1)), OPTIONS)) == 1
    assert len(join_frames(*frames((False, 1), (True, 1), (False, 0.4), (True, 1), (False, 1)), OPTIONS)) == 2


def test_a_click_is_no_speech() -> None:
    assert join_frames(*frames((False, 1), (True, 0.06), (False, 1)), OPTIONS) == []


def test_neighbours_that_share_a_short_pause_meet_at_its_quietest_frame() -> None:
    flags, levels = frames((False, 1), (True, 2), (False, 0.3), (True, 2), (False, 1))
    levels[300:330] = np.abs(np.arange(30) - 12) - 70  # quietest at 3.12 s
    left, right = join_frames(flags, levels, OPTIONS)
    assert left.end_s == right.start_s
    assert left.end_s == pytest.approx(3.12, abs=0.03)


def test_long_speech_is_split_at_its_quietest_pause_and_no_piece_is_too_long() -> None:
    flags, levels = frames((False, 1), (True, 14), (False, 1))
    levels[700:710] = -60
    spans = join_frames(flags, levels, OPTIONS)
    assert [span.duration_s <= 10.0 for span in spans] == [True, True]
    assert spans[0].end_s == pytest.approx(7.05, abs=0.06)


@pytest.mark.parametrize("seed", range(5))
def test_spans_are_in_order_apart_and_inside_the_recording(seed: int) -> None:
    chance = np.random.default_rng(seed)
    flags = np.repeat(chance.random(300) < 0.6, 20)
    levels = chance.normal(-50, 10, len(flags)).astype(np.float32)
    spans = join_frames(flags, levels, OPTIONS)
    edges = [edge for span in spans for edge in (span.start_s, span.end_s)]
    assert edges == sorted(edges)
    assert edges[0] >= 0
    assert edges[-1] <= len(flags) / 100
    assert max(span.duration_s for span in spans) <= OPTIONS.max_span_s + 0.01


def test_silence_is_reported_as_no_speech(tmp_path: Path) -> None:
    wav = write(tmp_path / "silence.wav", np.zeros(160_000))
    with pytest.raises(NoSpeechError, match=r"silence.wav \(0.0 s of 10.0 s\)"):
        find_spans(wav)


def test_an_empty_wav_is_reported_as_no_speech(tmp_path: Path) -> None:
    with pytest.raises(NoSpeechError):
        find_spans(write(tmp_path / "empty.wav", np.zeros(0)))


def test_a_wav_at_another_rate_is_refused(tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="22050 Hz"):
        find_spans(write(tmp_path / "other.wav", np.zeros(22_050), 22_050))


def test_reading_a_part_gives_exactly_its_samples(tmp_path: Path) -> None:
    wav = write(tmp_path / "ramp.wav", np.arange(32_000, dtype=np.int16))
    assert wav_samples.read(wav, 0.5, 1.0).tolist() == list(range(8_000, 16_000))
    assert len(wav_samples.read(wav, 1.9, 5.0)) == 1_600
    assert np.concatenate(list(wav_samples.blocks(wav, 0.3))).tolist() == list(range(32_000))


def test_the_quietest_frame_of_a_flat_stretch_is_its_middle() -> None:
    assert quietest(np.full(100, -50, np.float32), 20, 41) == 30
    assert quietest(np.zeros(10, np.float32), 5, 5) == 5
    assert quietest(np.zeros(10, np.float32), 15, 20) == 10


def test_smoothing_keeps_the_length() -> None:
    assert len(smoothed(np.zeros(7, np.float32))) == 7
    assert len(smoothed(np.zeros(3, np.float32))) == 3


@pytest.mark.parametrize(
    "wrong", [{"frame_ms": 20}, {"aggressiveness": 4}, {"max_span_s": 1.5}], ids=lambda wrong: next(iter(wrong))
)
def test_settings_that_cannot_work_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=next(iter(wrong))):
        SegmentOptions(**wrong)  # type: ignore[arg-type]
