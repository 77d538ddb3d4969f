from pathlib import Path

import pytest

from dctts.encoder.clips import read_speaker_clips
from dctts.errors import ManifestError


def touch(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"")


def found(folder: Path) -> list[tuple[str, str]]:
    return [(clip.speaker, clip.path.name) for clip in read_speaker_clips(folder)]


def test_librispeech_has_a_folder_for_each_speaker(tmp_path: Path) -> None:
    for name in ("84/121123/84-121123-0001.flac", "84/121123/84-121123-0000.flac", "174/50561/174-50561-0000.flac"):
        touch(tmp_path / name)
    (tmp_path / "84/121123/84-121123.trans.txt").write_text("84-121123-0000 GO DO YOU HEAR\n", "utf-8")
    assert found(tmp_path) == [
        ("174", "174-50561-0000.flac"),
        ("84", "84-121123-0000.flac"),
        ("84", "84-121123-0001.flac"),
    ]


def test_files_alone_begin_with_their_speaker(tmp_path: Path) -> None:
    for name in ("1688-142285-0000.ogg", "1688-142285-0001.ogg", "1998-15444-0000.wav", "notes.txt"):
        touch(tmp_path / name)
    assert [speaker for speaker, _ in found(tmp_path)] == ["1688", "1688", "1998"]


def test_a_dataset_of_one_voice_is_one_speaker(tiny_dataset: Path) -> None:
    assert {speaker for speaker, _ in found(tiny_dataset)} == {"tiny"}
    assert len(found(tiny_dataset)) == 8


def test_vctk_is_read_by_its_texts(tmp_path: Path) -> None:
    touch(tmp_path / "wav48/p225/p225_001.wav")
    (tmp_path / "txt/p225").mkdir(parents=True)
    (tmp_path / "txt/p225/p225_001.txt").write_text("Please call Stella.", "utf-8")
    assert found(tmp_path) == [("p225", "p225_001.wav")]


def test_a_folder_without_recordings_is_refused(tmp_path: Path) -> None:
    (tmp_path / "readme.txt").write_text("nothing", "utf-8")
    with pytest.raises(ManifestError, match="no recordings"):
        read_speaker_clips(tmp_path)
