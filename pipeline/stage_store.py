"""What each stage found in a recording, kept so that the same work is never done twice.

sources/<id>/stages/spans.jsonl  utterances.jsonl  speakers.jsonl  clips.jsonl     a header line, then one row a line
sources/<id>/stages/utterances.parts/<n>.jsonl                     while transcribing: what a killed run had done

The header holds the key of everything the rows depend on: the audio's hash, the settings, the stage before. Rows are
written with all digits, so a stage that goes on from a file gets exactly what it would have got in memory.
"""

import hashlib
import json
import logging
import shutil
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, is_dataclass
from pathlib import Path
from typing import Any, Generic, TypeVar

from dctts.atomic import write_text
from pipeline.records import Clip, Span, Speaker, Utterance, Word

log = logging.getLogger(__name__)
Row = TypeVar("Row", Span, Utterance, Speaker, Clip)


@dataclass(frozen=True, kw_only=True)
class Stored(Generic[Row]):
    """The result of one stage on one recording."""

    key: str
    note: str
    """A line for people, such as which transcriber was taken and why."""
    rows: tuple[Row, ...]


@dataclass(frozen=True)
class StageFile(Generic[Row]):
    """One stage's file in a source's folder.

    Args:
        path: the file; it need not exist.
        parse: a row of it → a record.
    """

    path: Path
    parse: Callable[[Mapping[str, Any]], Row]

    def load(self, key: str | None = None) -> Stored[Row] | None:
        """Read the file; None when there is none, or it was made from something else than `key` (None: from anything).

        A file that cannot be read counts as absent: it is a cache, and the stage makes it again.
        """
        try:
            header, *lines = self.path.read_text(encoding="utf-8").splitlines()
            head = json.loads(header)
            if key is not None and head["key"] != key:
                return None
            rows = tuple(self.parse(json.loads(line)) for line in lines)
            if len(rows) != head["rows"]:
                raise ValueError(f"{len(rows)} rows, expected {head['rows']}")
            return Stored(key=head["key"], note=head["note"], rows=rows)
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, OSError) as error:
            log.warning("%s is not usable (%s), so this stage runs again", self.path.name, error)
            return None

    def save(self, key: str, rows: Sequence[Row], *, note: str = "") -> Stored[Row]:
        """Write the file whole, and give back what `load` would."""
        header = {"key": key, "rows": len(rows), "note": note}
        lines = [header, *(asdict(row) for row in rows)]
        write_text(self.path, "".join(json.dumps(line, default=_plain) + "\n" for line in lines))
        return Stored(key=key, note=note, rows=tuple(rows))

    def in_parts(
        self, key: str, items: Sequence[Any], size: int, work: Callable[[Sequence[Any]], Iterable[Row]]
    ) -> list[Row]:
        """Do a long stage part by part, going on after the last part that a killed run had finished.

        Each part is worked on alone, in an unbroken run too, so that both end with the same rows.

        Args:
            key: of everything the rows depend on.
            items: what to work on, in order.
            size: items to a part.
            work: items of one part → their rows.
        """
        rows: list[Row] = []
        for number, start in enumerate(range(0, len(items), size)):
            file = StageFile(self._parts / f"{number:05d}.jsonl", self.parse)
            stored = file.load(key) or file.save(key, list(work(items[start : start + size])))
            rows.extend(stored.rows)
        return rows

    def drop_parts(self) -> None:
        """Remove the parts, once the whole is saved."""
        shutil.rmtree(self._parts, ignore_errors=True)

    @property
    def _parts(self) -> Path:
        return self.path.with_suffix(".parts")


def key_of(*made_of: object) -> str:
    """Hash what a stage's rows depend on: settings as dataclasses, keys and names."""
    plain = [asdict(part) if is_dataclass(part) and not isinstance(part, type) else part for part in made_of]
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=_plain).encode()).hexdigest()[:32]


def parse_span(row: Mapping[str, Any]) -> Span:
    """Parse what `save` wrote for a span."""
    return Span(start_s=row["start_s"], end_s=row["end_s"])


def parse_utterance(row: Mapping[str, Any]) -> Utterance:
    """Parse what `save` wrote for an utterance."""
    return Utterance(
        source=row["source"],
        span=parse_span(row["span"]),
        text=row["text"],
        words=tuple(Word(**word) for word in row["words"]),
        witnesses=row["witnesses"],
        measures=row["measures"],
    )


def parse_clip(row: Mapping[str, Any]) -> Clip:
    """Parse what `save` wrote for a clip."""
    return Clip(**{**row, "reasons": tuple(row["reasons"]), "pauses": tuple(map(parse_span, row["pauses"]))})


def parse_speaker(row: Mapping[str, Any]) -> Speaker:
    """Parse what `save` wrote for a speaker."""
    samples = tuple(map(parse_span, row["samples"]))
    return Speaker(**{**row, "samples": samples, "vector": tuple(row["vector"])})


def _plain(value: object) -> object:
    if isinstance(value, Path):
        return str(value)
    if isinstance(value, set | frozenset):
        return sorted(value)
    if hasattr(value, "item"):  # a numpy scalar
        return value.item()
    raise TypeError(f"cannot store {type(value).__name__}: {value!r}")
