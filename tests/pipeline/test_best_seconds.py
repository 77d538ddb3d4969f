from dataclasses import dataclass

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dctts.corpus import TAIL_S, Example
from pipeline.best_seconds import Stretch, best_of_dataset, choose_best, cut, stretches_of
from tests.conftest import buzz

RATE = 16_000
ADA, BOB = np.eye(256, dtype=np.float32)[:2]


@dataclass
class Windows:
    """What an encoder finds in a clip: a window every 0.8 s."""

    vectors: NDArray[np.float32]

    @property
    def start_s(self) -> NDArray[np.float64]:
        return np.arange(0, 0.8 * len(self.vectors) - 1e-6, 0.8)

    @property
    def mean(self) -> NDArray[np.float32]:
        mean: NDArray[np.float32] = self.vectors.mean(axis=0)
        return mean


def stretch(clip: int, start_s: float, end_s: float, cosine: float = 0.9, snr_db: float = 40.0) -> Stretch:
    return Stretch(clip=clip, start_s=start_s, end_s=end_s, cosine=cosine, snr_db=snr_db)


def noisy(wave: NDArray[np.float32], level: float) -> NDArray[np.float32]:
    return (wave + np.random.default_rng(0).normal(0, level, len(wave))).astype(np.float32)


def test_the_piece_most_like_the_speaker_is_taken() -> None:
    assert choose_best([stretch(0, 0, 5, 0.80), stretch(1, 0, 5, 0.95)]) == [stretch(1, 0, 5, 0.95)]


def test_of_pieces_equally_like_the_speaker_the_clean_one_is_taken() -> None:
    assert choose_best([stretch(0, 0, 5, snr_db=15), stretch(1, 0, 5, snr_db=30)])[0].clip == 1
    assert choose_best([stretch(0, 0, 5, 0.90, 45), stretch(1, 0, 5, 0.91, 36)])[0].clip == 1  # nobody hears that


def test_short_clips_add_up_to_five_seconds_and_the_last_is_cut() -> None:
    chosen = choose_best([stretch(0, 0, 2, 0.9), stretch(1, 0, 3, 0.8), stretch(2, 0, 2, 0.85), stretch(3, 0, 3, 0.1)])
    assert [(one.clip, one.end_s) for one in chosen] == [(0, 2), (2, 2), (1, 1)]


def test_nothing_is_taken_twice() -> None:
    chosen = choose_best([stretch(0, 0, 3, 0.95), stretch(0, 1, 4, 0.94), stretch(0, 3, 5, 0.7)])
    assert [(one.start_s, one.end_s) for one in chosen] == [(0, 3), (3, 5)]


def test_what_remains_is_not_filled_with_crumbs() -> None:
    assert len(choose_best([stretch(0, 0, 4.5), stretch(1, 0, 4.5, 0.8)])) == 1


def test_in_a_long_clip_the_stretch_is_found_where_the_speaker_is_and_the_noise_is_not() -> None:
    wave = buzz(20, sample_rate_hz=RATE)
    wave[: 5 * RATE] = noisy(wave[: 5 * RATE], 0.1)
    vectors = np.stack([BOB if 12 <= 0.8 * k < 20 else ADA for k in range(24)])
    by_ada = choose_best(stretches_of([wave], [Windows(vectors)], RATE, ADA))
    assert by_ada[0].start_s >= 4
    assert by_ada[0].end_s <= 12.5
    by_bob = choose_best(stretches_of([wave], [Windows(vectors)], RATE, BOB))
    assert [(one.clip, one.end_s - one.start_s) for one in by_bob] == [(0, 5)]
    assert by_bob[0].start_s >= 11.5
    (piece,) = cut([wave], by_bob, RATE)
    np.testing.assert_array_equal(piece, wave[round(by_bob[0].start_s * RATE) :][: 5 * RATE])


def test_a_clip_without_speech_gives_nothing() -> None:
    assert stretches_of([buzz(3, sample_rate_hz=RATE)], [None], RATE, ADA) == []


@pytest.mark.parametrize("order", [[0, 1, 2], [2, 1, 0]])
def test_of_a_dataset_the_clean_clips_like_the_speaker_are_taken_whatever_their_order(order: list[int]) -> None:
    def example(identity: str, voice: NDArray[np.float32], noise: float) -> Example:
        tail = np.zeros(round(TAIL_S * 22_050), np.float32)
        wave = np.concatenate([noisy(buzz(5.0, seed=3), noise), tail]).clip(-1, 1)
        return Example(
            id=identity,
            speaker="ada",
            text="",
            wave=torch.from_numpy((wave * 32767).astype(np.int16)),
            mel=torch.zeros(430, 80).half(),
            voice=torch.from_numpy(voice),
            phone_times=torch.zeros(0, 3),
        )

    some = [example("noisy", ADA, 0.05), example("clean", ADA, 0.0), example("other", (ADA + BOB) / 2**0.5, 0.0)]
    examples = [some[k] for k in order]
    (chosen,) = best_of_dataset(examples, 22_050)
    assert examples[chosen.clip].id == "clean"
    assert chosen.duration_s == pytest.approx(5.0)
