import numpy as np
import pytest
import torch
from torch.nn import functional

from dctts.cached_steps import CachedSteps
from dctts.config import text2mel_config
from dctts.decode import DecodeOptions, Decoding, decode
from dctts.text2mel import Text2Mel, shift_right
from dctts.threads import one_thread

SPEAKER = functional.normalize(torch.rand(256, generator=torch.Generator().manual_seed(0)), dim=-1)


def network() -> Text2Mel:
    """Random weights, the speaker's included, so that every part has something to say."""
    torch.manual_seed(3)
    net = Text2Mel(text2mel_config("tiny", 40, dropout=0.0)).eval()
    for name, parameter in net.named_parameters():
        if ".film." in name:
            torch.nn.init.normal_(parameter, std=0.1)
    return net


def conditioned(**changes: object) -> Text2Mel:
    """As `network`, of another shape."""
    torch.manual_seed(3)
    return Text2Mel(text2mel_config("tiny", 40, dropout=0.0, **changes)).eval()


@pytest.mark.parametrize("batch", [1, 3])
@pytest.mark.parametrize("net", [network(), conditioned(speaker_dim=0), conditioned(channels=48)])
@torch.inference_mode()
def test_cached_steps_equal_the_full_computation(net: Text2Mel, batch: int) -> None:
    """Long enough that every layer's past has wrapped around several times."""
    torch.manual_seed(batch)
    length, channels = 290, net.config.channels
    frames = torch.rand(batch, length, 80)
    condition = net.condition(SPEAKER.unsqueeze(0).expand(batch, -1) if net.config.speaker_dim else None)
    attended = torch.randn(batch, length, channels)
    queries = net.audio_encoder(frames)
    decoded = net.audio_decoder(torch.cat([attended, queries], dim=-1), condition)
    steps = CachedSteps(net, batch, condition)
    heard, said = [], []
    with one_thread():
        for time in range(length):
            heard.append(steps.encode(frames[:, time]).clone())
            steps.attended.copy_(attended[:, time])
            said.append(steps.decode())
    torch.testing.assert_close(torch.stack(heard, dim=1), queries, rtol=0, atol=1e-5)
    torch.testing.assert_close(torch.stack(said, dim=1).sigmoid(), decoded.sigmoid(), rtol=0, atol=1e-5)


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


@pytest.mark.parametrize("net", [network(), conditioned(speaker_dim=0)])
@torch.inference_mode()
def test_frames_decoded_with_free_attention_are_those_of_the_whole_network(net: Text2Mel) -> None:
    """The cached decoder agrees with re-running the network over its own output, as the public ones do."""
    speaker = SPEAKER if net.config.speaker_dim else None
    texts = [[*range(5, 30), 1], [5, 6, 1]]
    options = DecodeOptions(free=True, sharpness=1.0, end_frames=1000, quiet_frames=1000)
    together = decode(net, texts, speaker, symbols_per_frame=0.2, pauses=frozenset(), options=options)
    for text, result in zip(texts, together, strict=True):
        logits, attention = net(
            torch.tensor([text]),
            torch.tensor([len(text)]),
            shift_right(result.coarse.unsqueeze(0)),
            None if speaker is None else speaker.unsqueeze(0),
        )
        assert len(result.coarse) == int(len(text) / 0.2 * 1.6) + 20
        torch.testing.assert_close(logits.sigmoid()[0], result.coarse, rtol=0, atol=1e-5)
        torch.testing.assert_close(attention[0].sum(dim=0), torch.tensor(result.attended), rtol=1e-4, atol=1e-4)
        assert torch.equal(attention[0].argmax(dim=-1), result.position)


def test_frames_can_be_had_as_they_come() -> None:
    def decoding() -> Decoding:
        return Decoding(network(), [[*range(5, 20), 1]], SPEAKER, symbols_per_frame=1.0, pauses=frozenset({2}))

    partly = decoding()
    early = [frame.clone() for frame, _ in zip(partly, range(5), strict=False)]
    assert len(partly.positions) in (5, 6)
    [whole] = decode(network(), [[*range(5, 20), 1]], SPEAKER, symbols_per_frame=1.0, pauses=frozenset({2}))
    assert torch.equal(torch.cat(early), whole.coarse[:5])


@pytest.mark.parametrize("text", [[1], [5, 1], [2, 1]])
def test_the_tiniest_texts_are_decoded(text: list[int]) -> None:
    [result] = decode(network(), [text], SPEAKER, symbols_per_frame=1.0, pauses=frozenset({2}))
    assert len(result.coarse)
    assert result.position.max() < len(text)


def test_what_was_forced_is_told_by_symbol() -> None:
    text = [*range(5, 25), 1]
    [result] = decode(network(), [text], SPEAKER, symbols_per_frame=1.0, pauses=frozenset())
    assert len(result.forced_at) == len(result.attended) == len(text)
    assert result.forced_frames == sum(result.forced_at) > 0
    assert sum(result.attended) == pytest.approx(len(result.coarse), rel=1e-4)


@pytest.mark.parametrize("ahead", [1, 2, 3])
def test_the_window_is_as_wide_as_asked_for(ahead: int) -> None:
    options = DecodeOptions(back=0, ahead=ahead)
    [result] = decode(
        network(), [[*range(5, 40), 1]], SPEAKER, symbols_per_frame=1.0, pauses=frozenset(), options=options
    )
    moves = np.diff(result.position.numpy())
    assert moves.min() >= 0
    assert moves.max() <= ahead


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
    held = np.unique(result.position[: -options.end_frames].numpy(), return_counts=True)[1]
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
