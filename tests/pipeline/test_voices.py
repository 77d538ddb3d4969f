from pathlib import Path

import pytest

from pipeline.errors import VoiceError
from pipeline.voices import find_voices_dir, list_voices, open_voice


@pytest.mark.parametrize("name", ["ada", "Ada-2", "a.b_c", "0", "x" * 64])
def test_plain_names_lie_directly_under_the_root(tmp_path: Path, name: str) -> None:
    voice = open_voice(name, tmp_path)
    assert voice.folder == tmp_path.resolve() / name
    assert not voice.folder.exists()


def test_the_name_of_the_voice_that_ships_is_not_free(tmp_path: Path) -> None:
    with pytest.raises(VoiceError, match="'base' is the voice that ships"):
        open_voice("base", tmp_path)
    (tmp_path / "base").mkdir()
    assert list_voices(tmp_path) == []


@pytest.mark.parametrize("name", ["", ".", "..", ".hidden", "a/b", "../x", "a\\b", "a b", "ä", "a\n", "x" * 65, "/etc"])
def test_names_that_are_no_plain_file_name_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(VoiceError, match="not a usable voice name"):
        open_voice(name, tmp_path)


def test_a_link_out_of_the_root_is_refused(tmp_path: Path) -> None:
    (tmp_path / "voices").mkdir()
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "voices" / "ada").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(VoiceError, match="leads out of"):
        open_voice("ada", tmp_path / "voices")
    assert list_voices(tmp_path / "voices") == []


def test_a_root_that_is_itself_a_link_is_fine(tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "voices").symlink_to(tmp_path / "disk")
    assert open_voice("ada", tmp_path / "voices").folder == tmp_path.resolve() / "disk" / "ada"


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "ada").write_text("")
    with pytest.raises(VoiceError, match="not a folder"):
        open_voice("ada", tmp_path)


def test_the_root_is_the_argument_then_the_variable_then_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("CLONE_PIPELINE_VOICES", raising=False)
    assert find_voices_dir() == tmp_path.resolve() / "voices"
    monkeypatch.setenv("CLONE_PIPELINE_VOICES", str(tmp_path / "env"))
    assert find_voices_dir() == tmp_path.resolve() / "env"
    assert find_voices_dir(tmp_path / "arg") == tmp_path.resolve() / "arg"


def test_runs_are_ordered_by_number_and_anything_else_is_ignored(tmp_path: Path) -> None:
    voice = open_voice("ada", tmp_path)
    assert voice.newest_run() is None
    assert voice.next_run() == voice.runs / "1"
    for name in ("9", "10", "notes", "2"):
        (voice.runs / name).mkdir(parents=True)
    (voice.runs / "11").write_text("a file")
    assert [path.name for path in voice.run_folders()] == ["2", "9", "10"]
    assert voice.newest_run() == voice.runs / "10"


def test_voices_are_listed_by_name_without_what_no_command_could_take(tmp_path: Path) -> None:
    for name in ("b", "a", ".git", "with space"):
        (tmp_path / name).mkdir()
    (tmp_path / "file").write_text("")
    assert [voice.name for voice in list_voices(tmp_path)] == ["a", "b"]
    assert list_voices(tmp_path / "absent") == []
