import torch

from dctts.config import text2mel_config
from dctts.decode import DecodeOptions, decode
from dctts.follow import follow
from dctts.text2mel import Text2Mel
from dctts.vocabulary import VOCABULARY

TEXTS = [[12, 13, 14, 15, 16, 1], [20, 21, 1]]
PATHS = [torch.tensor([0, 0, 1, 2, 2, 3, 4, 5, 5]), torch.tensor([0, 1, 1, 2])]


def network() -> Text2Mel:
    torch.manual_seed(3)
    return Text2Mel(text2mel_config("tiny", len(VOCABULARY))).eval()


def voices(count: int) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.rand(count, 256, generator=torch.Generator().manual_seed(1)), dim=1)


def test_each_text_gets_as_many_frames_as_its_path_and_the_same_alone() -> None:
    net, who = network(), voices(2)
    together = follow(net, TEXTS, PATHS, who)
    assert [frames.shape for frames in together] == [(9, 80), (4, 80)]
    for row in range(2):
        (alone,) = follow(net, TEXTS[row : row + 1], PATHS[row : row + 1], who[row : row + 1])
        torch.testing.assert_close(together[row], alone, rtol=1e-4, atol=1e-5)


def test_where_attention_stands_decides_what_is_said() -> None:
    net, who = network(), voices(1)
    (one,) = follow(net, TEXTS[:1], [torch.zeros(6, dtype=torch.int64)], who)
    (other,) = follow(net, TEXTS[:1], [torch.full((6,), 4)], who)
    assert (one - other).abs().max() > 1e-3


def test_led_where_attention_goes_by_itself_it_says_the_same() -> None:
    net, who = network(), voices(1)
    text = [12, 1]  # two symbols: the window of either hides nothing
    patient = DecodeOptions(dwell_frames=1000, end_frames=1000, quiet_frames=1000)
    (free,) = decode(net, [text], who[0], symbols_per_frame=0.2, pauses=frozenset(), options=patient)
    assert not free.forced_frames
    assert len(free.coarse) > 10
    (led,) = follow(net, [text], [torch.zeros(len(free.coarse), dtype=torch.int64)], who)
    torch.testing.assert_close(led, free.coarse, rtol=1e-4, atol=1e-5)
