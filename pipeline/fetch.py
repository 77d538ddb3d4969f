"""URL → Recording: the audio, the captions, and where they came from.

A video, a playlist, any page with a player that yt-dlp knows, an address of a media file, or a file of this machine.

What is there already is not fetched again, and what was begun is continued: downloads grow inside a hidden folder
`sources/.partial-…` that becomes `sources/<id>` when it is complete. The id is the site's own where yt-dlp knows the
site (YouTube's `dQw4w9WgXcQ`), else it comes from the bytes of the audio (`audio-…`): a page has no better name, and
one derived from its address would change with the port of a server or the order of a query.
"""

import hashlib
import logging
import re
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

from yt_dlp.utils import YoutubeDLError, unsmuggle_url

from dctts.errors import AudioError
from dctts.progress import SILENT, Progress
from pipeline import captions
from pipeline.caption_tracks import Track, choose_tracks
from pipeline.errors import CaptionError, FetchError
from pipeline.fetch_errors import DiskFullError, TryLaterError, disk_full, reworded
from pipeline.fetch_options import FetchOptions
from pipeline.ffmpeg import duration_s
from pipeline.local_file import fetch_file
from pipeline.records import Recording
from pipeline.sources import (
    CaptionFile,
    Source,
    adopt,
    content_id,
    find_source,
    load_recording,
    one_line,
    safe_id,
    sha256,
)
from pipeline.ytdlp import DownloadBar, Downloader, Messages, is_loopback, open_ytdlp

__all__ = ["FetchOptions", "fetch", "load_recording", "local_file"]

log = logging.getLogger(__name__)

_NAMELESS = ("", "generic", "html5mediaembed")
"""Extractors that make up an id from the page's address: no name to rely on."""
_DEEPEST = 3
"""A channel is a list of tabs that are lists of videos."""


def fetch(
    url_or_path: str,
    *,
    sources: Path,
    options: FetchOptions | None = None,
    progress: Progress = SILENT,
    on_failure: Callable[[str, FetchError], None] | None = None,
) -> list[Recording]:
    """Fetch a video, each entry of a playlist, or a local file into `sources/<id>/`.

    A second call for the same address reads what is there and asks the site for nothing; for a playlist it asks for
    the list only. A bad entry of a playlist is logged and left out.

    Args:
        url_or_path: a web address, or the path of an audio or video file.
        sources: the voice's folder of sources; made when missing.
        options: language, cookies, limits.
        progress: where to draw the bytes.
        on_failure: told the address and error of each bad entry of a list that gave others.

    Raises:
        FetchError: nothing could be fetched: the message says why, the hint what to do.
    """
    options = options or FetchOptions()
    try:
        if (file := local_file(url_or_path)) is not None:
            folders = [fetch_file(file, sources=sources, options=options, progress=progress)]
        else:
            url = _web_address(url_or_path)
            known = find_source(sources, language=options.language, url=url)
            folders = [known] if known else _fetch_url(url, sources, options, progress, on_failure)
    except OSError as error:
        if told := disk_full(error, url_or_path):
            raise told from error
        raise
    return [load_recording(folder) for folder in folders]


def local_file(given: str) -> Path | None:
    """Return the path of a file of this machine, None for what can only be a web address.

    Raises:
        FetchError: it looks like a path, and nothing is there.
    """
    if not given.strip():
        raise FetchError("no URL given", hint="give the URL of a video, or the path of an audio or video file")
    if given.startswith("file://"):
        return Path(unquote(urlsplit(given).path))
    if re.match(r"[A-Za-z][A-Za-z0-9+.-]*://", given):
        return None
    path = Path(given).expanduser()
    try:
        there = path.exists()
    except OSError:  # too long for a name
        there = False
    if there:
        return path
    if re.match(r"(?:[\w-]+\.)+[a-z]{2,}/\S", given) and not path.parent.is_dir():
        return None  # youtu.be/…, as people type it
    raise FetchError(f"no such file: {given}", hint="give a URL that starts with https://, or the path of a media file")


def _web_address(given: str) -> str:
    url = given.strip() if "://" in given else f"https://{given.strip()}"
    if urlsplit(url).scheme.lower() not in ("http", "https") or not urlsplit(url).hostname:
        raise FetchError(f"not a web address: {given}", hint="give a URL that starts with https://")
    return url


def _fetch_url(
    url: str,
    sources: Path,
    options: FetchOptions,
    progress: Progress,
    on_failure: Callable[[str, FetchError], None] | None,
) -> list[Path]:
    messages = Messages()
    folders: list[Path] = []
    failures: list[tuple[str, FetchError]] = []
    with DownloadBar(progress) as bar, open_ytdlp(options, url=url, messages=messages, bar=bar) as ydl:
        session = _Session(ydl, bar, messages, sources, options, url)
        found = session.ask(url, lambda: ydl.extract_info(url, download=False))
        for entry in session.entries(found):
            if options.limit and len(folders) + len(failures) >= options.limit:
                break
            address = _entry_url(entry, url, entry.get("_place"))
            try:
                folder = session.fetch_entry(entry)
            except DiskFullError:
                raise
            except FetchError as error:
                failures.append((address, error))
                if found.get("entries") is not None:
                    log.warning("left out: %s", error.message)
                if isinstance(error, TryLaterError):
                    break
            except OSError:
                raise
            except Exception as error:
                if found.get("entries") is None:
                    raise
                # A bug, ours or of one site's extractor, is not to cost the other videos of the list.
                log.warning("left out: %s", address, exc_info=error)
                failures.append((address, FetchError(f"{type(error).__name__}: {error}", hint="report this as a bug")))
            else:
                folders += [folder] if folder not in folders else []
    if folders:
        if on_failure:
            for address, failure in failures:
                on_failure(address, failure)
        return folders
    if not failures:
        raise FetchError(f"the playlist is empty: {url}", hint="open it in a browser to check the address")
    first = failures[0][1]
    if len(failures) == 1:
        raise first
    raise FetchError(
        f"none of the {len(failures)} entries of {url} could be fetched; the first: {first.message}", hint=first.hint
    ) from first


class _Session:
    """One opened yt-dlp and where it puts things."""

    def __init__(
        self,
        ydl: Downloader,
        bar: DownloadBar,
        messages: Messages,
        sources: Path,
        options: FetchOptions,
        asked: str,
    ) -> None:
        self._ydl, self._bar, self._messages = ydl, bar, messages
        self._sources, self._options, self._asked = sources, options, asked
        self._downloads = 0

    def ask(self, url: str, question: Any) -> dict[str, Any]:
        """Put one question to yt-dlp, with its errors reworded."""
        try:
            found = question()
        except (YoutubeDLError, UnicodeError) as error:
            # UnicodeError: a host name that no DNS can hold
            if isinstance(error, UnicodeError):
                raise FetchError(f"not a web address: {url}", hint="check the address") from error
            if told := reworded(error, url, self._messages.warnings):
                raise told from error
            raise
        if not found:
            raise FetchError(f"no video or audio was found on the page: {url}", hint="give the page of one video")
        return dict(found)

    def entries(self, found: dict[str, Any], depth: int = 0) -> Iterator[dict[str, Any]]:
        """Walk the videos of what was found, lists inside lists included; entries are not yet read."""
        if found.get("entries") is None:
            yield found
            return
        for place, entry in enumerate(found["entries"], 1):
            if entry and entry.get("_type") == "playlist" and depth < _DEEPEST:
                yield from self.entries(entry, depth + 1)
            elif entry:
                yield {**entry, "_place": place}

    def fetch_entry(self, entry: dict[str, Any]) -> Path:
        """Fetch one entry, or find it fetched before."""
        place = entry.pop("_place", None)
        url = _entry_url(entry, self._asked, place)
        extractor = str(entry.get("extractor_key") or entry.get("ie_key") or "").lower()
        source_id = safe_id(extractor, str(entry["id"])) if entry.get("id") and extractor not in _NAMELESS else ""
        if folder := find_source(self._sources, language=self._options.language, url=url, source_id=source_id):
            log.info("already fetched: %s", url)
            return folder
        if entry.get("_type", "video") != "video":
            info = self.ask(url, lambda: self._ydl.process_ie_result(entry, download=False))
            if info.get("entries") is not None:
                raise FetchError(f"a list inside a list is not followed: {url}", hint="fetch that list by its own URL")
        else:
            info = entry
        return self._fetch_video(info, url, place)

    def _fetch_video(self, info: dict[str, Any], url: str, place: int | None) -> Path:
        if info.get("is_live") or info.get("live_status") in ("is_live", "is_upcoming", "post_live"):
            raise FetchError(f"the live stream has not finished: {url}", hint="try again when the recording is online")
        extractor = str(info.get("extractor_key") or "generic").lower()
        known_site = extractor not in _NAMELESS and bool(info.get("id"))
        page = _entry_url(info, self._asked, place)
        key = safe_id(extractor, str(info["id"])) if known_site else hashlib.sha256(page.encode()).hexdigest()[:16]
        if known_site and (
            folder := find_source(self._sources, language=self._options.language, source_id=key)
        ):  # youtu.be/x and youtube.com/watch?v=x
            return folder
        partial = self._sources / f".partial-{key}"
        partial.mkdir(parents=True, exist_ok=True)
        if other := find_source(self._sources, language=None, url=page, source_id=key if known_site else ""):
            # Fetched before for captions in another language: the audio is the same, yt-dlp finds it done.
            audio = load_recording(other).audio
            shutil.copyfile(audio, partial / audio.name)
        audio = self._download_audio(info, page, partial, place)
        try:
            length_s = duration_s(audio)
        except AudioError as error:
            # A page may say video/mp4 and give anything. Kept, it would be "continued" by each next call.
            audio.unlink()
            raise FetchError(
                f"not audio or video: {page}: {error.message.rpartition(': ')[2]}", hint="give the page of one video"
            ) from error
        audio_sha256 = sha256(audio)
        files = self._download_captions(info, page, partial)
        source = Source(
            id=key if known_site else content_id(audio_sha256),
            extractor=extractor,
            url=page,
            urls=tuple(sorted({page, url} | ({self._asked} if place is None else set()))),
            title=_title(info, place),
            channel=one_line(info.get("channel") or info.get("uploader")),
            licence=one_line(info.get("license")),
            # yt-dlp takes the date of a generic page from its Last-Modified header, which says nothing of the talk.
            uploaded=_iso_date(info.get("upload_date")) if known_site else "",
            language=self._options.language,
            audio=audio.name,
            audio_sha256=audio_sha256,
            duration_s=length_s,
            captions=tuple(files),
        )
        return adopt(partial, self._sources, source)

    def _download_audio(self, info: dict[str, Any], url: str, partial: Path, place: int | None) -> Path:
        self._ydl.folder = partial
        self._bar.label = f"fetch {_title(info, place)[:40] or 'audio'}"
        if self._downloads and not is_loopback(url):
            self._ydl.params["sleep_interval"] = self._options.sleep_downloads_s
        self._downloads += 1
        done = self.ask(url, lambda: self._ydl.process_ie_result({**info, "_type": "video"}, download=True))
        self._bar.close()
        files = [Path(one["filepath"]) for one in done.get("requested_downloads") or [] if one.get("filepath")]
        if len(files) != 1 or files[0].parent != partial.absolute() or not files[0].is_file():
            raise FetchError(f"no connection to the site, or a broken one: {url}", hint="run the same command again")
        return partial / files[0].name

    def _download_captions(self, info: dict[str, Any], url: str, partial: Path) -> list[CaptionFile]:
        if not self._options.captions:
            return []
        tracks = choose_tracks(
            info.get("subtitles") or {}, info.get("automatic_captions") or {}, self._options.language
        )
        files = [one for track in tracks if (one := self._download_track(track, info, url, partial))]
        return sorted(files, key=lambda one: one.kind == "automatic")

    def _download_track(self, track: Track, info: dict[str, Any], url: str, partial: Path) -> CaptionFile | None:
        target = partial / track.name
        try:
            if target.is_file():
                pass  # complete: while it is being fetched its name ends in .part
            elif track.format.get("data") is not None:
                target.write_text(str(track.format["data"]), encoding="utf-8")
            else:
                wanted = {"http_headers": info.get("http_headers"), **track.format}
                self._ydl.dl(str(target.absolute()), wanted, subtitle=True)
                self._bar.close()
        except YoutubeDLError as error:
            told = reworded(error, url, self._messages.warnings)
            if told is None:
                raise
            if isinstance(told, TryLaterError | DiskFullError):
                raise told from error  # the audio is kept: the next call asks for the captions alone
            log.warning("captions %s left out: %s", track.language, told.message)
        if not target.is_file():
            return None
        return CaptionFile(name=track.name, kind=_kind(track, target), sha256=sha256(target))


def _kind(track: Track, file: Path) -> Any:
    """Tell manual from automatic: by the site's word, else by the looks of the file, for a page cannot say it."""
    if track.kind == "manual":
        try:
            return captions.read_captions(file).kind_guess
        except CaptionError as error:
            log.warning("%s", error.message)
    return track.kind


def _entry_url(entry: dict[str, Any], asked: str, place: int | None) -> str:
    """Name the page of an entry: its own address, or its place on a page that holds several players."""
    own = entry.get("webpage_url") or (entry.get("url") if entry.get("_type", "video") != "video" else None) or asked
    url = str(unsmuggle_url(own)[0])
    return f"{url}#{place}" if place is not None and url == asked else url


def _title(info: dict[str, Any], place: int | None) -> str:
    title = one_line(info.get("title"))
    # yt-dlp numbers the players of a page, even when there is one
    return title.removesuffix(" (1)") if place is None and info.get("extractor_key") == "HTML5MediaEmbed" else title


def _iso_date(date: str | None) -> str:
    return f"{date[:4]}-{date[4:6]}-{date[6:8]}" if date and re.fullmatch(r"\d{8}", date) else ""
