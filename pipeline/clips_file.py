"""`clips.jsonl`: one candidate clip a line, the contract between building, reporting and scoring."""

import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from dctts.atomic import write_text
from pipeline.errors import DatasetError
from pipeline.records import Clip, Span

_ID = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,199}")
_HINT = "the file is rebuilt from what was fetched: delete it and run the same fetch command again"


def write_clips(path: Path, clips: Iterable[Clip]) -> None:
    """Write all clips in the order given, whole or not at all; equal clips give equal bytes."""
    write_text(path, "".join(format_clip(clip) + "\n" for clip in clips))


def read_clips(path: Path) -> list[Clip]:
    """Read and check every line.

    Raises:
        DatasetError: no such file, or a line that is not a clip; the message has the file and the line number.
    """
    try:
        text = path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise DatasetError(f"no {path.name} in {path.parent}", hint="run clone-pipeline fetch URL first") from error
    except UnicodeDecodeError as error:
        raise DatasetError(f"{path} is not UTF-8 text: {error.reason}", hint=_HINT) from error
    clips, seen = [], set()
    for number, line in enumerate(text.split("\n"), 1):
        if not line.strip():
            continue
        try:
            clip = parse_clip(line)
            if clip.id in seen:
                raise ValueError(f"a second clip with id {clip.id!r}")
        except ValueError as error:
            raise DatasetError(f"{path}, line {number}: {error}", hint=_HINT) from error
        seen.add(clip.id)
        clips.append(clip)
    return clips


def format_clip(clip: Clip) -> str:
    """Format one line: times to the millisecond, measures to four digits after the point.

    A measure that is not finite was not measured, and JSON has no word for it: it is left out.
    """
    row = {
        "id": clip.id,
        "source": clip.source,
        "start_s": round(clip.start_s, 3),
        "end_s": round(clip.end_s, 3),
        "text": clip.text,
        "kept": clip.kept,
        "reasons": list(clip.reasons),
        # + 0.0 turns -0.0 into 0.0; float() turns numpy's scalars and integers into what json writes one way only.
        "measures": {
            name: round(float(value), 4) + 0.0
            for name, value in sorted(clip.measures.items())
            if math.isfinite(float(value))
        },
        "witnesses": dict(sorted(clip.witnesses.items())),
        "pauses": [[round(pause.start_s, 3), round(pause.end_s, 3)] for pause in clip.pauses],
    }
    return json.dumps(row, ensure_ascii=False, allow_nan=False)


def parse_clip(line: str) -> Clip:
    """Parse one line.

    Raises:
        ValueError: in words that fit after "file, line n: ".
    """
    try:
        row = json.loads(line)
    except json.JSONDecodeError as error:
        raise ValueError(f"not JSON ({error.msg}): {line[:60]!r}") from error
    if not isinstance(row, dict):
        raise ValueError(f"not a JSON object: {line[:60]!r}")
    identity = _field(row, "id", str)
    source = _field(row, "source", str)
    for name, value in (("id", identity), ("source", source)):
        # Both become file names: a row must not point outside the voice's folder.
        if not _ID.fullmatch(value):
            raise ValueError(f"{name} is not a plain file name: {value[:60]!r}")
    start_s, end_s = _number(row, "start_s"), _number(row, "end_s")
    if not 0 <= start_s < end_s:
        raise ValueError(f"start_s {start_s} and end_s {end_s} are not a stretch of time")
    reasons = _field(row, "reasons", list)
    if not all(isinstance(reason, str) for reason in reasons):
        raise ValueError("reasons are not all strings")
    measures, witnesses = _field(row, "measures", dict), _field(row, "witnesses", dict)
    if not all(isinstance(text, str) for text in witnesses.values()):
        raise ValueError("witnesses are not all strings")
    return Clip(  # which checks that kept and reasons agree
        id=identity,
        source=source,
        start_s=start_s,
        end_s=end_s,
        text=_field(row, "text", str),
        kept=_field(row, "kept", bool),
        reasons=tuple(reasons),
        measures={name: _number(measures, name) for name in measures},
        witnesses=witnesses,
        pauses=_pauses(row.get("pauses", []), start_s, end_s),
    )


def _pauses(rows: Any, start_s: float, end_s: float) -> tuple[Span, ...]:
    """Check that pauses lie inside the clip, in order and apart."""
    pauses: list[Span] = []
    if not isinstance(rows, list):
        raise ValueError(f"pauses is not a list: {str(rows)[:60]!r}")
    for row in rows:
        if not isinstance(row, list) or len(row) != 2:
            raise ValueError(f"a pause is not [start, end]: {str(row)[:60]!r}")
        ends = {"start": row[0], "end": row[1]}
        pause = Span(start_s=_number(ends, "start"), end_s=_number(ends, "end"))
        if not (pauses[-1].end_s if pauses else start_s) < pause.start_s < pause.end_s < end_s:
            raise ValueError(f"pauses are not in order inside the clip: {str(rows)[:60]!r}")
        pauses.append(pause)
    return tuple(pauses)


def _field(row: Mapping[str, Any], name: str, kind: type) -> Any:
    if name not in row:
        raise ValueError(f"no {name!r}")
    if not isinstance(row[name], kind):
        raise ValueError(f"{name} is not a {kind.__name__}: {str(row[name])[:60]!r}")
    return row[name]


def _number(row: Mapping[str, Any], name: str) -> float:
    value = row.get(name)
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value):
        raise ValueError(f"{name} is not a number: {str(value)[:60]!r}")
    return float(value)
