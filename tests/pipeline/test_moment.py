import pytest

from pipeline.errors import FetchError
from pipeline.moment import Moment, parse_moment


@pytest.mark.parametrize(
    ("given", "address", "start_s", "end_s"),
    [
        ("talk.wav", "talk.wav", 0, None),
        ("talk.mp4#t=63,68", "talk.mp4", 63, 68),
        ("talk.mp4#t=63", "talk.mp4", 63, None),
        ("talk.mp4#t=,68.5", "talk.mp4", 0, 68.5),
        ("talk.mp4#t=npt:1:03,0:01:08.5", "talk.mp4", 63, 68.5),
        ("take#2.wav", "take#2.wav", 0, None),
        ("take#2.wav#t=5", "take#2.wav", 5, None),
        ("take#a=2.wav", "take#a=2.wav", 0, None),
        ("https://site/talk.mp4#t=1m3s,1h2m", "https://site/talk.mp4", 63, 3720),
        ("https://site/page?v=1#chapter", "https://site/page?v=1#chapter", 0, None),
        ("https://site/talk.mp3?t=63,68", "https://site/talk.mp3?t=63,68", 63, 68),
        ("https://site/talk.mp3?t=token", "https://site/talk.mp3?t=token", 0, None),
        ("https://youtu.be/abc?t=63", "https://youtu.be/abc", 63, None),
        ("https://youtu.be/abc?t=63s", "https://youtu.be/abc", 63, None),
        ("https://www.youtube.com/watch?v=abc&t=1m3s", "https://www.youtube.com/watch?v=abc", 63, None),
        ("https://www.youtube.com/embed/abc?start=63&end=68", "https://www.youtube.com/embed/abc", 63, 68),
        ("https://www.youtube.com/watch?v=abc&t=5#t=63,68", "https://www.youtube.com/watch?v=abc", 63, 68),
        ("https://notyoutube.com/watch?v=abc&t=63", "https://notyoutube.com/watch?v=abc&t=63", 63, None),
    ],
)
def test_times_are_taken_out_of_an_address(given: str, address: str, start_s: float, end_s: float | None) -> None:
    assert parse_moment(given) == Moment(address=address, start_s=start_s, end_s=end_s)


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ("talk.mp4#t=soon", "'soon'"),
        ("talk.mp4#t=63,later", "'later'"),
        ("talk.mp4#t=-3", "'-3'"),
        ("talk.mp4#t=68,63", "between 68 and 63"),
        ("https://youtu.be/abc?t=nan", "'nan'"),
    ],
)
def test_times_that_are_none_are_refused_with_an_example(given: str, said: str) -> None:
    with pytest.raises(FetchError, match=said) as refused:
        parse_moment(given)
    assert "#t=63,68" in str(refused.value.hint)
