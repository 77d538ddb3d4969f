import re

import torch

from dctts.text import encode_words
from dctts.timings import WordTime, to_srt, word_times


def test_a_word_lasts_while_attention_is_on_its_symbols() -> None:
    encoded = encode_words("ab cd")  # a b _ c d EOS
    position = torch.tensor([0, 0, 1, 2, 3, 4, 4, 5])
    first, second = word_times(encoded, position, frame_s=0.1)
    assert (first.text, first.start_s, first.end_s) == ("ab", 0.0, 0.3)
    assert (second.text, second.start_s, second.end_s) == ("cd", 0.4, 0.7)


def test_a_word_that_was_stepped_over_has_an_instant() -> None:
    encoded = encode_words("a b c")
    times = word_times(encoded, torch.tensor([0, 1, 3, 4]), frame_s=1.0)
    assert times[1].start_s == times[1].end_s == 2.0


def test_what_was_cut_off_in_front_and_what_came_before_are_counted() -> None:
    encoded = encode_words("ab")
    [word] = word_times(encoded, torch.tensor([0, 0, 0, 1]), frame_s=0.1, first_frame=2, offset_s=5.0)
    assert (word.start_s, word.end_s) == (5.0, 5.2)


def test_subtitles_break_at_long_lines_and_at_silences() -> None:
    words = [WordTime(text="word", start_s=i * 0.5, end_s=i * 0.5 + 0.4) for i in range(12)]
    words.append(WordTime(text="later", start_s=3661.5, end_s=3662.0))
    blocks = to_srt(words).strip().split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == ["1", "2", "3"]
    assert max(len(block.splitlines()[2]) for block in blocks) <= 42
    assert blocks[-1].splitlines()[1] == "01:01:01,500 --> 01:01:02,000"
    assert all(re.fullmatch(r"[\d:,]{12} --> [\d:,]{12}", block.splitlines()[1]) for block in blocks)
