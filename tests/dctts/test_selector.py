import json
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from dctts.selection import Scores
from dctts.selector import Selector, load_heard
from dctts.text2mel import Text2Mel
from dctts.voice import Voice

BASE = Scores(
    cer=0.2,
    cer_held_out=0.2,
    cer_harvard=0.2,
    cer_unseen=0.2,
    secs=0.5,
    secs_base=0.9,
    forced_rate=0.0,
    coverage=1.0,
    length_ratio=1.0,
)


class Says:
    """Scores what it is told to, and tells which weights it heard."""

    ceiling = 0.9

    def __init__(self, *errors: float) -> None:
        self.errors = list(errors)
        self.heard: list[float] = []

    def score(self, voice: Voice) -> Scores:
        self.heard.append(mark_of(voice.text2mel))
        error = self.errors.pop(0)
        return replace(BASE, cer=error, cer_harvard=error, secs=0.86)


def mark_of(network: nn.Module) -> float:
    return round(next(iter(network.parameters()))[1, 0].item(), 2)


def at(voice: Voice, step: int) -> Voice:
    network = deepcopy(voice.text2mel)
    with torch.no_grad():
        next(iter(network.parameters()))[1, 0] = step / 100
    return replace(voice, text2mel=network)


def watch(selector: Selector, scorer: Says, voice: Voice, step: int) -> bool:
    return selector.watch(step, at(voice, step), scorer, {"held_out/l1": 0.1})


def candidates(run: Path) -> list[str]:
    return sorted(path.stem for path in (run / "candidates").iterdir())


def files(run: Path) -> dict[str, bytes]:
    return {str(path.relative_to(run)): path.read_bytes() for path in run.rglob("*") if path.is_file()}


def test_the_weights_of_the_best_step_end_in_the_voice(tiny_voice: Voice, tmp_path: Path) -> None:
    scorer, selector = Says(0.2, 0.4, 0.1, 0.15, 0.6), Selector(tmp_path)
    selector.begin(scorer, tiny_voice)
    for step in (10, 20, 30, 40):
        watch(selector, scorer, tiny_voice, step)
    finished = Text2Mel(tiny_voice.text2mel.config)
    assert selector.finish(finished).step == 20
    assert mark_of(finished) == 0.2
    assert scorer.heard[1:] == [0.1, 0.2, 0.3, 0.4]
    assert candidates(tmp_path) == ["20", "40"]
    assert (tmp_path / "learning-curve.png").stat().st_size > 10_000
    saved = json.loads((tmp_path / "selection.json").read_text())
    assert saved["selected"] == 20
    assert saved["why"] == "step 20 of 40: J 0.217 with its neighbours, the least of all; the last step has 0.375"
    assert saved["wanted_secs"] == pytest.approx(0.855)


def test_training_ends_when_nothing_better_comes_unless_steps_were_asked_for(tiny_voice: Voice, tmp_path: Path) -> None:
    for patience, ends in ((2, [False, False, True]), (None, [False, False, False])):
        scorer, selector = Says(0.2, 0.1, 0.3, 0.3), Selector(tmp_path / str(patience), patience=patience)
        selector.begin(scorer, tiny_voice)
        assert [watch(selector, scorer, tiny_voice, step) for step in (10, 20, 30)] == ends
        assert selector.is_over(30) is (patience == 2)


def test_time_that_is_up_ends_training(tiny_voice: Voice, tmp_path: Path) -> None:
    scorer, selector = Says(0.2, 0.1), Selector(tmp_path, deadline_s=0.0)
    selector.begin(scorer, tiny_voice)
    assert watch(selector, scorer, tiny_voice, 10)
    heard = load_heard(tmp_path / "selection.json")
    assert heard is not None
    assert heard.stopped == "the time was up"


def test_training_ends_before_a_step_that_would_come_too_late(
    tiny_voice: Voice, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    times_s = iter([100.0, 200.0, 300.0])
    monkeypatch.setattr("dctts.selector.monotonic", lambda: next(times_s))
    scorer, selector = Says(0.2, 0.1, 0.1, 0.1), Selector(tmp_path, deadline_s=390.0)
    selector.begin(scorer, tiny_voice)
    assert [watch(selector, scorer, tiny_voice, step) for step in (10, 20, 30)] == [False, False, True]


def test_a_run_that_was_killed_listens_again_and_ends_with_the_same_files(tiny_voice: Voice, tmp_path: Path) -> None:
    def go(run: Path, selector: Selector, steps: list[int], errors: dict[int, float]) -> None:
        scorer = Says(*(errors[step] for step in steps))
        for step in steps:
            watch(selector, scorer, tiny_voice, step)

    errors = {10: 0.5, 20: 0.1, 30: 0.105, 40: 0.095, 50: 0.3}
    for name, parts in (("whole", [[10, 20, 30, 40, 50]]), ("parts", [[10, 20, 30], [20, 30, 40], [40, 50]])):
        run = tmp_path / name
        Selector(run).begin(Says(0.2), tiny_voice)
        for part in parts:  # each begins anew from a checkpoint, before what was heard last
            go(run, Selector(run), part, errors)
        Selector(run).finish(Text2Mel(tiny_voice.text2mel.config))
    assert files(tmp_path / "whole") == files(tmp_path / "parts")
    assert candidates(tmp_path / "parts") == ["30", "50"]


def test_a_run_ended_between_listening_and_saving_is_not_over(tiny_voice: Voice, tmp_path: Path) -> None:
    scorer, selector = Says(0.2, 0.1, 0.3), Selector(tmp_path, patience=1)
    selector.begin(scorer, tiny_voice)
    assert not watch(selector, scorer, tiny_voice, 10)
    assert watch(selector, scorer, tiny_voice, 20)
    assert not Selector(tmp_path).is_over(10)
    assert Selector(tmp_path).is_over(20)


def test_forgetting_is_told_once_while_it_happens_with_what_to_do(
    tiny_voice: Voice, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    scorer, selector = Says(0.2, 0.2, 0.4, 0.5), Selector(tmp_path)
    selector.begin(scorer, tiny_voice)
    for step in (10, 20, 30):
        watch(selector, scorer, tiny_voice, step)
    warnings = [row.message for row in caplog.records if row.levelname == "WARNING"]
    assert len(warnings) == 1
    assert warnings[0].startswith("step 20 says the Harvard sentences with 40% wrong characters, the base with 20%")
    assert "--steps" in warnings[0]


def test_what_was_heard_is_added_to_what_was_measured(tiny_voice: Voice, tmp_path: Path) -> None:
    scorer, selector = Says(0.2, 0.1), Selector(tmp_path)
    selector.begin(scorer, tiny_voice)
    measured = {"held_out/l1": 0.1}
    selector.watch(10, tiny_voice, scorer, measured)
    assert measured["heard/objective"] == pytest.approx(0.1)
    assert measured["heard/secs"] == 0.86
