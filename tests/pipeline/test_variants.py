import pytest

from pipeline.readings import as_heard, readings
from pipeline.variants import cer, different_runs, same


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("i'm", "i am"),
        ("don't", "do not"),
        ("can't", "cannot"),
        ("gonna", "going to"),
        ("colour", "color"),
        ("realised", "realized"),
        ("travelling", "traveling"),
        ("theatre", "theater"),
        ("grey", "gray"),
        ("their", "there"),
        ("any one", "anyone"),
        ("okay", "ok"),
    ],
)
def test_contractions_spelling_and_homophones_are_no_disagreement(first: str, second: str) -> None:
    assert different_runs(["so", *first.split(), "then"], ["so", *second.split(), "then"]) == []
    assert cer(first.split(), second.split()) == 0


@pytest.mark.parametrize(
    ("first", "second"),
    [("can", "can't"), ("did", "did not"), ("five", "nine"), ("a", "the"), ("um", ""), ("he", "she"), ("was", "is")],
)
def test_what_means_something_else_is_one(first: str, second: str) -> None:
    assert not same(first.split(), second.split())
    assert cer(["so", *first.split()], ["so", *second.split()]) > 0


@pytest.mark.parametrize(
    ("written", "heard", "read"),
    [
        ("In 1998,", "in nineteen ninety eight", "in nineteen ninety eight"),
        ("In 1998,", "in one thousand nine hundred ninety eight", "in one thousand nine hundred ninety eight"),
        ("In 1905", "in nineteen hundred five", "in nineteen hundred five"),
        ("paid $100", "paid a hundred dollars", "paid a hundred dollars"),
        ("flight 747", "flight seven forty seven", "flight seven forty seven"),
        ("room 101", "room one oh one", "room one oh one"),
        ("150% more", "one hundred and fifty percent more", "one hundred and fifty percent more"),
        ("Dr. Smith", "doctor smith", "doctor smith"),
        ("Dr. Smith", "the smith", "dr smith"),
        ("3rd of May", "third of may", "third of may"),
    ],
)
def test_a_number_is_read_as_the_other_witness_heard_it(written: str, heard: str, read: str) -> None:
    chosen = as_heard(written.split(), heard.split())
    assert " ".join(token for reading in chosen for token in reading) == read


def test_a_plain_word_has_one_reading() -> None:
    assert readings("house,") == (("house",),)
