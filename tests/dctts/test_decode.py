import pytest
import torch
from torch.nn import functional

from dctts.config import text2mel_config
from dctts.decode import DecodeOptions, _CachedSteps, decode
from dctts.text2mel import Text2Mel, shift_right

SPEAKER = functional.normalize(torch.rand(256, generator=torch.Generator().manual_seed(0)), dim=-1)


def network() -> Text2Mel:
    """Random weights, the speaker's included, so that every part has something to say."""
    torch.manual_seed(3)
    net = Text2Mel(text2mel_config("tiny", 40, dropout=0.0)).eval()
    for name, parameter in net.named_parameters():
        if ".film." in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return net


@torch.inference_mode()
def test_cached_steps_equal_the_full_computation() -> None:
    net = network()
    frames = torch.rand(2, 90, 80)
    condition = net.condition(SPEAKER.unsqueeze(0).expand(2, -1))
    attended = torch.randn(2, 90, 64)
    queries = net.audio_encoder(frames)
    decoded = net.audio_decoder(torch.cat([attended, queries], dim=-1), condition)
    steps = _CachedSteps(net, 2, condition)
    for time in range(90):
        query = steps.encode(frames[:, time], time)
        torch.testing.assert_close(query, queries[:, time], rtol=0, atol=1e-5)
        logits = steps.decode(torch.cat([attended[:, time], query], dim=-1), time)
        torch.testing.assert_close(logits, decoded[:, time], rtol=0, atol=1e-5)


def test_a_batch_decodes_each_text_as_if_it_were_alone() -> None:
    net = network()
    texts = [[5, 6, 7, 8, 9, 10, 1], [11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 1]]
    together = decode(net, texts, SPEAKER, symbols_per_frame=1.0, pauses=frozenset({2}))
    for text, result in zip(texts, together, strict=True):
        [alone] = decode(net, [text], SPEAKER, symbols_per_frame=1.0, pauses=frozenset({2}))
        torch.testing.assert_close(alone.coarse, result.coarse, rtol=0, atol=1e-5)
        assert torch.equal(alone.position, result.position)
        assert alone.forced_frames == result.forced_frames
        assert alone.coverage == pytest.approx(result.coverage)


def test_frames_decoded_with_free_attention_are_those_of_the_whole_network() -> None:
    """With the window open the cached decoder must agree with re-running the network over its own output."""
    net = network()
    text = [5, 6, 1]  # within the window wherever attention is
    [result] = decode(
        net, [text], SPEAKER, symbols_per_frame=0.2, pauses=frozenset(), options=DecodeOptions(dwell_frames=10_000)
    )
    if result.forced_frames:
        pytest.skip("attention strayed with these weights")
    logits, _ = net(
        torch.tensor([text]), torch.tensor([3]), shift_right(result.coarse.unsqueeze(0)), SPEAKER.unsqueeze(0)
    )
    moved = int((result.position[1:] != result.position[:-1]).sum())
    assert moved <= 2
    torch.testing.assert_close(logits.sigmoid()[0, :1], result.coarse[:1], rtol=0, atol=1e-5)


def test_attention_never_goes_back_and_never_skips_more_than_the_window() -> None:
    [result] = decode(network(), [[*range(5, 40), 1]], SPEAKER, symbols_per_frame=1.0, pauses=frozenset())
    moves = result.position.diff()
    assert moves.min() >= 0
    assert moves.max() <= 3


def test_attention_is_pushed_on_when_it_stays_too_long() -> None:
    options = DecodeOptions(dwell_frames=2, length_factor=50)
    [result] = decode(
        network(), [[*range(5, 25), 1]], SPEAKER, symbols_per_frame=1.0, pauses=frozenset(), options=options
    )
    _, held = result.position[: -options.end_frames].unique_consecutive(return_counts=True)
    assert held.max() <= 4
    assert result.reached_end


def test_a_text_that_is_never_finished_ends_at_the_cap() -> None:
    options = DecodeOptions(
        dwell_frames=1000, pause_dwell_frames=1000, length_factor=1.0, spare_frames=5, sharpness=0.0
    )
    [result] = decode(
        network(), [[*range(5, 35), 1]], SPEAKER, symbols_per_frame=2.0, pauses=frozenset(), options=options
    )
    assert len(result.coarse) <= 31 / 2 + 5
