"""A voice measured: an untrained one babbles, the real readings are speech, and the figures must say so."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.lexicon import Lexicon
from dctts.synthesize import SpeakOptions
from dctts.voice import Voice, as_speaker
from pipeline.evaluation.evaluation import Evaluation
from pipeline.evaluation.material import Material, Prompt, prompts, read_material
from pipeline.evaluation.page import write_page
from pipeline.evaluation.run import Judges, RunOptions, evaluate
from pipeline.listen import Listener

OPTIONS = RunOptions(speak=SpeakOptions(attempts=1, iterations=2), num_pictures=1)
FIXED = [
    Prompt(id="harvard-01", set="harvard", text="We <b>came</b> home."),
    Prompt(id="hard-01", set="hard", text="Aha!"),
]


@pytest.fixture(scope="module")
def material(spoken_dataset: Path) -> Material:
    return read_material(spoken_dataset)


@pytest.fixture(scope="module")
def run(tiny_voice: Voice, encoder: SpeakerEncoder, material: Material) -> Callable[..., Evaluation]:
    def measured(
        listener: Any,
        *,
        voice: Voice = tiny_voice,
        whisper: Any = None,
        material: Material | None = material,
        texts: Sequence[Prompt] | None = None,
        others: dict[str, Any] | None = None,
    ) -> Evaluation:
        texts = texts or [*FIXED, *prompts(material)[-2:]]
        judges = Judges(listener=listener, encoder=encoder, whisper=whisper)
        return evaluate(
            voice, judges, Lexicon(), name="tiny", material=material, texts=texts, others=others, options=OPTIONS
        )

    return measured


@pytest.fixture(scope="module")
def heard(run: Callable[..., Evaluation]) -> Evaluation:
    others = {"stranger": np.full(256, 1 / 16, np.float32)}
    return run(Listener(), others=others)


def value(evaluation: Evaluation, name: str, of: str) -> float:
    score = evaluation.score(name, of)
    assert score is not None, (name, of)
    return score.value


def test_babble_is_understood_less_than_the_real_readings(heard: Evaluation) -> None:
    # By letters: nine words of a robot, of which the recogniser gets three right on one day and one on another.
    assert value(heard, "cer", "held out") > value(heard, "cer", "real") + 0.1
    gap = value(heard, "wer", "held out") - value(heard, "wer", "real")
    assert value(heard, "wer_gap", "held out") == pytest.approx(gap)


def test_the_real_readings_are_nearer_to_their_speaker_than_babble(heard: Evaluation) -> None:
    assert value(heard, "secs", "real") > value(heard, "secs", "all") + 0.1
    margins = [row.made.secs - row.made.strangers[0] for row in heard.rows]
    assert value(heard, "secs_margin", "all") == pytest.approx(np.mean(margins))
    assert 0 <= value(heard, "eer", "all") <= 1
    assert any("only 1 other speaker at hand" in note for note in heard.notes)


def test_every_row_holds_what_was_measured(heard: Evaluation) -> None:
    assert [row.prompt.id for row in heard.rows] == ["harvard-01", "hard-01", "robot-2", "robot-3"]
    assert [row.real is not None for row in heard.rows] == [False, False, True, True]
    assert [bool(row.picture) for row in heard.rows] == [False, False, True, False]
    for row in heard.rows:
        assert row.made.sound[:1] in (b"\xff", b"I"), "MP3"
        assert row.made.duration_s > 0
        assert row.spent_s > 0
        assert row.processor_s > 0
        assert 0 <= row.coverage <= 1
    assert value(heard, "mcd_db", "held out") > 1


def test_the_document_is_the_same_on_every_run_but_for_its_timing(
    run: Callable[..., Evaluation], parrot: Callable[..., Any]
) -> None:
    first, second = (run(parrot("we came home", "aha")).document() for _ in range(2))
    assert [score["name"] for score in first.pop("timing")] == ["rtf", "rtf_processor"]
    second.pop("timing")
    assert json.dumps(first) == json.dumps(second)
    assert "/" not in json.dumps(first).replace("</b>", ""), "a path"


def test_words_absent_from_the_transcripts_are_counted_apart(
    run: Callable[..., Evaluation], parrot: Callable[..., Any]
) -> None:
    # "we came home" are words of the transcripts, "b" (of the tag) and "aha" are not
    done = run(parrot("we came home", "uh"), texts=FIXED)
    assert (value(done, "wrong_words", "present words"), value(done, "wrong_words", "absent words")) == (0, 1)


def test_without_clips_nothing_real_is_claimed(run: Callable[..., Evaluation], parrot: Callable[..., Any]) -> None:
    done = run(parrot("we came home"), material=None, texts=FIXED)
    assert {score.of for score in done.scores} == {"harvard", "hard", "all"}
    assert not [score for score in done.scores if score.name.startswith("second")]
    assert done.score("eer", "all") is None
    assert [note.split(":")[0] for note in done.notes] == ["no dataset", "no other speakers at hand"]
    assert done.document()["material"] is None


def test_where_nothing_was_held_out_the_speaker_is_still_known(
    run: Callable[..., Evaluation], parrot: Callable[..., Any], material: Material
) -> None:
    done = run(parrot("we came home"), material=replace(material, held_out=()), texts=FIXED)
    assert any("no clips were held out" in note for note in done.notes)
    assert {"wrong_words", "secs"} <= {score.name for score in done.scores}
    assert done.score("wer", "real") is None


def test_a_second_judge_is_scored_beside_the_first(run: Callable[..., Evaluation], parrot: Callable[..., Any]) -> None:
    done = run(parrot("nothing"), whisper=parrot("we b came b home", "Aha!"), texts=FIXED)
    assert value(done, "whisper_wer", "hard") == 0
    assert value(done, "wer", "hard") == 1
    assert done.document()["each"][1]["whisper"] == "Aha!"


class SecondEncoder:
    """Takes every voice for the one it is told, and real readings for their reader."""

    def __init__(self, taken_for: str) -> None:
        self._own, self._eve = np.eye(2, dtype=np.float32)
        self.strangers = {"eve": self._eve, "robot": self._own}
        self._taken_for, self.enrolling = taken_for, True

    def embed_batch(self, wavs: Sequence[Any], sample_rate_hz: int) -> list[Any]:
        if self.enrolling:
            self.enrolling = False
            return [self._own for _ in wavs]
        return [self._eve if self._taken_for == "eve" else self._own for _ in wavs]


@pytest.mark.parametrize(("taken_for", "secs", "margin", "nearer"), [("robot", 1, 1, 1), ("eve", 0, -1, 0)])
def test_an_encoder_that_the_voice_was_not_told_of_judges_beside_the_first(
    tiny_voice: Voice,
    encoder: SpeakerEncoder,
    parrot: Callable[..., Any],
    material: Material,
    taken_for: str,
    secs: float,
    margin: float,
    nearer: float,
    tmp_path: Path,
) -> None:
    judges = Judges(listener=parrot("x"), encoder=encoder, second_encoder=SecondEncoder(taken_for))
    texts = [FIXED[0], prompts(material)[-1]]
    done = evaluate(tiny_voice, judges, Lexicon(), name="tiny", material=material, texts=texts, options=OPTIONS)
    assert done.second_others == ("eve",), "the reader is no stranger, whoever else has that name"
    for of in ("all", "real"):
        assert value(done, "second_secs", of) == pytest.approx(secs)
        assert value(done, "second_secs_margin", of) == pytest.approx(margin)
        assert value(done, "second_margin_positive", of) == nearer
        assert value(done, "second_eer", of) == pytest.approx(1 - nearer)
    assert done.document()["each"][0]["second_secs"] == pytest.approx(secs)
    write_page(tmp_path / "page.html", done)
    page = (tmp_path / "page.html").read_text(encoding="utf-8")
    assert "Told from by the second encoder: eve." in page
    assert "What a similarity means" in page


def test_a_base_speaks_as_the_speaker_it_is_compared_with(
    run: Callable[..., Evaluation], parrot: Callable[..., Any], tiny_voice: Voice
) -> None:
    vectors = {name: torch.eye(256)[place] for place, name in enumerate(("robot", "ann", "bob"))}
    base = replace(tiny_voice, speakers=vectors, speaker=vectors["ann"])
    assert torch.equal(as_speaker(base, "robot").speaker, vectors["robot"])
    done = run(parrot("x"), voice=as_speaker(base, "robot"), texts=FIXED[:1])
    assert done.is_base
    assert done.others == ("ann", "bob")
    alone = run(parrot("x"), voice=base, material=None, texts=FIXED[:1])
    assert alone.others == ("bob", "robot"), "the one it speaks as is no stranger"


def test_the_page_is_one_escaped_file_that_needs_nothing_else(heard: Evaluation, tmp_path: Path) -> None:
    write_page(tmp_path / "evaluation.html", heard)
    page = (tmp_path / "evaluation.html").read_text(encoding="utf-8")
    assert page.count("data:audio/mpeg;base64,") == 6
    assert page.count("data:image/png;base64,") == 1
    assert "We &lt;b&gt;came&lt;/b&gt; home." in page
    assert "<b>came" not in page
    assert "default-src 'none'" in page
    assert not [part for part in page.split('src="')[1:] if not part.startswith("data:")]
    assert "SECS margin" in page
    assert str(tmp_path) not in page
