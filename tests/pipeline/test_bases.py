import shutil
from pathlib import Path

import pytest
from typer.testing import CliRunner

from dctts import shipped
from pipeline import bases as listing
from pipeline import cli
from pipeline.bases import base_voice_names, find_base, find_base_voice, list_bases
from pipeline.doctor import examine
from pipeline.errors import VoiceError


@pytest.fixture
def one(bases: Path, tiny_base_file: Path) -> Path:
    shutil.copy(tiny_base_file, bases / "base.safetensors")
    return bases


@pytest.fixture
def two(one: Path, tiny_base_file: Path) -> Path:
    shutil.copy(tiny_base_file, one / "alto.safetensors")
    return one


def test_the_only_base_is_named_by_its_speakers(one: Path) -> None:
    assert base_voice_names() == ["base", "base:ada", "base:bob"]
    assert [find_base_voice(name).speaker for name in base_voice_names()] == ["", "ada", "bob"]
    assert {find_base_voice(name).base.path for name in base_voice_names()} == {one / "base.safetensors"}


def test_of_several_bases_the_one_called_base_comes_first_and_each_name_finds_its_own(two: Path) -> None:
    assert [base.name for base in list_bases()] == ["base", "alto"]
    assert base_voice_names() == [
        "base", "base:base/ada", "base:base/bob", "base:alto", "base:alto/ada", "base:alto/bob"
    ]  # fmt: skip
    found = [find_base_voice(name) for name in base_voice_names()]
    assert [voice.base.name for voice in found] == ["base"] * 3 + ["alto"] * 3
    assert [voice.speaker for voice in found] == ["", "ada", "bob"] * 2


@pytest.mark.usefixtures("two")
def test_a_speaker_that_two_bases_have_must_be_told_apart() -> None:
    with pytest.raises(VoiceError, match="several bases have a speaker 'ada'") as refused:
        find_base_voice("base:ada")
    assert refused.value.hint == "say which: base:base/ada or base:alto/ada"


@pytest.mark.usefixtures("one")
@pytest.mark.parametrize("name", ["base:eve", "base:../x", "base:base/eve", "base:/etc/passwd"])
def test_a_name_that_no_base_has_is_told_with_those_there_are(name: str) -> None:
    with pytest.raises(VoiceError, match="no base voice") as refused:
        find_base_voice(name)
    assert refused.value.hint == "there is: base, base:ada, base:bob"


def test_no_base_at_all_says_how_to_get_one() -> None:
    with pytest.raises(VoiceError, match="no base voice in this installation") as refused:
        find_base_voice("base")
    assert "clone-pipeline pretrain" in str(refused.value.hint)


def test_a_base_to_start_from_is_a_path_or_a_name(two: Path, tmp_path: Path) -> None:
    assert find_base("alto") == two / "alto.safetensors"
    (tmp_path / "mine.safetensors").write_bytes(b"")
    assert find_base(str(tmp_path / "mine.safetensors")) == tmp_path / "mine.safetensors"
    with pytest.raises(VoiceError, match="no base 'tenor'") as refused:
        find_base("tenor")
    assert "(base, alto)" in str(refused.value.hint)


def test_a_broken_base_is_listed_as_one_voice(bases: Path) -> None:
    (bases / "base.safetensors").write_bytes(b"not safetensors")
    assert base_voice_names() == ["base"]
    assert list_bases()[0].card == {}


def test_without_the_variable_those_that_ship_are_found(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, tiny_base_file: Path
) -> None:
    monkeypatch.delenv(listing.BASES_VARIABLE)
    monkeypatch.setattr(shipped, "_PLACES", (tmp_path / "absent", tmp_path / "data"))
    assert list_bases() == []
    (tmp_path / "data" / "base").mkdir(parents=True)
    shutil.copy(tiny_base_file, tmp_path / "data" / "base" / "base.safetensors")
    assert [base.name for base in list_bases()] == ["base"]


def test_doctor_says_whether_a_base_is_there(tmp_path: Path, bases: Path, tiny_base_file: Path) -> None:
    def found() -> tuple[str, str]:
        (check,) = (check for check in examine(tmp_path) if check.name == "base voice")
        return check.state, check.found

    assert found() == ("note", "none")
    shutil.copy(tiny_base_file, bases / "base.safetensors")
    assert found() == ("ok", "base (ada, bob)")


@pytest.mark.usefixtures("one")
def test_the_list_of_voices_ends_with_those_that_ship(tmp_path: Path) -> None:
    listed = CliRunner().invoke(cli.app, ["voices", "--voices-dir", str(tmp_path)])
    assert [line.split("\t") for line in listed.stdout.splitlines()[1:]] == [
        ["base", "-", "20.0", "300", "-", "1000", "yes"],
        ["base:ada", "-", "15.0", "200", "-", "1000", "yes"],
        ["base:bob", "-", "5.0", "100", "-", "1000", "yes"],
    ]
