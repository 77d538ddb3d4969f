import pytest

from pipeline.pronounce import is_known, pronounce
from pipeline.spoken import spoken_forms


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("Hello,", "hello"),
        ("don’t", "don't"),
        ("forty-two", "forty two"),
        ("1998", "nineteen ninety eight"),
        ("1,500", "one thousand five hundred"),
        ("3rd", "third"),
        ("$5", "five dollars"),
        ("50%", "fifty percent"),
        ("'quoted'", "quoted"),
        ("—", ""),
        ("[", ""),
    ],
)
def test_a_written_word_is_spelled_as_it_is_said(written: str, spoken: str) -> None:
    assert " ".join(spoken_forms(written)) == spoken


def test_a_very_long_number_is_read_digit_by_digit() -> None:
    assert spoken_forms("1234567890123456")[:3] == ("one", "two", "three")


@pytest.mark.parametrize(
    ("word", "phones"),
    [("cat", "K AE T"), ("tomfoolery's", None), ("nightglow", "N AY T G L OW"), ("promoter's", "P R AH M OW T ER Z")],
)
def test_every_word_with_a_letter_has_a_pronunciation(word: str, phones: str | None) -> None:
    assert " ".join(pronounce(word)) == phones if phones else pronounce(word)


def test_a_word_without_letters_has_none() -> None:
    assert pronounce("42") == ()


def test_only_dictionary_words_are_known() -> None:
    assert is_known("house")
    assert not is_known("sweynheim")
