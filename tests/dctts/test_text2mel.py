import pytest
import torch
from torch.nn import functional

from dctts.checkpoint import load_matching
from dctts.config import Text2MelConfig, text2mel_config
from dctts.text2mel import Text2Mel, attend, shift_right


def network(**changes: object) -> Text2Mel:
    torch.manual_seed(1)
    return Text2Mel(text2mel_config("tiny", 40, dropout=0.0, **changes)).eval()


def inputs(lengths: list[tuple[int, int]]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Texts and frames of the lengths given, padded with zeros: text, num_symbols, previous, speaker."""
    torch.manual_seed(2)
    num_symbols = torch.tensor([n for n, _ in lengths])
    text = torch.zeros(len(lengths), int(num_symbols.max()), dtype=torch.int64)
    previous = torch.zeros(len(lengths), max(t for _, t in lengths), 80)
    for row, (n, t) in enumerate(lengths):
        text[row, :n] = torch.randint(1, 40, (n,))
        previous[row, :t] = torch.rand(t, 80)
    return text, num_symbols, previous, functional.normalize(torch.rand(len(lengths), 256), dim=-1)


def test_output_shapes() -> None:
    logits, attention = network()(*inputs([(12, 30), (7, 20)]))
    assert logits.shape == (2, 30, 80)
    assert attention.shape == (2, 30, 12)
    torch.testing.assert_close(attention.sum(dim=-1), torch.ones(2, 30))
    assert attention[1, :, 7:].max() == 0


def test_the_paper_size_has_the_parameters_of_the_paper() -> None:
    count = sum(p.numel() for p in Text2Mel(text2mel_config("paper", 32, speaker_dim=0)).parameters())
    assert count == pytest.approx(23.97e6, rel=0.002)  # and 20 thousand for what symbols sound like


def test_prediction_depends_on_no_later_frame() -> None:
    text, num_symbols, previous, speaker = inputs([(12, 40)])
    changed = previous.clone()
    changed[:, 25:] = torch.rand(1, 15, 80)
    net = network()
    before, _ = net(text, num_symbols, previous, speaker)
    after, _ = net(text, num_symbols, changed, speaker)
    assert torch.equal(before[:, :25], after[:, :25])
    assert not torch.equal(before[:, 25:], after[:, 25:])


def test_batch_mates_and_padding_change_nothing() -> None:
    text, num_symbols, previous, speaker = inputs([(30, 60), (9, 17)])
    net = network()
    together, attention = net(text, num_symbols, previous, speaker)
    alone, alone_attention = net(text[1:, :9], num_symbols[1:], previous[1:, :17], speaker[1:])
    torch.testing.assert_close(together[1:, :17], alone, rtol=1e-5, atol=1e-5)
    torch.testing.assert_close(attention[1:, :17, :9], alone_attention, rtol=1e-5, atol=1e-5)


def test_an_untrained_speaker_conditioning_computes_the_plain_network() -> None:
    conditioned, (text, num_symbols, previous, speaker) = network(), inputs([(12, 30)])
    plain = Text2Mel(Text2MelConfig.from_dict({**conditioned.config.to_dict(), "speaker_dim": 0})).eval()
    shared = {name: value for name, value in conditioned.named_parameters() if name in dict(plain.named_parameters())}
    assert load_matching(plain, dict(shared)) == []
    assert torch.equal(conditioned(text, num_symbols, previous, speaker)[0], plain(text, num_symbols, previous)[0])


def test_a_plain_checkpoint_loads_into_the_conditioned_network() -> None:
    plain = network(speaker_dim=0)
    conditioned = Text2Mel(text2mel_config("tiny", 40, dropout=0.0)).eval()
    missing = load_matching(conditioned, dict(plain.named_parameters()))
    assert missing
    assert all(".film." in name or name.startswith("speaker.") for name in missing)
    batch = inputs([(12, 30)])
    assert torch.equal(conditioned(*batch)[0], plain(*batch[:3])[0])


def test_the_speaker_matters_once_it_is_trained() -> None:
    net = network()
    for name, parameter in net.named_parameters():
        if ".film." in name:
            torch.nn.init.normal_(parameter, std=0.1)
    text, num_symbols, previous, speaker = inputs([(12, 30)])
    other = functional.normalize(torch.rand(1, 256), dim=-1)
    assert not torch.allclose(
        net(text, num_symbols, previous, speaker)[0], net(text, num_symbols, previous, other)[0], atol=1e-4
    )


@pytest.mark.parametrize("size", ["tiny", "small"])
def test_silence_before_the_first_frame_does_not_blow_up_the_gradient(size: str) -> None:
    torch.manual_seed(0)
    net = Text2Mel(text2mel_config(size, 40))
    text, num_symbols, previous, speaker = inputs([(12, 30), (7, 20)])
    logits, _ = net(text, num_symbols, shift_right(previous), speaker)
    logits.sigmoid().mean().backward()
    norm = torch.stack([p.grad.norm() for p in net.parameters() if p.grad is not None]).norm()
    assert norm < 10


def test_attention_stays_in_float32_under_autocast() -> None:
    queries, keys = torch.randn(1, 3, 8).bfloat16(), torch.randn(1, 4, 8).bfloat16()
    assert attend(queries, keys, torch.ones(1, 4, dtype=torch.bool)).dtype == torch.float32


def test_shift_right_puts_silence_first() -> None:
    frames = torch.rand(1, 4, 80)
    shifted = shift_right(frames)
    assert shifted[:, 0].abs().max() == 0
    assert torch.equal(shifted[:, 1:], frames[:, :-1])


def test_a_decoder_that_is_told_the_symbols_does_not_ask_attention() -> None:
    net = network()
    text, num_symbols, previous, speaker = inputs([(12, 30), (12, 30)])
    keys, values = net.encode_text(text, num_symbols, speaker)
    told = torch.zeros(2, 30, 12)
    told[0] = functional.one_hot(torch.arange(30) // 3, 12)
    other = -keys
    before = net.predict_encoded(keys, values, num_symbols, previous, speaker, told=told)
    after = net.predict_encoded(other, values, num_symbols, previous, speaker, told=told)
    torch.testing.assert_close(before.logits[0], after.logits[0])
    assert (before.logits[1] - after.logits[1]).abs().max() > 1e-3  # nobody told this one
    plain = net.predict_encoded(keys, values, num_symbols, previous, speaker)
    torch.testing.assert_close(before.logits[1], plain.logits[1])
    torch.testing.assert_close(before.attention, plain.attention)  # which is what is taught and shown
