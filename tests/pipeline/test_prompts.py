from pathlib import Path

import pytest
from typer.testing import CliRunner

from dctts.lexicon import Lexicon, open_lexicon
from dctts.text import normalise
from pipeline import cli
from pipeline.clips_file import write_clips
from pipeline.coverage import cover
from pipeline.prompts import choose_prompts, read_candidates
from pipeline.records import Clip


@pytest.fixture(scope="module")
def lexicon() -> Lexicon:
    return open_lexicon()


def test_the_list_holds_every_phoneme_length_and_form_and_no_unknown_word(lexicon: Lexicon) -> None:
    candidates = read_candidates()
    coverage = cover(candidates, lexicon)
    assert len(candidates) >= 200
    assert coverage.thin == ()
    assert (coverage.num_unpunctuated, coverage.spelt) == (0, ())
    assert len({normalise(text) for text in candidates}) == len(candidates)


def test_a_voice_without_a_sound_gets_sentences_with_it(lexicon: Lexicon) -> None:
    # Everything but OY, many times over.
    voice = [text for text in read_candidates() if "OY" not in held([text], lexicon)] * 8
    assert "OY" not in held(voice, lexicon)
    candidates = ["The boys enjoy noise.", "The sun sets in the west.", "He went home."]
    first, *_ = choose_prompts(voice, candidates, lexicon, count=1)
    assert first.text == candidates[0]
    assert first.brings == ("OY",)


def held(texts: list[str], lexicon: Lexicon) -> set[str]:
    return {one.name for one in cover(texts, lexicon).of("phoneme") if one.count}


def test_twenty_prompts_bring_every_phoneme_and_form_to_a_voice_that_has_none(lexicon: Lexicon) -> None:
    chosen = [prompt.text for prompt in choose_prompts([], read_candidates(), lexicon)]
    assert len(set(chosen)) == 20
    assert all(one.count for one in cover(chosen, lexicon).of("phoneme"))
    assert sum(one.count > 0 for one in cover(chosen, lexicon).of("form")) >= 4
    assert all(one.count for one in cover(chosen, lexicon).of("length")[1:])


def test_nothing_is_chosen_twice_or_that_was_said_before(lexicon: Lexicon) -> None:
    candidates = ["Oh, really?", "Not now."]
    assert [one.text for one in choose_prompts(["oh really?", "Oh, REALLY?"], candidates, lexicon)] == ["Not now."]


def test_the_command_writes_one_sentence_a_line_and_prints_the_path(tmp_path: Path) -> None:
    clips = [
        Clip(id="t-0", source="t", start_s=0, end_s=2, text="It rained all day.", kept=True),
        Clip(id="t-1", source="t", start_s=2, end_s=4, text="What a voyage!", kept=False, reasons=("noisy",)),
    ]
    write_clips(tmp_path / "ada" / "clips.jsonl", clips)
    done = CliRunner().invoke(cli.app, ["prompts", "--voice", "ada", "--voices-dir", str(tmp_path), "--count", "5"])
    path = tmp_path / "ada" / "prompts.txt"
    assert done.exit_code == 0
    assert done.stdout == f"{path}\n"
    lines = path.read_text().splitlines()
    assert len(lines) == 5
    assert set(lines) <= set(read_candidates())
    assert "1 kept clips" in done.stderr
