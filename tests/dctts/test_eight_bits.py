import torch

from dctts.eight_bits import packed, unpacked


def test_rows_of_any_size_lose_no_more_than_half_a_step() -> None:
    torch.manual_seed(0)
    matrix = torch.randn(6, 40) * torch.logspace(-4, 2, 6).unsqueeze(1)
    small = packed({"w": matrix})
    assert small["w"].dtype == torch.int8
    step = matrix.abs().amax(dim=1, keepdim=True) / 127
    assert ((unpacked(small)["w"] - matrix).abs() <= step / 2 * 1.001).all()


def test_vectors_and_what_was_never_packed_come_back_as_they_are() -> None:
    bias, matrix = torch.randn(8).half(), torch.randn(3, 4).half()
    assert torch.equal(unpacked(packed({"b": bias.float()}))["b"], bias.float())
    assert torch.equal(unpacked({"w": matrix})["w"], matrix.float())


def test_a_row_of_zeros_stays_zero() -> None:
    assert not unpacked(packed({"w": torch.zeros(2, 5)}))["w"].any()


def test_scales_that_do_not_fit_are_left_for_whoever_compares_names_and_shapes() -> None:
    small = packed({"w": torch.randn(3, 4)})
    alone = unpacked({"w:scale": small["w:scale"]})
    assert set(alone) == {"w:scale"}
    wrong = unpacked({"w": small["w"], "w:scale": torch.ones(7)})
    assert torch.equal(wrong["w"], small["w"].float())
