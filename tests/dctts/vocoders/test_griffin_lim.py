import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from dctts.audio import load_wav, magnitudes
from dctts.config import AudioConfig
from dctts.vocoders.griffin_lim import STREAM_BLOCK_FRAMES, PhaseRetrieval, griffin_lim

CONFIG = AudioConfig()


def chirp(duration_s: float = 2.0) -> NDArray[np.float32]:
    """A sweep from 100 to 4,000 Hz."""
    time_s = np.arange(round(duration_s * CONFIG.sample_rate_hz)) / CONFIG.sample_rate_hz
    phase = 2 * np.pi * (100 * time_s + 3900 / (2 * duration_s) * time_s**2)
    return np.asarray(0.3 * np.sin(phase), np.float32)


def frames_of(wave: NDArray[np.float32]) -> torch.Tensor:
    return magnitudes(torch.from_numpy(wave).unsqueeze(0), CONFIG)[0]


def convergence_db(wave: NDArray[np.float32], wanted: torch.Tensor) -> float:
    """How far the wave's magnitudes are from those wanted, relative to them."""
    difference = torch.linalg.norm(frames_of(wave) - wanted) / torch.linalg.norm(wanted)
    return float(20 * torch.log10(difference))


def in_pieces(frames: torch.Tensor, sizes: list[int], **options: int) -> tuple[NDArray[np.float32], list[int]]:
    """The wave of frames pushed in pieces, and where the pieces' samples met."""
    search = PhaseRetrieval(CONFIG, **options)
    waves, start = [], 0
    for size in sizes:
        waves.append(search.push(frames[start : start + size]))
        start += size
    waves.append(search.push(frames[start:], last=True))
    borders = np.cumsum([len(wave) for wave in waves])[:-1].tolist()
    return np.concatenate(waves), [border for border in borders if border]


def test_the_sound_is_as_long_as_its_frames() -> None:
    for count in (1, 2, 5, 255, 256, 257):
        assert len(griffin_lim(torch.rand(count, 513), CONFIG, iterations=2)) == 256 * count


def test_a_chirp_is_found() -> None:
    frames = frames_of(chirp())
    assert convergence_db(griffin_lim(frames, CONFIG), frames) < -20


def test_more_rounds_bring_the_magnitudes_nearer() -> None:
    frames = frames_of(chirp())
    few, many = (convergence_db(griffin_lim(frames, CONFIG, iterations=n), frames) for n in (4, 32))
    assert many < few - 6


@pytest.mark.parametrize("sizes", [[], [1, 2, 3], [32] * 5, [50, 100], [172]])
def test_however_frames_arrive_the_sound_is_the_same(sizes: list[int]) -> None:
    frames = frames_of(chirp())
    whole, _ = in_pieces(frames, [], block=32, iterations=4)
    pieces, _ = in_pieces(frames, sizes, block=32, iterations=4)
    np.testing.assert_array_equal(pieces, whole)


def test_what_was_handed_out_does_not_change() -> None:
    """Two sounds that differ later share what was settled before."""
    frames = frames_of(chirp())
    other = frames.clone()
    other[100:] = torch.rand(len(frames) - 100, 513)
    first, second = (PhaseRetrieval(CONFIG, block=32, iterations=4) for _ in range(2))
    np.testing.assert_array_equal(first.push(frames[:100]), second.push(other[:100]))


def test_a_streamed_chirp_is_as_near_and_does_not_click() -> None:
    wave = chirp()
    frames = frames_of(wave)
    streamed, borders = in_pieces(frames, [STREAM_BLOCK_FRAMES] * 5, block=STREAM_BLOCK_FRAMES)
    assert len(borders) >= 4
    assert convergence_db(streamed, frames) < convergence_db(griffin_lim(frames, CONFIG), frames) + 1
    # A click is a jump of the second difference far above what the sound has of its own around it.
    bend = np.abs(np.diff(streamed, 2))
    for border in borders:
        assert bend[border - 3 : border + 3].max() <= 1.5 * bend[border - 700 : border + 700].max() + 1e-4


def test_streamed_speech_is_as_near_as_whole(shared: object) -> None:
    from pathlib import Path

    wave = load_wav(Path(str(shared)) / "data/ljspeech/wavs/LJ001-0005.ogg", CONFIG.sample_rate_hz)
    frames = frames_of(wave[: 256 * 300])
    streamed, borders = in_pieces(frames, [64] * 4, block=STREAM_BLOCK_FRAMES)
    assert convergence_db(streamed, frames) < -23
    assert convergence_db(streamed, frames) < convergence_db(griffin_lim(frames, CONFIG), frames) + 1
    bend = np.abs(np.diff(streamed, 2))
    for border in borders:
        assert bend[border - 3 : border + 3].max() <= bend[border - 2048 : border + 2048].max()


def test_the_seed_decides_alone() -> None:
    frames = frames_of(chirp(0.3))
    same, again, other = (griffin_lim(frames, CONFIG, iterations=2, seed=seed) for seed in (1, 1, 2))
    np.testing.assert_array_equal(same, again)
    assert not np.array_equal(same, other)


def test_silence_stays_silent() -> None:
    wave = griffin_lim(torch.zeros(20, 513), CONFIG)
    assert np.isfinite(wave).all()
    assert np.abs(wave).max() == 0
