import numpy as np

from dctts.alignment import diagonal_path, symbol_path
from dctts.text import encode_words


def test_words_get_their_time_and_blanks_the_pause() -> None:
    encoded = encode_words("ab cd.")  # a b _ c d . EOS
    times = np.array([[0, 0.0, 0.4], [1, 0.6, 1.0]], np.float32)
    path = symbol_path(encoded.words, times, len(encoded.ids), np.arange(12) / 10 + 0.05)
    assert path.tolist() == [0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 6, 6]


def test_a_blank_without_a_pause_gets_no_frame() -> None:
    encoded = encode_words("ab cd")
    times = np.array([[0, 0.0, 0.5], [1, 0.5, 1.0]], np.float32)
    path = symbol_path(encoded.words, times, len(encoded.ids), np.arange(10) / 10 + 0.05)
    assert 2 not in path
    assert path[-1] == 4


def test_a_word_in_phones_gets_the_time_of_each_and_letters_share_them() -> None:
    phones = np.array([[0, 0.0, 0.1], [0, 0.1, 0.8]], np.float32)
    times = np.arange(8) / 10 + 0.06
    spoken = encode_words("{AH1 B}")  # two symbols and the end
    assert symbol_path(spoken.words, phones, 3, times).tolist() == [0, 1, 1, 1, 1, 1, 1, 1]
    written = encode_words("abcd")  # a and b lie on the first phone, c and d on the second
    assert symbol_path(written.words, phones, 5, times).tolist() == [1, 2, 2, 2, 3, 3, 3, 3]


def test_silence_before_the_first_word_is_its_beginning() -> None:
    encoded = encode_words("ab")
    path = symbol_path(encoded.words, np.array([[0, 0.3, 0.5]], np.float32), 3, np.arange(6) / 10 + 0.05)
    assert path.tolist() == [0, 0, 0, 0, 1, 2]


def test_the_path_never_falls() -> None:
    encoded = encode_words("one two, three - four!")
    times = np.array([[0, 0.1, 0.3], [1, 0.3, 0.5], [2, 0.9, 1.2], [3, 1.2, 1.3]], np.float32)
    path = symbol_path(encoded.words, times, len(encoded.ids), np.linspace(0, 2, 60))
    assert np.diff(path).min() >= 0
    assert path[-1] == len(encoded.ids) - 1


def test_the_diagonal_goes_from_the_first_to_the_last_symbol() -> None:
    assert diagonal_path(4, 10).tolist() == [0, 0, 1, 1, 1, 2, 2, 2, 3, 3]
    assert diagonal_path(1, 1).tolist() == [0]
