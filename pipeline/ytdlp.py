"""yt-dlp, opened the way this program wants it: polite, quiet, inside one folder, and running nothing but itself."""

import io
import ipaddress
import logging
import re
import shutil
import weakref
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, Self
from urllib.parse import urlsplit

import deno
import yt_dlp
import yt_dlp.globals
from yt_dlp.networking.common import Response
from yt_dlp.networking.exceptions import HTTPError

from dctts.progress import Bar, Progress
from pipeline.errors import FetchError
from pipeline.fetch_options import FetchOptions
from pipeline.ffmpeg import find_ffmpeg

log = logging.getLogger(__name__)

_EXPECTED = ("generic information extractor", "direct video link", "JavaScript runtime", "challenge solving")
"""Warnings that every page of ours causes, or that become part of an error when it matters."""


def find_javascript_runtime() -> Path | None:
    """Return the deno that yt-dlp will run YouTube's player scripts in: the wheel's, else one on PATH, else None."""
    try:
        return Path(deno.find_deno_bin())
    except FileNotFoundError:
        on_path = shutil.which("deno")
        return Path(on_path) if on_path else None


def is_loopback(url: str) -> bool:
    """Tell whether an address is this machine: a server that needs no politeness."""
    host = urlsplit(url).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Messages:
    """yt-dlp's logger: everything to ours, and its warnings kept, because some errors show only there."""

    def __init__(self) -> None:
        self.warnings: list[str] = []

    def debug(self, message: str) -> None:
        """Take what yt-dlp would print."""
        log.debug("%s", message)

    info = debug

    def warning(self, message: str) -> None:
        """Take a warning."""
        self.warnings.append(message)
        log.log(logging.DEBUG if any(one in message for one in _EXPECTED) else logging.WARNING, "%s", message)

    def error(self, message: str) -> None:
        """Take an error, which is raised as well."""
        log.debug("%s", message)


class DownloadBar:
    """A bar of bytes for yt-dlp's progress hook, opened when the size is known."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stack = ExitStack()
        self._bar: Bar | None = None
        self._done = 0
        self.label = "fetch"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the bar of the file that is done."""
        self._stack.close()
        self._bar, self._done = None, 0

    def __call__(self, status: dict[str, Any]) -> None:
        """Take one of yt-dlp's progress reports."""
        if self._bar is None:
            total = status.get("total_bytes") or status.get("total_bytes_estimate")
            self._bar = self._stack.enter_context(self._progress.bar(self.label, total))
        done = int(status.get("downloaded_bytes") or 0)
        self._bar.advance(max(0, done - self._done))
        self._done = max(done, self._done)
        if status.get("status") == "finished":
            self.close()


class Downloader(yt_dlp.YoutubeDL):  # type: ignore[misc]
    """yt-dlp that writes `folder/audio.<ext>` and nothing else, whatever the title."""

    folder = Path()

    def __init__(self, settings: dict[str, Any]) -> None:
        self._answers: weakref.WeakSet[Response] = weakref.WeakSet()
        super().__init__(settings)

    def urlopen(self, req: Any) -> Any:
        """Ask, and remember the answer: yt-dlp leaves those that it does not read to the end open."""
        try:
            answer = super().urlopen(req)
        except HTTPError as error:
            self._answers.add(error.response)
            raise
        self._answers.add(answer)
        return answer

    def close(self) -> None:
        """Close yt-dlp and the connections of all its answers."""
        for answer in list(self._answers):
            answer.close()
        super().close()

    def prepare_filename(self, info_dict: dict[str, Any], *_: Any, **__: Any) -> str:
        """Name the download; a template would expand `%`, `$` and `~` in the names of the user's own folders."""
        extension = str(info_dict.get("ext"))
        safe = extension if re.fullmatch(r"[A-Za-z0-9]{1,12}", extension) else "bin"
        return str(self.folder.absolute() / f"audio.{safe}")


@contextmanager
def open_ytdlp(options: FetchOptions, *, url: str, messages: Messages, bar: DownloadBar) -> Iterator[Downloader]:
    """Open yt-dlp for one address.

    Raises:
        FetchError: the cookies file cannot be read.
    """
    # Plugins are code from wherever Python looks: not ours to run. yt-dlp offers this switch only as a global.
    yt_dlp.globals.plugin_dirs.value = []
    pause = 0.0 if is_loopback(url) else 1.0
    runtime = find_javascript_runtime()
    settings: dict[str, Any] = {
        "logger": messages,
        "progress_hooks": [bar],
        "quiet": True,
        "noprogress": True,
        "color": "no_color",
        "format": options.audio_format,
        "noplaylist": True,  # watch?v=…&list=…: the one video; a playlist's own page still gives the playlist
        "playlistend": options.limit,
        "extract_flat": "in_playlist",  # entries are read one by one, so that a bad one cannot stop the list
        "retries": options.retries,
        "fragment_retries": options.retries,
        "retry_sleep_functions": {kind: _backoff(pause) for kind in ("http", "fragment", "extractor")},
        "socket_timeout": 30,
        "sleep_interval_requests": options.sleep_requests_s * pause,
        "sleep_interval_subtitles": options.sleep_captions_s * pause,
        "ratelimit": options.rate_limit_bytes_per_s,
        "continuedl": True,
        "updatetime": False,
        "fixup": "never",  # the bytes as fetched; our ffmpeg reads them as they are
        "hls_prefer_native": True,
        "ffmpeg_location": str(find_ffmpeg()),
        "js_runtimes": {"deno": {"path": str(runtime) if runtime else None}},
    }
    if options.cookies is not None:
        settings["cookiefile"] = _cookies(options.cookies)
    with Downloader(settings) as ydl:
        yield ydl


def _cookies(path: Path) -> io.StringIO:
    # As a stream: yt-dlp writes the cookies back when it closes, and the user's file is not ours to change.
    hint = "--cookies takes a file in Netscape format, as browser extensions export it"
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise FetchError(f"cannot read cookies file {path}: {error}", hint=hint) from error
    rows = [line for line in text.splitlines() if line.strip() and (line[0] != "#" or line.startswith("#HttpOnly_"))]
    if not re.match(r"#( Netscape)? HTTP Cookie File", text) or any(len(row.split("\t")) != 7 for row in rows):
        raise FetchError(f"not a cookies file: {path}", hint=hint)
    return io.StringIO(text)


def _backoff(pause: float) -> Any:
    return lambda n: pause * min(60.0, 2.0**n)
