import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipeline.clips_file import format_clip, parse_clip, read_clips, write_clips
from pipeline.errors import DatasetError
from pipeline.records import Clip, Span

ROW: dict[str, Any] = {
    "id": "talk-0001500",
    "source": "talk",
    "start_s": 1.5,
    "end_s": 4.25,
    "text": "Good – evening.",
    "kept": False,
    "reasons": ["snr too low"],
    "measures": {"snr_db": 9.5},
    "witnesses": {"captions": "good evening"},
    "pauses": [],
}


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    kept = Clip(id="talk-0000000", source="talk", start_s=0.0, end_s=1.2, text="Hello.", kept=True)
    dropped = Clip(**{**ROW, "reasons": ("snr too low",), "pauses": ()})
    write_clips(tmp_path / "clips.jsonl", [kept, dropped])
    assert read_clips(tmp_path / "clips.jsonl") == [kept, dropped]


def test_every_key_of_the_contract_is_there() -> None:
    row = json.loads(format_clip(Clip(**{**ROW, "reasons": ("snr too low",)})))
    assert row == ROW


def test_equal_clips_give_equal_bytes_whatever_their_number_type_and_order() -> None:
    plain = Clip(id="a", source="a", start_s=0.1, end_s=2.0, text="x", kept=True, measures={"b": 1.0, "a": 0.3})
    numpy = Clip(
        id="a", source="a", start_s=0.1 + 1e-12, end_s=2.0, text="x", kept=True,
        measures={"a": np.float64(0.1 + 0.2), "b": float(np.float32(1)), "c": float("nan"), "d": float("inf")},
    )  # fmt: skip
    assert format_clip(plain) == format_clip(numpy)
    assert '"m": 0.0' in format_clip(
        Clip(id="a", source="a", start_s=0, end_s=1, text="x", kept=True, measures={"m": -0.0})
    )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"id": "../../etc/passwd"}, "not a plain file name"),
        ({"source": "a/b"}, "not a plain file name"),
        ({"start_s": 5}, "not a stretch of time"),
        ({"start_s": -1}, "not a stretch of time"),
        ({"end_s": "4"}, "end_s is not a number"),
        ({"end_s": True}, "end_s is not a number"),
        ({"kept": True}, "a kept clip has no reasons"),
        ({"kept": 1}, "kept is not a bool"),
        ({"reasons": []}, "a dropped one has some"),
        ({"reasons": [1]}, "reasons are not all strings"),
        ({"measures": {"snr_db": "loud"}}, "snr_db is not a number"),
        ({"witnesses": {"captions": None}}, "witnesses are not all strings"),
    ],
)
def test_a_bad_line_is_refused_with_file_and_line(tmp_path: Path, change: dict[str, Any], message: str) -> None:
    path = tmp_path / "clips.jsonl"
    path.write_text(json.dumps({**ROW, "id": "other"}) + "\n\n" + json.dumps({**ROW, **change}) + "\n")
    with pytest.raises(DatasetError, match=message) as caught:
        read_clips(path)
    assert f"{path}, line 3: " in caught.value.message


@pytest.mark.parametrize("line", ["{", "[]", "3", '{"id": "a"}', '{"id": "a", "source": "a", "start_s": NaN}'])
def test_lines_that_are_no_clip_are_refused(tmp_path: Path, line: str) -> None:
    path = tmp_path / "clips.jsonl"
    path.write_text(line)
    with pytest.raises(DatasetError, match="line 1"):
        read_clips(path)


def test_the_same_id_twice_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "clips.jsonl"
    path.write_text(json.dumps(ROW) + "\n" + json.dumps(ROW) + "\n")
    with pytest.raises(DatasetError, match="line 2: a second clip"):
        read_clips(path)


def test_a_missing_file_says_what_to_run(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match=r"no clips\.jsonl") as caught:
        read_clips(tmp_path / "clips.jsonl")
    assert "fetch" in str(caught.value.hint)


def test_pauses_come_back_and_must_lie_inside(tmp_path: Path) -> None:
    paused = Clip(id="t-0", source="t", start_s=1.0, end_s=5.0, text="a", kept=True,
                  pauses=(Span(start_s=2.0, end_s=2.5), Span(start_s=3.0, end_s=3.25)))  # fmt: skip
    assert paused.duration_s == 3.25
    write_clips(tmp_path / "clips.jsonl", [paused])
    assert read_clips(tmp_path / "clips.jsonl") == [paused]
    for bad in ("[[0.5, 2.0]]", "[[3.0, 3.2], [2.0, 2.1]]", "[[2.0, 9.0]]", "[[2.0]]", "7"):
        line = format_clip(paused).replace("[[2.0, 2.5], [3.0, 3.25]]", bad)
        with pytest.raises(ValueError, match="pause"):
            parse_clip(line)


def test_a_file_from_before_there_were_pauses_is_read() -> None:
    clip = Clip(id="t-0", source="t", start_s=1.0, end_s=5.0, text="a", kept=True)
    assert parse_clip(format_clip(clip).replace(', "pauses": []', "")) == clip
