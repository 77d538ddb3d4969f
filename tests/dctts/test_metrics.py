from pathlib import Path

from dctts.metrics import mean_since, read_metrics

ROWS = """{"network": "a", "step": 1, "l1": 4.0}
{"network": "b", "step": 2, "l1": 9.0}
{"network": "a", "step": 2, "l1": 1.0}
{"network": "a", "step": 3, "l1": 2.0}
{"network": "a", "step": 3, "other": 7.0}
{"network": "a", "st"""


def test_rows_of_one_network_are_read_up_to_a_torn_line(tmp_path: Path) -> None:
    assert list(read_metrics(tmp_path, "a")) == []
    (tmp_path / "metrics.jsonl").write_text(ROWS)
    assert [row["step"] for row in read_metrics(tmp_path, "a")] == [1, 2, 3, 3]
    assert mean_since(tmp_path, "a", "l1", after=1) == 1.5
    assert mean_since(tmp_path, "a", "l1", after=3) is None
