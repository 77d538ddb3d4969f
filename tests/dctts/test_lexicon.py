from pathlib import Path

import pytest

from dctts.errors import TextError
from dctts.lexicon import Lexicon, open_lexicon, read_cmudict, read_lexicon
from dctts.text import decode, encode


def test_the_users_file_wins_over_the_dictionary_and_the_dictionary_over_letters(tmp_path: Path) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(
        ";;; mine\nSentdex  S EH1 N T D EH2 K S  # a name\n\nneural N UH1 R AH0 L\nneural N UH0 R\n", "utf-8"
    )
    lexicon = open_lexicon(file)
    assert lexicon.phones("sentdex") == ("S", "EH1", "N", "T", "D", "EH2", "K", "S")
    assert lexicon.phones("neural") == ("N", "UH1", "R", "AH0", "L")
    assert lexicon.phones("hello") == ("HH", "AH0", "L", "OW1")
    assert lexicon.phones("qzxv") is None


@pytest.mark.parametrize(
    ("word", "phones", "possessive"), [("cat", "K AE1 T", "S"), ("dog", "D AO1 G", "Z"), ("bush", "B UH1 SH", "IH0 Z")]
)
def test_a_possessive_follows_its_word(word: str, phones: str, possessive: str) -> None:
    found = Lexicon(dictionary={word: phones}).phones(f"{word}'s")
    assert found == tuple(f"{phones} {possessive}".split())


@pytest.mark.parametrize(
    ("line", "message", "hint"),
    [
        ("neural", "no phones for 'neural'", "N UH1"),
        ("neural N UH R", "not an ARPAbet phone.*line 2.*'UH'", "UH1"),
        ("neural N QQQ", "not an ARPAbet phone.*line 2.*'QQQ'", "N UH1"),
    ],
)
def test_a_bad_line_is_named_with_its_number(tmp_path: Path, line: str, message: str, hint: str) -> None:
    file = tmp_path / "mine.txt"
    file.write_text(f"# mine\n{line}\n", "utf-8")
    with pytest.raises(TextError, match=message) as caught:
        read_lexicon(file)
    assert hint in (caught.value.hint or "")


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(TextError, match="absent"):
        read_lexicon(tmp_path / "absent.txt")
    (tmp_path / "binary.txt").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(TextError, match="binary"):
        read_lexicon(tmp_path / "binary.txt")


def test_every_pronunciation_of_the_dictionary_can_be_encoded() -> None:
    dictionary = read_cmudict()
    assert len(dictionary) > 100_000
    lexicon = Lexicon(dictionary=dictionary)
    sample = [word for word in sorted(dictionary) if word.isalpha()][::50]
    for word in sample:
        shown = decode(encode(word, lexicon=lexicon))
        assert shown == "{" + " ".join(dictionary[word].split()) + "}" or word in {"mr", "dr", "mrs"}
