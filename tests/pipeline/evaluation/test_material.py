"""What a voice is measured with."""

from pathlib import Path

import pytest

from dctts.errors import ManifestError
from pipeline.evaluation.material import fixed_texts, prompts, read_material


def test_the_fixed_sentences_and_then_the_held_out_ones(spoken_dataset: Path) -> None:
    texts = prompts(read_material(spoken_dataset))
    assert [len([text for text in texts if text.set == name]) for name in ("harvard", "hard", "held out")] == [
        20,
        20,
        2,
    ]
    assert [text.id for text in texts[-2:]] == ["robot-2", "robot-3"]
    assert texts[0].clip is None
    assert texts[-1].clip == spoken_dataset / "wavs" / "robot-3.wav"
    assert len(prompts(None)) == 40


def test_what_is_held_out_is_not_known_and_enrols_apart(spoken_dataset: Path) -> None:
    material = read_material(spoken_dataset)
    assert [row.id for row in material.enrolled] == ["robot-0", "robot-1"]
    assert {"early", "bird"} <= material.known_words
    assert not {"cold", "six"} & material.known_words
    assert (material.name, material.speaker) == ("robot", "robot")
    assert read_material(spoken_dataset, name="ada").speaker == "ada"


def test_a_regular_expression_wins_over_val_txt_and_few_are_spread(spoken_dataset: Path) -> None:
    assert [row.id for row in read_material(spoken_dataset, hold_out="[01]$").held_out] == ["robot-0", "robot-1"]
    all_out = read_material(spoken_dataset, hold_out="robot", most_held_out=2)
    assert [row.id for row in all_out.held_out] == ["robot-0", "robot-2"]
    assert all_out.known_words == frozenset()


def test_another_reading_of_a_held_out_sentence_is_held_out_too(tiny_dataset: Path) -> None:
    metadata = tiny_dataset / "metadata.csv"
    metadata.write_text(metadata.read_text().replace("number one", "number ten"))
    assert "tiny-000" not in {row.id for row in read_material(tiny_dataset).enrolled}


@pytest.mark.parametrize(("hold_out", "word"), [("(", "not a regular expression"), ("nowhere", "matches 'nowhere'")])
def test_what_cannot_be_held_out_is_said(spoken_dataset: Path, hold_out: str, word: str) -> None:
    with pytest.raises(ManifestError, match=word):
        read_material(spoken_dataset, hold_out=hold_out)


def test_where_nothing_was_held_out_all_clips_tell_who_speaks(tiny_dataset: Path) -> None:
    (tiny_dataset / "val.txt").unlink()
    material = read_material(tiny_dataset)
    assert (len(material.held_out), len(material.enrolled)) == (0, 8)
    assert len(prompts(material)) == 40


def test_of_several_speakers_one_must_be_chosen(tmp_path: Path) -> None:
    for speaker in ("p1", "p2"):
        folder = tmp_path / speaker / "1"
        folder.mkdir(parents=True)
        for number in range(3):
            (folder / f"{speaker}-{number}.normalized.txt").write_text(f"{speaker} says {number}")
            (folder / f"{speaker}-{number}.wav").touch()
    with pytest.raises(ManifestError, match="2 speakers"):
        read_material(tmp_path, hold_out="0$")
    with pytest.raises(ManifestError, match="none is 'p3'"):
        read_material(tmp_path, hold_out="0$", speaker="p3")
    assert [row.id for row in read_material(tmp_path, hold_out="0$", speaker="p2").held_out] == ["p2-0"]


def test_the_texts_are_forty() -> None:
    assert len(set(fixed_texts("harvard")) | set(fixed_texts("hard"))) == 40
