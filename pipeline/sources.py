"""`sources/<id>/`: what was fetched, as it lies on disk. Whole or absent: built in a hidden folder, then renamed.

<id>/source.json    where it came from, hashes, the captions there are; no times of day, no paths of this machine
<id>/audio.<ext>    as it was fetched
<id>/captions.<language>[.auto].vtt
"""

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from dctts.atomic import write_json
from pipeline.errors import FetchError
from pipeline.records import CaptionsKind, Recording

SOURCE = "source.json"


@dataclass(frozen=True, kw_only=True)
class CaptionFile:
    """One caption file of a source."""

    name: str
    kind: CaptionsKind
    sha256: str


@dataclass(frozen=True, kw_only=True)
class Source:
    """The content of source.json."""

    id: str
    extractor: str
    """Which of yt-dlp's extractors found it, or `file`."""
    url: str
    urls: tuple[str, ...] = ()
    """Every address it was asked for by: what is here is not fetched again."""
    title: str
    channel: str = ""
    licence: str = ""
    uploaded: str = ""
    language: str
    audio: str
    audio_sha256: str
    duration_s: float
    captions: tuple[CaptionFile, ...] = field(default=())
    """The best first: manual before automatic."""


def read_source(folder: Path) -> Source:
    """Read `folder/source.json`.

    Raises:
        FetchError: not there, or not as this program writes it.
    """
    try:
        entry: dict[str, Any] = json.loads((folder / SOURCE).read_text(encoding="utf-8"))
        captions = tuple(CaptionFile(**one) for one in entry.pop("captions"))
        source = Source(**{**entry, "urls": tuple(entry.pop("urls")), "captions": captions})
        names = [source.id, source.audio, *(one.name for one in captions)]
        if not all(isinstance(name, str) and re.fullmatch(r"[\w-][\w.-]*", name) for name in names):
            raise ValueError("a name that is a path")
    except FileNotFoundError as error:
        raise FetchError(f"nothing fetched in {folder}", hint="fetch the URL again") from error
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise FetchError(
            f"{folder / SOURCE} cannot be read: {error}", hint=f"remove {folder} and fetch again"
        ) from error
    return source


def load_recording(folder: Path) -> Recording:
    """Read a source folder back as the row that the other stages use.

    Raises:
        FetchError: nothing fetched there, or a broken source.json, or its audio is missing.
    """
    source = read_source(folder)
    best = source.captions[0] if source.captions else None
    if not (folder / source.audio).is_file():
        raise FetchError(f"no audio in {folder}", hint=f"remove {folder} and fetch again")
    return Recording(
        id=source.id,
        folder=folder,
        audio=folder / source.audio,
        audio_sha256=source.audio_sha256,
        captions=folder / best.name if best else None,
        captions_kind=best.kind if best else "none",
        language=source.language,
        url=source.url,
        title=source.title,
        channel=source.channel,
        licence=source.licence,
        uploaded=source.uploaded,
        duration_s=source.duration_s,
    )


def complete_sources(sources: Path) -> Iterator[tuple[Path, Source]]:
    """Walk the finished sources, by name."""
    for file in sorted(sources.glob(f"*/{SOURCE}")):
        if not file.parent.name.startswith("."):
            yield file.parent, read_source(file.parent)


def find_source(sources: Path, *, language: str | None, url: str = "", source_id: str = "") -> Path | None:
    """Find what was fetched before, by any address it was asked for by or by its id.

    Args:
        sources: the folder of sources.
        language: of the captions it was fetched with; None takes any.
        url: an address, or "".
        source_id: an id, or "".
    """
    for folder, source in complete_sources(sources):
        if language in (None, source.language) and (
            source.id == source_id or (url and url in (source.url, *source.urls))
        ):
            return folder
    return None


def adopt(partial: Path, sources: Path, source: Source) -> Path:
    """Turn a finished hidden folder into `sources/<id>`, or into one more address of the same recording there.

    The same audio under a second address is the same recording: twice in a dataset it would stand in training and
    validation at once. It is replaced only for captions or a language that it lacks.
    """
    target = sources / source.id
    if target.exists():
        old = read_source(target)
        urls = tuple(sorted({*old.urls, *source.urls}))
        if old.language == source.language and (old.captions or not source.captions) and old.extractor != "file":
            if urls != old.urls:
                write_source(target, replace(old, urls=urls))
            shutil.rmtree(partial)
            return target
        source = replace(source, urls=urls)
    for file in partial.iterdir():
        if file.name not in {source.audio, *(one.name for one in source.captions)} and file.is_file():
            file.unlink()  # what an earlier, killed call had begun in another format
    write_source(partial, source)
    with (partial / source.audio).open("rb") as audio:
        os.fsync(audio.fileno())
    if target.exists():
        old_folder = sources / f".old-{source.id}"
        shutil.rmtree(old_folder, ignore_errors=True)
        target.rename(old_folder)
        partial.rename(target)
        shutil.rmtree(old_folder)
    else:
        partial.rename(target)
    return target


def write_source(folder: Path, source: Source) -> None:
    """Write source.json: the same source, the same bytes."""
    rows = [{"name": one.name, "kind": one.kind, "sha256": one.sha256} for one in source.captions]
    write_json(folder / SOURCE, {**vars(source), "urls": list(source.urls), "captions": rows})


def safe_id(extractor: str, raw_id: str) -> str:
    """Make an id that is a file name out of yt-dlp's, the same on each run and different for different videos."""
    plain = raw_id if extractor == "youtube" else f"{extractor}-{raw_id}"
    cleaned = re.sub(r"[^A-Za-z0-9_-]+", "_", plain)
    if cleaned == plain and len(plain) <= 64:
        return plain
    return f"{cleaned[:48]}-{hashlib.sha256(plain.encode()).hexdigest()[:12]}"


def content_id(audio_sha256: str) -> str:
    """Name a recording after its bytes, where no site gives it an id: the same from any host, port or folder."""
    return f"audio-{audio_sha256[:16]}"


def sha256(path: Path) -> str:
    """Hash a file in constant memory."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def one_line(text: Any, longest: int = 300) -> str:
    """Make a title from a web page fit for a line: no control characters, one space between words."""
    printable = "".join(c if c.isprintable() else " " for c in str(text or ""))
    return " ".join(printable.split())[:longest]
