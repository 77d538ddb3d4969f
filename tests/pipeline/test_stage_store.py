from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from pipeline.dataset import DatasetOptions
from pipeline.records import Clip, Span, Utterance, Word
from pipeline.stage_store import StageFile, key_of, parse_clip, parse_span, parse_utterance

SPANS = (Span(start_s=0.1 + 0.2, end_s=1 / 3), Span(start_s=2.0, end_s=3.0))


def test_rows_come_back_with_every_digit(tmp_path: Path) -> None:
    utterance = Utterance(
        source="talk", span=SPANS[0], text="Grüße – 1", words=(Word(text="Grüße", start_s=0.3, end_s=1 / 7),),
        witnesses={"captions": "grüße"}, measures={"alignment_score": -1 / 3},
    )  # fmt: skip
    clip = Clip(
        id="t-1", source="t", start_s=1 / 3, end_s=2, text="x", kept=False, reasons=("a", "b"), measures={"m": 0.1}
    )
    for file, row in (
        (StageFile(tmp_path / "u.jsonl", parse_utterance), utterance),
        (StageFile(tmp_path / "c.jsonl", parse_clip), clip),
    ):
        file.save("key", [row], note="why")  # type: ignore[list-item]
        stored = file.load("key")
        assert stored is not None
        assert (stored.key, stored.note, stored.rows) == ("key", "why", (row,))


def test_another_key_counts_as_absent_and_no_key_takes_any(tmp_path: Path) -> None:
    file = StageFile(tmp_path / "s.jsonl", parse_span)
    assert file.load("key") is None
    file.save("key", SPANS)
    assert file.load("other") is None
    assert file.load() == file.load("key")


@pytest.mark.parametrize("damage", ["", "{", '{"key": "key"}', '{"key": "key", "rows": 3, "note": ""}\n{}'])
def test_a_damaged_file_counts_as_absent_and_is_named(
    tmp_path: Path, damage: str, caplog: pytest.LogCaptureFixture
) -> None:
    file = StageFile(tmp_path / "s.jsonl", parse_span)
    file.save("key", SPANS)
    (tmp_path / "s.jsonl").write_text(damage)
    assert file.load("key") is None
    assert "s.jsonl is not usable" in caplog.text


def test_a_killed_run_goes_on_after_its_last_part_with_the_same_rows(tmp_path: Path) -> None:
    items = [Span(start_s=n, end_s=n + 1) for n in range(10)]
    worked: list[int] = []

    def work(part: Sequence[Span], stop_at: int = 99) -> list[Span]:
        if part[0].start_s >= stop_at:
            raise KeyboardInterrupt
        worked.append(len(part))
        return [Span(start_s=span.start_s, end_s=span.end_s + len(part)) for span in part]

    whole = StageFile(tmp_path / "a" / "s.jsonl", parse_span).in_parts("key", items, 4, work)
    assert worked == [4, 4, 2]
    file = StageFile(tmp_path / "b" / "s.jsonl", parse_span)
    with pytest.raises(KeyboardInterrupt):
        file.in_parts("key", items, 4, lambda part: work(part, stop_at=8))
    worked.clear()
    assert file.in_parts("key", items, 4, work) == whole
    assert worked == [2]
    worked.clear()
    assert file.in_parts("another key", items, 4, work) == whole
    assert worked == [4, 4, 2]
    file.drop_parts()
    assert [path.name for path in (tmp_path / "b").iterdir()] == []


def test_the_key_changes_with_any_setting_and_with_nothing_else() -> None:
    base = key_of("segment", 1, "hash", DatasetOptions())
    assert base == key_of("segment", 1, "hash", DatasetOptions())
    assert base != key_of("segment", 1, "hash", DatasetOptions(fade_ms=6))
    assert base != key_of("segment", 2, "hash", DatasetOptions())
    assert key_of(Path("a"), {2, 1}, np.float64(1.5)) == key_of(Path("a"), {1, 2}, 1.5)
    with pytest.raises(TypeError, match="cannot store object"):
        key_of(object())
