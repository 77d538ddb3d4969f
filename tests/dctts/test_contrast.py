import pytest
import torch

from dctts.config import AudioConfig
from dctts.contrast import Contrast, mean_frame, mean_leading_to, with_contrast
from dctts.corpus import Example


def clip(mel: torch.Tensor) -> Example:
    return Example(
        id="a",
        speaker="ada",
        text="a",
        wave=torch.zeros(len(mel) * 256, dtype=torch.int16),
        mel=mel.half(),
        voice=torch.ones(256) / 16,
        phone_times=torch.zeros(0, 3),
    )


def test_silence_is_left_out_of_the_mean() -> None:
    speech, silence = torch.full((8, 80), 0.5), torch.zeros(40, 80)
    assert torch.allclose(mean_frame([clip(torch.cat([speech, silence]))], AudioConfig()), torch.full((80,), 0.5))


def test_what_lies_off_the_mean_moves_away_from_it_and_stays_in_range() -> None:
    mean = torch.full((2,), 0.5)
    frames = torch.tensor([[0.5, 0.6], [0.4, 0.95]])
    pushed = with_contrast(frames, mean, Contrast(level=1.5, shape=1.5))
    torch.testing.assert_close(pushed, torch.tensor([[0.5, 0.65], [0.35, 1.0]]))


def test_loudness_and_timbre_move_each_as_far_as_asked() -> None:
    mean, frame = torch.zeros(2), torch.tensor([[0.2, 0.4]])  # 0.3, and 0.1 less and more
    louder = with_contrast(frame, mean, Contrast(level=2, shape=1))
    torch.testing.assert_close(louder, torch.tensor([[0.5, 0.7]]))
    sharper = with_contrast(frame, mean, Contrast(level=1, shape=2))
    torch.testing.assert_close(sharper, torch.tensor([[0.1, 0.5]]))


def test_a_voice_without_a_mean_is_left_alone() -> None:
    frames = torch.rand(3, 80)
    assert with_contrast(frames, None, Contrast()) is frames
    torch.testing.assert_close(with_contrast(frames, torch.rand(80), Contrast(level=1, shape=1)), frames)


@pytest.mark.parametrize("contrast", [Contrast(), Contrast(level=1.4, shape=1.2), Contrast(level=0.8, shape=2)])
def test_pushed_away_from_the_mean_that_was_found_frames_have_the_mean_that_was_wanted(contrast: Contrast) -> None:
    frames = 0.4 + 0.05 * torch.rand(50, 80)
    wanted = torch.linspace(0.4, 0.55, 80)
    mean = mean_leading_to(wanted, frames.mean(dim=0), contrast)
    torch.testing.assert_close(with_contrast(frames, mean, contrast).mean(dim=0), wanted)
    assert torch.equal(mean_leading_to(wanted, wanted, contrast), wanted)


def test_a_part_without_contrast_is_not_moved_by_any_mean() -> None:
    predicted, wanted = torch.full((80,), 0.4), torch.linspace(0.4, 0.6, 80)  # 0.1 louder, and tilted
    contrast = Contrast(level=1, shape=1.5)
    said = with_contrast(predicted, mean_leading_to(wanted, predicted, contrast), contrast)
    torch.testing.assert_close(said, wanted - 0.1)
