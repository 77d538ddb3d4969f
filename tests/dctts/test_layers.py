import pytest
import torch
from torch.nn import functional

from dctts.layers import Conv, HighwayConv, SpeakerBottleneck, Upsample, fuse, length_mask, three_taps


@pytest.mark.parametrize("padding", ["same", "causal"])
@pytest.mark.parametrize("dilation", [1, 3, 27])
def test_conv_equals_the_library_convolution(padding: str, dilation: int) -> None:
    torch.manual_seed(0)
    conv = Conv(5, 7, kernel=3, dilation=dilation, padding=padding)  # type: ignore[arg-type]
    torch.nn.init.normal_(conv.bias)
    x = torch.randn(2, 20, 5, requires_grad=True)
    y = conv(x)
    kernel = conv.weight.view(7, 3, 5).transpose(1, 2)  # [out, in, tap]
    before, after = (2 * dilation, 0) if padding == "causal" else (dilation, dilation)
    plain = functional.conv1d(functional.pad(x.transpose(1, 2), (before, after)), kernel, conv.bias, dilation=dilation)
    torch.testing.assert_close(y, plain.transpose(1, 2), rtol=1e-5, atol=1e-6)
    weights = torch.randn_like(y)
    ours = torch.autograd.grad((y * weights).sum(), (x, conv.weight), retain_graph=True)
    theirs = torch.autograd.grad((plain.transpose(1, 2) * weights).sum(), (x, conv.weight))
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("padding", ["same", "causal"])
@pytest.mark.parametrize("length", [1, 19, 24])
@pytest.mark.parametrize("dilation", [1, 3, 27])
def test_fewer_products_make_the_same_convolution(dilation: int, length: int, padding: str) -> None:
    torch.manual_seed(0)
    conv = Conv(5, 7, kernel=3, dilation=dilation, padding=padding)  # type: ignore[arg-type]
    x = torch.randn(2, length, 5, requires_grad=True)
    plain = conv(x)
    fewer = three_taps(x, conv.weight, conv.bias, dilation, conv.before)
    torch.testing.assert_close(fewer, plain, rtol=1e-5, atol=1e-5)
    weights = torch.randn_like(plain)
    theirs = torch.autograd.grad((plain * weights).sum(), (x, conv.weight, conv.bias))
    ours = torch.autograd.grad((fewer * weights).sum(), (x, conv.weight, conv.bias))
    for mine, reference in zip(ours, theirs, strict=True):
        torch.testing.assert_close(mine, reference, rtol=1e-4, atol=1e-5)


def test_highway_equals_the_formula_of_the_paper() -> None:
    torch.manual_seed(0)
    block = HighwayConv(6)
    torch.nn.init.normal_(block.gain)
    torch.nn.init.normal_(block.offset)
    x = torch.randn(2, 9, 6)
    first, second = block.conv(x).chunk(2, dim=-1)
    first = functional.layer_norm(first, (6,), block.gain[0], block.offset[0])
    second = functional.layer_norm(second, (6,), block.gain[1], block.offset[1])
    expected = torch.sigmoid(first) * second + (1 - torch.sigmoid(first)) * x
    torch.testing.assert_close(block(x), expected)


def test_a_causal_block_sees_no_later_frame() -> None:
    torch.manual_seed(0)
    block = HighwayConv(4, dilation=3, padding="causal")
    x = torch.randn(1, 30, 4)
    changed = x.clone()
    changed[:, 20:] += 1
    before, after = block(x), block(changed)
    assert torch.equal(before[:, :20], after[:, :20])
    assert not torch.equal(before[:, 20:], after[:, 20:])


def test_an_untrained_speaker_changes_nothing_and_a_trained_one_does() -> None:
    torch.manual_seed(0)
    block = HighwayConv(4, speaker_dim=8)
    x, speaker = torch.randn(2, 9, 4), torch.randn(2, 8)
    assert torch.equal(block(x, speaker), block(x))
    assert block.film is not None
    torch.nn.init.normal_(block.film.weight)
    assert not torch.allclose(block(x, speaker), block(x))


def test_dropout_is_off_when_evaluating() -> None:
    block = HighwayConv(16, dropout=0.5).eval()
    x = torch.randn(1, 9, 16)
    assert torch.equal(block(x), block(x))
    block.train()
    assert not torch.equal(block(x), block(x))


@pytest.mark.slow
@pytest.mark.parametrize(("kernel", "padding"), [(3, "same"), (3, "causal"), (1, "same")])
def test_a_compiled_block_computes_the_same(kernel: int, padding: str) -> None:
    torch.manual_seed(0)
    block = HighwayConv(16, kernel=kernel, dilation=3, padding=padding, speaker_dim=8)  # type: ignore[arg-type]
    x, speaker = torch.randn(2, 19, 16), torch.randn(2, 8)
    plain = block(x, speaker)
    assert fuse(block)
    torch.testing.assert_close(block(x, speaker), plain, rtol=1e-5, atol=1e-5)


def test_upsample_gives_each_frame_two_successors() -> None:
    layer = Upsample(3)
    x = torch.randn(2, 5, 3)
    y = layer(x)
    assert y.shape == (2, 10, 3)
    moved = x.clone()
    moved[:, 2] += 1
    changed = (layer(moved) != y).any(dim=-1)[0].nonzero().flatten().tolist()
    assert changed == [4, 5]


def test_length_mask_marks_what_is_inside() -> None:
    assert length_mask(torch.tensor([1, 3]), 3).tolist() == [[True, False, False], [True, True, True]]


def test_speaker_bottleneck_is_bounded() -> None:
    vector = functional.normalize(torch.rand(3, 256), dim=-1)
    z = SpeakerBottleneck(256, 64)(vector)
    assert z.shape == (3, 64)
    assert z.abs().max() < 1
