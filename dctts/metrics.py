"""Read what a run has put down: the rows of `metrics.jsonl`."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any


def read_metrics(run: Path, network: str) -> Iterator[dict[str, Any]]:
    """Yield the rows of one network, in order; a line half written when the run was killed ends them."""
    path = run / "metrics.jsonl"
    if not path.is_file():
        return
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            row = json.loads(line)
        except ValueError:
            return
        if row["network"] == network:
            yield row


def mean_since(run: Path, network: str, name: str, *, after: int) -> float | None:
    """Average a measure over the rows after a step; None where there are none."""
    values = [row[name] for row in read_metrics(run, network) if row["step"] > after and name in row]
    return sum(values) / len(values) if values else None
