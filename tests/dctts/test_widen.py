import pytest
import torch

from dctts.config import text2mel_config
from dctts.text2mel import Text2Mel
from dctts.widen import widened


def trained(size: str = "small") -> Text2Mel:
    """No layer left at its initial value: zeros and ones would hide a mistake."""
    torch.manual_seed(1)
    network = Text2Mel(text2mel_config(size, 40))
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.add_(0.05 * torch.randn_like(parameter))
    return network.eval()


def test_twice_the_channels_compute_the_same() -> None:
    narrow = trained()
    wide = widened(narrow).eval()
    assert wide.config == text2mel_config("medium", 40)
    text, lengths = torch.randint(1, 40, (2, 30)), torch.tensor([30, 21])
    frames, speaker = torch.rand(2, 50, 80), torch.nn.functional.normalize(torch.rand(2, 256))
    with torch.inference_mode():
        before, after = (network.predict(text, lengths, frames, speaker) for network in (narrow, wide))
    torch.testing.assert_close(after.attention, before.attention, atol=1e-4, rtol=0)
    torch.testing.assert_close(after.logits, before.logits, atol=2e-3, rtol=0)
    torch.testing.assert_close(after.symbol_logits, before.symbol_logits, atol=2e-3, rtol=0)


def test_the_two_of_a_pair_are_told_apart_by_the_first_gradient() -> None:
    wide = widened(trained())
    text, lengths = torch.randint(1, 40, (2, 30)), torch.tensor([30, 21])
    predicted = wide.predict(text, lengths, torch.rand(2, 50, 80), torch.rand(2, 256))
    weight = wide.get_parameter("audio_decoder.blocks.2.conv.weight")
    (gradient,) = torch.autograd.grad(predicted.logits.square().mean(), [weight])
    first, second = gradient[:128], gradient[128:256]
    assert (first - second).abs().max() > 0.1 * first.abs().max()


def test_what_was_widened_cannot_be_widened_again() -> None:
    with pytest.raises(ValueError, match="widened already"):
        widened(trained("medium"))
