from pathlib import Path

import numpy as np
import pytest
import soundfile

from dctts.corpora import has_texts, read_corpus, sentence_key
from dctts.errors import ManifestError


def sound(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    soundfile.write(path, np.zeros(100), 16_000)


def text(path: Path, said: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(said)


def test_a_folder_with_metadata_is_ljspeech(tiny_dataset: Path) -> None:
    rows = read_corpus(tiny_dataset)
    assert len(rows) == 8
    assert {row.speaker for row in rows} == {"tiny"}


def test_vctk_gives_each_speaker_and_skips_texts_that_were_never_recorded(tmp_path: Path) -> None:
    for speaker in ("p225", "p226"):
        text(tmp_path / "txt" / speaker / f"{speaker}_001.txt", "Please call Stella.\n")
        sound(tmp_path / "wav48_silence_trimmed" / speaker / f"{speaker}_001_mic1.flac")
    text(tmp_path / "txt/p225/p225_002.txt", "Never recorded.")
    text(tmp_path / "txt/p225/p225_003.txt", "In the old layout.")
    sound(tmp_path / "wav48/p225/p225_003.wav")
    rows = read_corpus(tmp_path)
    assert [(row.id, row.speaker) for row in rows] == [
        ("p225_001", "p225"),
        ("p225_003", "p225"),
        ("p226_001", "p226"),
    ]
    assert rows[0].text == "Please call Stella."


def test_libritts_gives_the_normalised_texts(tmp_path: Path) -> None:
    text(tmp_path / "103/1240/103_1240_1.normalized.txt", "Chapter one.")
    text(tmp_path / "103/1240/103_1240_1.original.txt", "Chapter 1.")
    sound(tmp_path / "103/1240/103_1240_1.wav")
    [row] = read_corpus(tmp_path)
    assert (row.id, row.speaker, row.text) == ("103_1240_1", "103", "Chapter one.")


def test_librispeech_gives_its_capitals_as_words(tmp_path: Path) -> None:
    lines = "103-1240-0000 CHAPTER ONE\n103-1240-0001 NOT HERE\n../../../etc-1 ESCAPED\n103-1240-0002\n"
    text(tmp_path / "103/1240/103-1240.trans.txt", lines)
    assert has_texts(tmp_path)
    sound(tmp_path / "103/1240/103-1240-0000.flac")
    sound(tmp_path / "103/1240/103-1240-0002.flac")
    sound(tmp_path / "etc-1.flac")
    [row] = read_corpus(tmp_path)
    assert (row.id, row.speaker, row.text) == ("103-1240-0000", "103", "chapter one")


def test_recordings_alone_have_no_texts(tmp_path: Path) -> None:
    sound(tmp_path / "103/1240/103-1240-0000.flac")
    sound(tmp_path / "104-1240-0000.flac")
    assert not has_texts(tmp_path)


def test_any_other_folder_is_an_error_that_names_it(tmp_path: Path) -> None:
    with pytest.raises(ManifestError, match="no speech corpus in"):
        read_corpus(tmp_path)


def test_two_spellings_of_a_sentence_are_one() -> None:
    assert sentence_key("It's  late, Bob!") == sentence_key("its late bob")
