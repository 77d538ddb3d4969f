from dataclasses import replace
from pathlib import Path

from PIL import Image

from dctts.curve import draw_learning_curve
from dctts.selection import Evaluation, select
from tests.dctts.test_selection import heard, scores


def draw(evaluations: list[Evaluation], path: Path) -> bytes:
    draw_learning_curve(evaluations, select(evaluations), path, wanted_secs=0.86, base=scores(), why="why")
    return path.read_bytes()


def test_a_curve_is_drawn_and_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    evaluations = heard(0.5, 0.3, 0.4)
    first = draw(evaluations, tmp_path / "one.png")
    with Image.open(tmp_path / "one.png") as picture:
        assert picture.size == (800, 800)
    assert draw(evaluations, tmp_path / "two.png") == first
    assert draw([replace(one, held_out_l1=0.1) for one in evaluations], tmp_path / "three.png") != first


def test_one_evaluation_is_a_curve_too(tmp_path: Path) -> None:
    assert draw(heard(0.5), tmp_path / "one.png")
