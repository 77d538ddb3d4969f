"""A recording that is already on this machine: `talk.m4a`, with `talk.en.vtt` or `talk.en.auto.vtt` beside it."""

import re
import shutil
from pathlib import Path

from dctts.errors import AudioError
from dctts.progress import Progress
from pipeline.errors import FetchError
from pipeline.fetch_options import FetchOptions
from pipeline.ffmpeg import duration_s
from pipeline.records import CaptionsKind
from pipeline.sources import CaptionFile, Source, adopt, content_id, one_line, read_source, sha256


def fetch_file(path: Path, *, sources: Path, options: FetchOptions, progress: Progress) -> Path:
    """Copy a recording and the captions beside it into `sources/<id>/`; nothing is copied twice.

    Returns:
        The source's folder. Its id comes from the audio's bytes: the name and place of the file do not matter.

    Raises:
        FetchError: no such file, or neither audio nor video.
    """
    if path.is_dir():
        raise FetchError(f"{path} is a folder", hint="give an audio or video file, or a URL")
    try:
        length_s = duration_s(path)
    except AudioError as error:
        raise FetchError(error.message, hint=error.hint) from error
    suffix = path.suffix.lower() if re.fullmatch(r"\.[A-Za-z0-9]{1,8}", path.suffix) else ".bin"
    beside = captions_beside(path, options.language)
    audio_sha256 = sha256(path)
    source = Source(
        id=content_id(audio_sha256),
        extractor="file",
        url=one_line(path.name),  # not where it lies: a source means the same on another machine
        title=one_line(path.stem),
        language=options.language,
        audio=f"audio{suffix}",
        audio_sha256=audio_sha256,
        duration_s=length_s,
        captions=tuple(CaptionFile(name=name, kind=kind, sha256=sha256(file)) for file, name, kind in beside),
    )
    target = sources / source.id
    if target.exists() and read_source(target) == source:
        return target
    partial = sources / f".partial-{source.id}"
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    with progress.bar(f"copy {path.name}", 1 + len(beside)) as bar:
        for file, name in [(path, source.audio), *((file, name) for file, name, _ in beside)]:
            shutil.copyfile(file, partial / name)
            bar.advance()
    return adopt(partial, sources, source)


def captions_beside(path: Path, language: str) -> list[tuple[Path, str, CaptionsKind]]:
    """Find caption files named after a recording: (file, name in the source's folder, kind), the best first."""
    pattern = re.compile(
        rf"{re.escape(path.stem)}(?:\.(?P<language>{re.escape(language)}(?:-[A-Za-z0-9-]+)?))?(?P<auto>\.auto)?\.vtt",
        re.IGNORECASE,
    )
    found: list[tuple[Path, str, CaptionsKind]] = []
    for file in path.parent.iterdir():
        if (match := pattern.fullmatch(file.name)) and file.is_file():
            automatic = bool(match["auto"])
            name = f"captions.{match['language'] or language}{'.auto' if automatic else ''}.vtt"
            found.append((file, name, "automatic" if automatic else "manual"))
    found.sort(key=lambda one: (one[2] == "automatic", len(one[1]), one[0].name))
    return list({name: (file, name, kind) for file, name, kind in reversed(found)}.values())[::-1]
