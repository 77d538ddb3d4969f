import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dctts.chunks import ChunkOptions, split_chunks
from dctts.errors import TextError
from dctts.text import normalise

OPTIONS = ChunkOptions()
words = st.text(alphabet="abcdef", min_size=1, max_size=12)
marks = st.sampled_from([" ", " ", " ", ", ", ". ", "? ", "; ", " and ", " - ", "\n\n", " {N UH1 R AH0 L} "])
documents = st.lists(st.tuples(words, marks), min_size=1, max_size=120).map(
    lambda parts: "".join(w + m for w, m in parts)
)


def texts(text: str, options: ChunkOptions | None = None) -> list[str]:
    return [chunk.text for chunk in split_chunks(text, options)]


def test_each_sentence_is_a_chunk() -> None:
    assert texts("The first sentence is here. Is the second one here? And Mr. Smith, too, is here!") == [
        "the first sentence is here.",
        "is the second one here?",
        "and mister smith, too, is here!",
    ]


def test_a_short_sentence_joins_its_neighbour() -> None:
    assert texts("Yes. I think that it is so. No.") == ["yes. i think that it is so. no."]


def test_a_long_sentence_is_cut_at_its_strongest_mark_then_at_commas_then_at_a_conjunction() -> None:
    half = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    assert texts(f"{half}; {half}, {half}") == [f"{half};", f"{half},", half]
    assert texts(f"{half} and {half}") == [half, f"and {half}"]


def test_the_silence_grows_with_the_weight_of_the_cut_and_nothing_follows_the_last() -> None:
    half = "one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen"
    chunks = split_chunks(f"{half}, {half}; {half}. {half}.\n\n{half}.")
    assert [chunk.silence_ms for chunk in chunks] == [80, 150, 250, 500, 0]


@given(documents)
def test_nothing_is_lost_and_the_order_is_kept(text: str) -> None:
    paragraphs = [normalise(part) for part in text.split("\n\n")]
    assert " ".join(texts(text)) == " ".join(part for part in paragraphs if part)


@given(documents)
def test_lengths_keep_their_bounds_where_the_text_can_be_cut(text: str) -> None:
    chunks = split_chunks(text)
    assert all(len(chunk.text) <= OPTIONS.longest for chunk in chunks)  # no word here is longer than 12
    for first, second in itertools.pairwise(chunks):
        if first.silence_ms != OPTIONS.paragraph_ms:  # a short chunk is one that no neighbour had room for
            short = min(len(first.text), len(second.text)) < OPTIONS.shortest
            assert not short or len(first.text) + 1 + len(second.text) > OPTIONS.longest


@given(documents)
def test_every_chunk_is_already_normalised(text: str) -> None:
    assert all(
        normalise(chunk.text).rstrip(",;:") == chunk.text.removesuffix(" -").rstrip(",;:")
        for chunk in split_chunks(text)
    )


def test_an_endless_word_is_cut_through() -> None:
    pieces = texts("x" * 1000)
    assert "".join(pieces) == "x" * 1000
    assert max(map(len, pieces)) == OPTIONS.longest


def test_a_pronunciation_in_braces_is_never_cut() -> None:
    phones = "{" + " ".join(["N"] * 200) + "}"
    assert phones in texts(f"before {phones} after")


@pytest.mark.parametrize("text", ["", "\n\n", "...", "日本"])
def test_a_document_with_nothing_to_say_is_refused(text: str) -> None:
    with pytest.raises(TextError, match="nothing to say"):
        split_chunks(text)


def test_options_that_leave_no_room_are_refused() -> None:
    with pytest.raises(ValueError, match="shortest"):
        ChunkOptions(shortest=100, longest=140)
