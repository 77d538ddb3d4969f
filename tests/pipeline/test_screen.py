from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from pipeline.records import Span, Utterance, Word
from pipeline.screen import ScreenOptions, reasons, screen
from pipeline.sound import clipped_ratio, snr_db
from pipeline.speakers import dominant_voice

OPTIONS = ScreenOptions()
GOOD = {"chars_per_s": 15.0, "clipped_ratio": 0.0001, "snr_db": 40.0, "speaker_cos": 0.9, "aligned": 1.0}


@dataclass(frozen=True)
class Sound:
    label: str
    start_s: float
    end_s: float


def utterance(text: str = "words that are said", duration_s: float = 3.0, start_s: float = 0.0) -> Utterance:
    return Utterance(source="talk", span=Span(start_s=start_s, end_s=start_s + duration_s), text=text)


def test_a_good_clip_has_no_reasons() -> None:
    assert reasons(utterance(), GOOD, OPTIONS) == ()


@pytest.mark.parametrize(
    ("measure", "value", "reason"),
    [
        ("chars_per_s", 40.0, "too_fast"),
        ("chars_per_s", 2.0, "too_slow"),
        ("clipped_ratio", 0.05, "clipped"),
        ("snr_db", 10.0, "noisy"),
        ("speaker_cos", 0.6, "other_speaker"),
        ("disagreement", 120.0, "disagreement"),
        ("agreement_cer", 0.8, "disagreement"),
        ("aligned", 0.0, "not_aligned"),
        ("alignment_score", -15.0, "bad_alignment"),
    ],
)
def test_each_measure_has_its_reason(measure: str, value: float, reason: str) -> None:
    assert reasons(utterance(), {**GOOD, measure: value}, OPTIONS) == (reason,)


def test_captions_of_a_person_are_doubted_less() -> None:
    assert reasons(utterance(), {**GOOD, "disagreement": 120.0, "manual_captions": 1.0}, OPTIONS) == ()


def test_a_clip_without_voice_is_not_the_main_speakers() -> None:
    assert reasons(utterance(), {k: v for k, v in GOOD.items() if k != "speaker_cos"}, OPTIONS) == ("other_speaker",)


@pytest.mark.parametrize(("duration_s", "reason"), [(0.5, "too_short"), (10.5, "too_long")])
def test_length_has_limits(duration_s: float, reason: str) -> None:
    assert reason in reasons(utterance(duration_s=duration_s), GOOD, OPTIONS)


def test_speech_without_text_is_called_music_where_the_captions_say_so() -> None:
    silent = {**GOOD, "chars_per_s": 0.0}
    assert reasons(utterance(text=""), silent, OPTIONS) == ("no_text",)
    assert reasons(utterance(text=""), silent, OPTIONS, [Sound("Music", 0, 5)]) == ("music",)
    assert reasons(utterance(text=""), silent, OPTIONS, [Sound("Music", 50, 55)]) == ("no_text",)


def test_every_candidate_gets_a_row_and_the_minority_voice_is_dropped(tmp_path: Path) -> None:
    class Encoder:
        def embed_batch(
            self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int
        ) -> list[NDArray[np.float32] | None]:
            # the guest is the louder one
            return [np.eye(256, dtype=np.float32)[int(np.abs(wav).max() > 0.6)] for wav in wavs]

    chance = np.random.default_rng(0)
    second = np.concatenate([chance.normal(0, 0.05, 8_000), np.zeros(8_000)])
    sound = np.concatenate([second * level for level in (1, 1, 1, 1, 3.6, 3.6)])
    wav = tmp_path / "talk.wav"
    soundfile.write(wav, sound, 16_000, subtype="PCM_16")
    rows = [utterance("twelve chars or so, more or less", 2.0, 2.0 * k) for k in range(3)]
    clips = screen(rows, wav, speaker_encoder=Encoder())
    assert [clip.reasons for clip in clips] == [(), (), ("other_speaker",)]
    assert [clip.id for clip in clips] == ["talk-0000000", "talk-0002000", "talk-0004000"]
    assert clips[0].measures["snr_db"] > 30


def test_words_set_where_the_sound_is_measured(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    sound = np.concatenate([np.zeros(16_000), chance.normal(0, 0.1, 16_000), np.zeros(16_000)])
    wav = tmp_path / "bed.wav"
    soundfile.write(wav, sound, 16_000, subtype="PCM_16")

    class Encoder:
        def embed_batch(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> list[None]:
            return [None for _ in wavs]

    whole = utterance(duration_s=3.0)
    timed = Utterance(source="a", span=whole.span, text="a", words=(Word(text="a", start_s=1.0, end_s=2.0),))
    loose, tight = screen([whole, timed], wav, speaker_encoder=Encoder())
    assert loose.measures["snr_db"] > 40 > 5 > tight.measures["snr_db"]


def test_snr_of_speech_like_bursts_over_noise_is_near_the_truth() -> None:
    chance = np.random.default_rng(0)
    noise = chance.normal(0, 0.001, 48_000)
    bursts = chance.normal(0, 0.1, 48_000) * np.repeat(np.tile([1.0, 0.0], 15), 1_600)
    assert snr_db(((noise + bursts) * 32_768).astype(np.int16)) == pytest.approx(40, abs=3)
    assert snr_db(np.zeros(0, np.int16)) == 0


def test_clipping_is_found_at_any_level() -> None:
    wave = np.sin(np.linspace(0, 2000, 32_000)) * np.linspace(0.1, 1, 32_000)
    clean, cut = (wave * 20_000).astype(np.int16), (np.clip(wave, -0.3, 0.3) * 20_000).astype(np.int16)
    assert clipped_ratio(cut) > 10 * clipped_ratio(clean)
    assert clipped_ratio(np.zeros(10, np.int16)) == 0


def test_the_voice_with_the_most_seconds_is_the_main_one() -> None:
    chance = np.random.default_rng(0)

    def near(axis: int, count: int) -> list[NDArray[np.float32]]:
        points = np.eye(256)[axis] + np.abs(chance.normal(0, 0.02, (count, 256)))
        return [(p / np.linalg.norm(p)).astype(np.float32) for p in points]

    vectors = near(0, 5) + near(1, 3)
    assert dominant_voice(vectors, [1.0] * 5 + [4.0] * 3, least_cosine=0.72).argmax() == 1
    assert dominant_voice(vectors, [1.0] * 8, least_cosine=0.72).argmax() == 0
    assert dominant_voice(vectors[:1], [1.0], least_cosine=0.72).argmax() == 0
