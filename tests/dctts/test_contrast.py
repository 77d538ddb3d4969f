import torch

from dctts.config import AudioConfig
from dctts.contrast import mean_frame, with_contrast
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
    pushed = with_contrast(frames, mean, 1.5)
    torch.testing.assert_close(pushed, torch.tensor([[0.5, 0.65], [0.35, 1.0]]))


def test_a_voice_without_a_mean_is_left_alone() -> None:
    frames = torch.rand(3, 80)
    assert with_contrast(frames, None, 1.5) is frames
    assert with_contrast(frames, torch.rand(80), 1.0) is frames
