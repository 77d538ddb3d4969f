from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from dctts.encoder.resemblyzer import Windows
from pipeline.records import Span, Utterance, Word
from pipeline.screen import ScreenOptions, reasons, screen
from pipeline.sound import bandwidth_hz, clipped_ratio, crest_db, echo_s, level_db, snr_db

OPTIONS = ScreenOptions()
GOOD = {"chars_per_s": 15.0, "clipped_ratio": 0.0001, "snr_db": 40.0, "aligned": 1.0}
GOOD |= {"speaker_cos": 0.9, "speaker_gap": 0.0, "speaker_low": -0.02, "speaker_lead": 1.0}


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
        ("crest_db", 3.0, "clipped"),
        ("echo_s", 0.5, "reverberant"),
        ("bandwidth_hz", 4250.0, "narrowband"),
        ("level_jump_db", -14.0, "level_jump"),
        ("speaker_gap", -0.3, "other_speaker"),
        ("speaker_lead", -0.5, "other_speaker"),
        ("speaker_lead", 0.3, "overlap"),
        ("speaker_low", -0.3, "overlap"),
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


def test_who_always_speaks_in_a_hall_or_on_an_old_tape_is_kept() -> None:
    assert reasons(utterance(), {**GOOD, "echo_s": 0.5, "echo_share": 1.1}, OPTIONS) == ()
    assert reasons(utterance(), {**GOOD, "bandwidth_hz": 4250.0, "bandwidth_share": 1.0}, OPTIONS) == ()
    assert reasons(utterance(), {**GOOD, "echo_s": 0.5, "echo_share": 2.5}, OPTIONS) == ("reverberant",)


def test_few_words_of_the_weak_recogniser_alone_prove_no_speech() -> None:
    alone = {**GOOD, "alone": 1.0, "alignment_score": -3.5}
    assert reasons(utterance("these are four words"), alone, OPTIONS) == ()
    assert reasons(utterance("oh no no"), alone, OPTIONS) == ("unconfirmed",)
    assert reasons(utterance(), {**alone, "alignment_score": -5.5}, OPTIONS) == ("unconfirmed",)
    assert reasons(utterance(), {**alone, "chars_per_s": 6.0}, OPTIONS) == ("unconfirmed",)


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
        def embed_windows(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> list[Windows]:
            # the guest is the louder one
            return [Windows(vectors=voice[None], start_s=np.zeros(1)) for voice in map(self.voice, wavs)]

        def voice(self, wav: NDArray[np.float32]) -> NDArray[np.float32]:
            voices: NDArray[np.float32] = np.eye(256, dtype=np.float32)
            return np.asarray(voices[int(np.abs(wav).max() > 0.3)])

    chance = np.random.default_rng(0)
    second = np.concatenate([np.zeros(4_000), chance.normal(0, 0.05, 8_000), np.zeros(4_000)])
    sound = np.concatenate([second * level for level in (1, 1, 1, 1, 2.4, 2.4)])
    wav = tmp_path / "talk.wav"
    soundfile.write(wav, sound, 16_000, subtype="PCM_16")
    rows = [utterance("Twelve chars or so, more or less.", 2.0, 2.0 * k) for k in range(3)]
    screened = screen(rows, wav, speaker_encoder=Encoder())
    clips = screened.clips
    assert [clip.reasons for clip in clips] == [(), (), ("other_speaker",)]
    assert [clip.id for clip in clips] == ["talk-0000000", "talk-0002000", "talk-0004000"]
    assert clips[0].measures["snr_db"] > 30
    assert [(one.number, one.speech_s, one.wanted) for one in screened.speakers] == [(1, 4.0, True), (2, 2.0, False)]
    assert [sample.start_s for sample in screened.speakers[0].samples] == [0.0, 2.0]
    other = screen(rows, wav, speaker_encoder=Encoder(), options=ScreenOptions(speaker=2))
    assert [clip.kept for clip in other.clips] == [False, False, True]


def test_words_set_where_the_sound_is_measured(tmp_path: Path) -> None:
    chance = np.random.default_rng(0)
    sound = np.concatenate([np.zeros(16_000), chance.normal(0, 0.1, 16_000), np.zeros(16_000)])
    wav = tmp_path / "bed.wav"
    soundfile.write(wav, sound, 16_000, subtype="PCM_16")

    class Encoder:
        def embed_windows(self, wavs: Sequence[NDArray[np.float32]], sample_rate_hz: int) -> list[None]:
            return [None for _ in wavs]

    whole = utterance(duration_s=3.0)
    timed = Utterance(source="a", span=whole.span, text="a", words=(Word(text="a", start_s=1.0, end_s=2.0),))
    loose, tight = screen([whole, timed], wav, speaker_encoder=Encoder()).clips
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


def syllables(seconds: float = 4.0, seed: int = 0) -> NDArray[np.float64]:
    """Noise that starts and stops at once, four times a second: the driest of voices."""
    chance = np.random.default_rng(seed)
    on = np.tile(np.repeat([1.0, 0.0], 2_000), round(seconds * 4))
    return np.asarray(chance.normal(0, 0.1, len(on)) * on + chance.normal(0, 0.00003, len(on)))


def pcm(wave: NDArray[np.float64]) -> NDArray[np.int16]:
    return np.clip(wave * 32_768, -32_768, 32_767).astype(np.int16)


def test_a_room_that_rings_is_told_from_a_dry_one() -> None:
    dry = syllables()
    tail = np.random.default_rng(1).normal(size=11_200) * np.exp(-6.9 * np.arange(11_200) / 11_200)  # 0.7 s
    wet = fftconvolve(dry, tail / np.sqrt(np.sum(tail**2)))[: len(dry)]
    assert echo_s(pcm(dry)) < 0.2 < OPTIONS.most_echo_s < echo_s(pcm(dry + wet))


def test_a_telephone_is_told_from_a_microphone() -> None:
    dry = syllables()
    phone = sosfilt(butter(12, (300, 3400), "bandpass", fs=16_000, output="sos"), dry)
    assert bandwidth_hz(pcm(phone)) < OPTIONS.least_bandwidth_hz < bandwidth_hz(pcm(dry))
    assert bandwidth_hz(np.zeros(0, np.int16)) == 0


def test_clipping_is_found_after_coding_too() -> None:
    wave = syllables()
    cut = np.convolve(np.clip(wave * 20, -0.5, 0.5), [-0.1, 1.2, -0.1], mode="same")  # tops no longer flat
    assert crest_db(pcm(cut)) < OPTIONS.least_crest_db < crest_db(pcm(wave))


def test_level_is_that_of_the_loud_part() -> None:
    assert level_db(pcm(syllables())) == pytest.approx(-20, abs=1.5)
    assert level_db(pcm(syllables() * 0.1)) == pytest.approx(-40, abs=1.5)
