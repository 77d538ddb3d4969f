"""Real yt-dlp against a real server on loopback."""

import gc
import hashlib
import json
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
import time
import wave
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from yt_dlp.extractor.common import InfoExtractor
from yt_dlp.utils import ExtractorError

from dctts.progress import SILENT, Bar
from pipeline import ytdlp
from pipeline.errors import FetchError
from pipeline.fetch import FetchOptions, fetch, load_recording
from pipeline.ffmpeg import find_ffmpeg

VTT = "WEBVTT\nKind: captions\nLanguage: en\n\n00:00:00.000 --> 00:00:01.500\nHello there, everyone.\n"
ROLLING = "\n".join(
    [
        "WEBVTT",
        "Kind: captions",
        "Language: en",
        "",
        "00:00:00.000 --> 00:00:01.000 align:start position:0%",
        " ",
        "hello<00:00:00.400><c> there</c>",
        "",
        "00:00:01.000 --> 00:00:01.010 align:start position:0%",
        "hello there",
        " ",
        "",
    ]
)


@dataclass
class Site:
    """A web site on loopback: what it serves, what it was asked for."""

    url: str = ""
    pages: dict[str, tuple[str, bytes]] = field(default_factory=dict)
    """Path → (content type, body)."""
    requests: list[str] = field(default_factory=list)
    bytes_per_s: float = 0.0
    """Slow down bodies over 1 kB; 0 does not."""
    status: dict[str, int] = field(default_factory=dict)

    def page(self, path: str, body: str, kind: str = "text/html") -> str:
        self.pages[path] = (kind, body.encode())
        return self.url + path


@pytest.fixture
def site() -> Iterator[Site]:
    site = Site()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_HEAD(self) -> None:
            self.do_GET()

        def do_GET(self) -> None:
            path = self.path.split("#")[0]
            if self.command == "GET":
                site.requests.append(path + (f" {self.headers['Range']}" if self.headers["Range"] else ""))
            if path in site.status:
                return self.send_error(site.status[path])
            if path not in site.pages:
                return self.send_error(404)
            kind, body = site.pages[path]
            total, start = len(body), 0
            if found := re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers["Range"] or ""):
                start = int(found[1])
                body = body[start : int(found[2]) + 1 if found[2] else None]
            self.send_response(206 if found else 200)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.send_header("Last-Modified", "Wed, 21 Oct 2015 07:28:00 GMT")
            if found:
                self.send_header("Content-Range", f"bytes {start}-{start + len(body) - 1}/{total}")
            self.end_headers()
            if self.command == "HEAD":
                return None
            try:
                for at in range(0, len(body), 4096):
                    self.wfile.write(body[at : at + 4096])
                    if site.bytes_per_s and len(body) > 1024:
                        time.sleep(4096 / site.bytes_per_s)
            except OSError:
                pass
            return None

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_: object) -> None:
            pass

    server = Server(("127.0.0.1", 0), Handler)
    site.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield site
    gc.collect()  # an unclosed connection is this test's failure, not the next one's
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture(scope="session")
def talk(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of noise as a webm."""
    folder = tmp_path_factory.mktemp("talk")
    return encode(folder, seed=0)


def encode(folder: Path, *, seed: int, seconds: float = 2.0, suffix: str = ".webm") -> bytes:
    noise = np.random.default_rng(seed).normal(0, 3000, int(seconds * 16_000)).astype("<i2")
    with wave.open(str(folder / "noise.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)
        file.writeframes(noise.tobytes())
    target = folder / f"talk{suffix}"
    command = [str(find_ffmpeg()), "-v", "error", "-y", "-i", str(folder / "noise.wav"), "-fflags", "+bitexact"]
    subprocess.run([*command, str(target)], check=True, stdin=subprocess.DEVNULL)
    return target.read_bytes()


def player(*tracks: str, source: str = "talk.webm", title: str = "A talk") -> str:
    return (
        f"<html><head><title>{title}</title></head><body><video controls>"
        f'<source src="{source}" type="video/webm">{"".join(tracks)}</video></body></html>'
    )


def track(src: str, language: str = "en", kind: str = "captions") -> str:
    return f'<track kind="{kind}" src="{src}" srclang="{language}">'


@pytest.fixture
def page(site: Site, talk: bytes) -> str:
    site.pages["/talk.webm"] = ("video/webm", talk)
    site.pages["/talk.en.vtt"] = ("text/vtt", VTT.encode())
    site.pages["/talk.de.vtt"] = ("text/vtt", VTT.encode())
    return site.page("/talk.html", player(track("talk.de.vtt", "de"), track("talk.en.vtt")))


def tree(folder: Path) -> dict[str, str]:
    return {
        str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(folder.rglob("*"))
        if file.is_file()
    }


def test_a_page_with_a_player_gives_audio_captions_and_provenance(page: str, talk: bytes, tmp_path: Path) -> None:
    (recording,) = fetch(page, sources=tmp_path)
    assert recording.audio.read_bytes() == talk
    assert recording.id == f"audio-{hashlib.sha256(talk).hexdigest()[:16]}"
    assert recording.captions is not None
    assert recording.captions.read_text() == VTT
    assert recording.captions_kind == "manual"
    assert (recording.title, recording.url, recording.language) == ("A talk", page, "en")
    assert recording.uploaded == ""  # the date of the page's file is not the talk's
    assert recording.duration_s == pytest.approx(2, abs=0.1)
    assert sorted(p.name for p in recording.folder.iterdir()) == ["audio.webm", "captions.en.vtt", "source.json"]
    assert [p.name for p in tmp_path.iterdir()] == [recording.id]
    assert load_recording(recording.folder) == recording


def test_a_second_call_asks_for_nothing_and_changes_nothing(page: str, site: Site, tmp_path: Path) -> None:
    first = fetch(page, sources=tmp_path)
    before = tree(tmp_path)
    site.requests.clear()
    assert fetch(page, sources=tmp_path) == first
    assert site.requests == []
    assert tree(tmp_path) == before


def test_two_fetches_write_the_same_bytes(page: str, tmp_path: Path) -> None:
    fetch(page, sources=tmp_path / "a")
    fetch(page, sources=tmp_path / "b")
    assert tree(tmp_path / "a") == tree(tmp_path / "b")


def test_another_language_fetches_its_captions_and_no_audio(page: str, site: Site, tmp_path: Path) -> None:
    (english,) = fetch(page, sources=tmp_path)
    site.requests.clear()
    (german,) = fetch(page, sources=tmp_path, options=FetchOptions(language="de"))
    assert german.captions is not None
    assert german.captions.name == "captions.de.vtt"
    assert site.requests == ["/talk.html", "/talk.de.vtt"]
    assert german.audio_sha256 == english.audio_sha256
    assert len(list(tmp_path.iterdir())) == 1


def test_without_captions_in_the_language_there_are_none(page: str, tmp_path: Path) -> None:
    (recording,) = fetch(page, sources=tmp_path, options=FetchOptions(language="fr"))
    assert recording.captions is None
    assert recording.captions_kind == "none"


@pytest.mark.parametrize(("name", "content"), [("talk.en.auto.vtt", VTT), ("plain.vtt", ROLLING)])
def test_automatic_captions_are_known_by_name_or_by_their_looks(
    name: str, content: str, page: str, site: Site, tmp_path: Path
) -> None:
    site.page(f"/{name}", content, "text/vtt")
    url = site.page("/auto.html", player(track(name)))
    (recording,) = fetch(url, sources=tmp_path)
    assert recording.captions_kind == "automatic"


def test_manual_captions_win_over_automatic_ones_and_both_are_kept(page: str, site: Site, tmp_path: Path) -> None:
    site.page("/rolling.vtt", ROLLING, "text/vtt")
    url = site.page("/both.html", player(track("rolling.vtt", "en-US"), track("talk.en.vtt", "en-GB")))
    (recording,) = fetch(url, sources=tmp_path)
    assert recording.captions is not None
    assert recording.captions.name == "captions.en-GB.vtt"
    assert recording.captions_kind == "manual"
    assert len(list(recording.folder.glob("captions.*"))) == 2


def test_captions_that_are_gone_do_not_stop_the_audio(
    page: str, site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    url = site.page("/lost.html", player(track("lost.en.vtt")))
    with caplog.at_level(logging.WARNING):
        (recording,) = fetch(url, sources=tmp_path)
    assert recording.captions is None
    assert "captions en left out: there is no such page (404)" in caplog.text


def test_captions_refused_with_429_keep_the_audio_for_the_next_call(page: str, site: Site, tmp_path: Path) -> None:
    site.status["/talk.en.vtt"] = 429
    with pytest.raises(FetchError, match="slow down") as caught:
        fetch(page, sources=tmp_path)
    assert "wait" in str(caught.value.hint)
    assert [p.name.startswith(".partial") for p in tmp_path.iterdir()] == [True]
    site.status.clear()
    site.requests.clear()
    (recording,) = fetch(page, sources=tmp_path)
    assert recording.captions_kind == "manual"
    assert "/talk.webm" not in site.requests


def test_the_address_of_a_media_file_will_do(page: str, site: Site, tmp_path: Path) -> None:
    (recording,) = fetch(f"{site.url}/talk.webm", sources=tmp_path)
    assert recording.title == "talk"
    assert recording.captions is None


def test_the_same_audio_under_a_second_address_is_the_same_recording(page: str, site: Site, tmp_path: Path) -> None:
    (bare,) = fetch(f"{site.url}/talk.webm", sources=tmp_path)
    (full,) = fetch(page, sources=tmp_path)  # has the captions that the first lacked
    assert full.id == bare.id
    assert full.captions_kind == "manual"
    site.requests.clear()
    assert fetch(f"{site.url}/talk.webm", sources=tmp_path) == [full]
    assert site.requests == []


def test_a_feed_gives_its_entries_and_a_second_call_asks_for_the_list_only(
    site: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    items = ""
    for n in range(3):
        (tmp_path / str(n)).mkdir()
        site.pages[f"/{n}.webm"] = ("video/webm", encode(tmp_path / str(n), seed=n))
        items += f'<item><title>Talk {n}</title><enclosure url="{site.url}/{n}.webm" type="video/webm"/></item>'
        if n == 0:
            items += f'<item><title>Gone</title><enclosure url="{site.url}/gone.webm" type="video/webm"/></item>'
    url = site.page("/feed.xml", f'<rss version="2.0"><channel><title>Feed</title>{items}</channel></rss>', "text/xml")
    sources = tmp_path / "sources"
    with caplog.at_level(logging.WARNING):
        recordings = fetch(url, sources=sources)
    assert [one.title for one in recordings] == ["Talk 0", "Talk 1", "Talk 2"]
    assert "left out: there is no such page (404)" in caplog.text
    site.requests.clear()
    assert fetch(url, sources=sources) == recordings
    assert not [one for one in site.requests if re.match(r"/\d", one)]
    assert len(fetch(url, sources=sources, options=FetchOptions(limit=1))) == 1


def test_a_page_with_two_players_gives_two_recordings(site: Site, talk: bytes, tmp_path: Path) -> None:
    site.pages["/a.webm"] = ("video/webm", talk)
    site.pages["/b.webm"] = ("video/webm", encode(tmp_path, seed=1))
    url = site.page("/two.html", player(source="a.webm") + player(source="b.webm"))
    recordings = fetch(url, sources=tmp_path / "sources")
    assert len({one.id for one in recordings}) == 2
    site.requests.clear()
    assert fetch(url, sources=tmp_path / "sources") == recordings
    assert set(site.requests) == {"/two.html"}


@pytest.mark.parametrize(
    ("path", "body", "kind", "message"),
    [
        ("/none.html", "<html><title>Nothing</title><p>No video here.</p></html>", "text/html", "no video or audio"),
        ("/talk.mp4", "just some text\n" * 100, "video/mp4", "not audio or video"),
        ("/empty.mp4", "", "video/mp4", "not audio or video|no connection|no video"),
    ],
)
def test_a_page_without_a_talk_is_one_clear_error_and_leaves_nothing(
    path: str, body: str, kind: str, message: str, site: Site, tmp_path: Path
) -> None:
    with pytest.raises(FetchError, match=message) as caught:
        fetch(site.page(path, body, kind), sources=tmp_path, options=FetchOptions(retries=1))
    assert site.url + path in caught.value.message
    assert caught.value.hint
    assert not list(tmp_path.glob("[!.]*"))


def test_a_missing_page_says_404(site: Site, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"there is no such page \(404\)"):
        fetch(f"{site.url}/missing", sources=tmp_path)


def test_a_server_that_is_not_there_says_no_connection(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(FetchError, match="no connection"):
        fetch(f"http://127.0.0.1:{port}/talk", sources=tmp_path)


def test_a_name_that_no_dns_knows_says_so(tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"cannot be found|no connection"):
        fetch("http://no-such-host.invalid/talk", sources=tmp_path)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("", "no URL given"),
        ("  ", "no URL given"),
        ("nowhere.mp4", "no such file"),
        ("ftp://example.org/talk.mp4", "not a web address"),
        ("https://", "not a web address"),
        ("javascript://%0aalert(1)", "not a web address"),
        ("ytsearch:cats", "no such file"),
        ("x" * 5000, "no such file"),
    ],
)
def test_what_is_no_address_is_said_before_anything_is_asked(given: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=message):
        fetch(given, sources=tmp_path)


def test_a_page_cannot_make_the_fetcher_read_local_files(site: Site, talk: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret.webm").write_bytes(talk)
    url = site.page("/evil.html", player(source=(tmp_path / "secret.webm").as_uri()))
    with pytest.raises(FetchError):
        fetch(url, sources=tmp_path / "sources")


@pytest.mark.parametrize("title", ["../../etc/passwd", "a/b\\c", "%(id)s $HOME ~", "\x1b[31mred\x07"])
def test_a_title_never_becomes_a_path(title: str, page: str, site: Site, tmp_path: Path) -> None:
    sources = tmp_path / "100% $HOME ~"
    (recording,) = fetch(site.page("/t.html", player(title=title)), sources=sources)
    assert recording.folder.parent == sources
    assert recording.title.isprintable()
    assert [p.name for p in tmp_path.iterdir()] == [sources.name]


def test_cookies_are_sent_and_the_file_is_not_touched(page: str, site: Site, tmp_path: Path) -> None:
    cookies = tmp_path / "cookies.txt"
    cookies.write_text("# Netscape HTTP Cookie File\n127.0.0.1\tFALSE\t/\tFALSE\t0\tname\tvalue\n")
    before = cookies.stat()
    fetch(page, sources=tmp_path / "sources", options=FetchOptions(cookies=cookies))
    assert cookies.stat() == before
    cookies.write_text("not cookies at all")
    with pytest.raises(FetchError, match="cookies file"):
        fetch(page, sources=tmp_path / "other", options=FetchOptions(cookies=cookies))
    with pytest.raises(FetchError, match="cookies file"):
        fetch(page, sources=tmp_path / "other", options=FetchOptions(cookies=tmp_path / "missing.txt"))


def test_a_live_stream_is_refused(site: Site, tmp_path: Path) -> None:
    url = site.page("/live.mpd", '<?xml version="1.0"?><MPD type="dynamic"><Period/></MPD>', "application/dash+xml")
    with pytest.raises(FetchError, match=r"live stream|no video"):
        fetch(url, sources=tmp_path)


@pytest.mark.skipif(sys.platform == "win32", reason="kill -9")
def test_a_killed_fetch_continues_where_it_stopped_and_ends_with_the_same_bytes(site: Site, tmp_path: Path) -> None:
    talk = encode(tmp_path, seed=3, seconds=40, suffix=".wav")
    site.pages["/talk.wav"] = ("audio/wav", talk)
    site.page("/talk.en.vtt", VTT, "text/vtt")
    url = site.page("/talk.html", player(track("talk.en.vtt"), source="talk.wav"))
    fetch(url, sources=tmp_path / "unbroken")
    site.bytes_per_s, site.requests = 400_000, []
    code = "import sys, pathlib, pipeline.fetch as f; f.fetch(sys.argv[1], sources=pathlib.Path(sys.argv[2]))"
    broken = tmp_path / "broken"
    process = subprocess.Popen([sys.executable, "-c", code, url, str(broken)], cwd=Path(__file__).parents[2])
    for _ in range(1000):
        part = next(broken.glob(".partial-*/*.part"), None)
        if part and part.stat().st_size > 50_000:
            break
        time.sleep(0.02)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    assert part is not None
    assert not list(broken.glob("[!.]*"))
    site.bytes_per_s, site.requests = 0, []
    fetch(url, sources=broken)
    assert any(re.match(r"/talk\.wav bytes=[1-9]\d+-", one) for one in site.requests)
    assert tree(broken) == tree(tmp_path / "unbroken")


def test_a_local_file_comes_with_the_captions_beside_it(talk: bytes, tmp_path: Path) -> None:
    (tmp_path / "My talk.webm").write_bytes(talk)
    (tmp_path / "My talk.en.auto.vtt").write_text(ROLLING)
    (tmp_path / "My talk.en.vtt").write_text(VTT)
    (tmp_path / "My talk.de.vtt").write_text(VTT)
    (tmp_path / "My talk 2.en.vtt").write_text(VTT)
    sources = tmp_path / "sources"
    (recording,) = fetch(str(tmp_path / "My talk.webm"), sources=sources)
    assert (recording.title, recording.url, recording.captions_kind) == ("My talk", "My talk.webm", "manual")
    assert recording.captions is not None
    assert recording.captions.name == "captions.en.vtt"
    names = ["audio.webm", "captions.en.auto.vtt", "captions.en.vtt", "source.json"]
    assert sorted(p.name for p in recording.folder.iterdir()) == names
    assert str(tmp_path) not in (recording.folder / "source.json").read_text()
    before = {p: p.stat().st_mtime_ns for p in recording.folder.iterdir()}
    assert fetch(str(tmp_path / "My talk.webm"), sources=sources) == [recording]
    assert {p: p.stat().st_mtime_ns for p in recording.folder.iterdir()} == before


def test_captions_added_beside_a_local_file_are_taken_on_the_next_call(talk: bytes, tmp_path: Path) -> None:
    (tmp_path / "talk.webm").write_bytes(talk)
    (first,) = fetch(str(tmp_path / "talk.webm"), sources=tmp_path / "sources")
    (tmp_path / "talk.vtt").write_text(VTT)
    (second,) = fetch((tmp_path / "talk.webm").as_uri(), sources=tmp_path / "sources")
    assert (first.id, first.captions_kind, second.captions_kind) == (second.id, "none", "manual")


@pytest.mark.parametrize("content", [b"", b"only text\n" * 100])
def test_a_text_file_named_mp4_is_one_clear_error(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "talk.mp4").write_bytes(content)
    with pytest.raises(FetchError, match=r"cannot read .*talk\.mp4 as audio") as caught:
        fetch(str(tmp_path / "talk.mp4"), sources=tmp_path / "sources")
    assert caught.value.hint
    assert not (tmp_path / "sources").exists()


def test_a_source_file_that_points_elsewhere_is_refused(talk: bytes, tmp_path: Path) -> None:
    (tmp_path / "talk.webm").write_bytes(talk)
    (recording,) = fetch(str(tmp_path / "talk.webm"), sources=tmp_path / "sources")
    file = recording.folder / "source.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "audio": "../../talk.webm"}))
    with pytest.raises(FetchError, match="a name that is a path"):
        load_recording(recording.folder)
    with pytest.raises(FetchError, match="nothing fetched"):
        load_recording(tmp_path)


@pytest.mark.parametrize("bad", [{"language": "../x"}, {"limit": 0}, {"rate_limit_bytes_per_s": 0}])
def test_options_name_the_flag_that_is_wrong(bad: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="--"):
        FetchOptions(**bad)  # type: ignore[arg-type]


class ClipTubeIE(InfoExtractor):  # type: ignore[misc]
    """A video site that yt-dlp knows: ids, a channel, automatic captions and translations, refusals."""

    _VALID_URL = r"https?://127\.0\.0\.1:\d+/(?:watch\?v=|short/)(?P<id>[\w./-]+)"

    def _real_extract(self, url: str) -> dict[str, Any]:
        video_id = self._match_id(url)
        base = url.split("/watch")[0].split("/short")[0]
        self._download_webpage(f"{base}/api/{video_id}", video_id)
        if video_id == "private":
            raise ExtractorError("Private video. Sign in if you've been granted access to this video", expected=True)
        if video_id == "bot":
            self.raise_login_required("Sign in to confirm you’re not a bot")
        if video_id == "bug":
            raise TypeError("a bug of the extractor")
        captions = [{"ext": "json3", "url": f"{base}/x.json"}, {"ext": "vtt", "url": f"{base}/rolling.vtt"}]
        return {
            "id": video_id,
            "title": f"Video {video_id}",
            "channel": "A channel\nwith a line end",
            "license": "Creative Commons Attribution license (reuse allowed)",
            "upload_date": "20240229",
            "webpage_url": f"{base}/watch?v={video_id}",
            "is_live": video_id == "live",
            "formats": [
                {"format_id": "audio", "url": f"{base}/talk.webm", "ext": "webm", "vcodec": "none", "acodec": "opus"},
                {"format_id": "video", "url": f"{base}/film.mp4", "ext": "mp4", "vcodec": "h264", "acodec": "none"},
            ],
            "automatic_captions": {
                "en-orig": captions,
                "en": captions,
                "de": [{"ext": "vtt", "url": f"{base}/rolling.vtt?tlang=de"}],
            },
        }


class ClipTubeListIE(InfoExtractor):  # type: ignore[misc]
    _VALID_URL = r"https?://127\.0\.0\.1:\d+/list/(?P<id>[\w,]+)"

    def _real_extract(self, url: str) -> dict[str, Any]:
        names, base = self._match_id(url), url.split("/list")[0]
        self._download_webpage(f"{base}/api/list", names)
        entries = [self.url_result(f"{base}/watch?v={name}", ClipTubeIE, name) for name in names.split(",")]
        return dict(self.playlist_result(entries, names, "A list"))


@pytest.fixture
def tube(site: Site, talk: bytes, monkeypatch: pytest.MonkeyPatch) -> Site:
    """A known site: yt-dlp with two more extractors."""
    opened = ytdlp.Downloader.__init__

    def open_with_tube(self: Any, *args: Any, **kwargs: Any) -> None:
        opened(self, *args, **kwargs)
        others = dict(self._ies)
        self._ies.clear()
        for one in (ClipTubeIE(), ClipTubeListIE()):
            self.add_info_extractor(one)
        self._ies.update(others)

    monkeypatch.setattr(ytdlp.Downloader, "__init__", open_with_tube)
    site.pages["/talk.webm"] = ("video/webm", talk)
    site.page("/rolling.vtt", ROLLING, "text/vtt")
    for name in ("one", "two", "private", "bot", "bug", "live", "a.b/c", "list"):
        site.page(f"/api/{name}", "{}")
    return site


def test_a_known_site_gives_its_id_channel_licence_and_date(tube: Site, tmp_path: Path) -> None:
    (recording,) = fetch(f"{tube.url}/watch?v=one", sources=tmp_path)
    assert recording.id == "cliptube-one"
    assert (recording.title, recording.channel) == ("Video one", "A channel with a line end")
    assert recording.licence == "Creative Commons Attribution license (reuse allowed)"
    assert (recording.uploaded, recording.captions_kind) == ("2024-02-29", "automatic")
    assert "/film.mp4" not in tube.requests  # the best audio is enough


def test_a_second_spelling_of_the_address_downloads_nothing(tube: Site, tmp_path: Path) -> None:
    first = fetch(f"{tube.url}/watch?v=one", sources=tmp_path)
    tube.requests.clear()
    assert fetch(f"{tube.url}/short/one", sources=tmp_path) == first
    assert tube.requests == ["/api/one"]


def test_a_machine_translation_is_not_taken(tube: Site, tmp_path: Path) -> None:
    (recording,) = fetch(f"{tube.url}/watch?v=one", sources=tmp_path, options=FetchOptions(language="de"))
    assert recording.captions is None


def test_a_strange_id_is_a_safe_and_unique_file_name(tube: Site, tmp_path: Path) -> None:
    (recording,) = fetch(f"{tube.url}/watch?v=a.b/c", sources=tmp_path)
    assert re.fullmatch(r"cliptube-a_b_c-[0-9a-f]{12}", recording.id)


def test_a_list_is_walked_past_a_bad_video_and_read_again_without_asking_for_the_good_ones(
    tube: Site, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        recordings = fetch(f"{tube.url}/list/one,private", sources=tmp_path)
    assert [one.id for one in recordings] == ["cliptube-one"]
    assert "left out: the video is private" in caplog.text
    tube.requests.clear()
    assert fetch(f"{tube.url}/list/one,private", sources=tmp_path) == recordings
    assert tube.requests == ["/api/list", "/api/private"]


def test_a_list_tells_of_its_bad_videos_and_a_bug_over_one_costs_no_other(tube: Site, tmp_path: Path) -> None:
    told: list[tuple[str, str]] = []
    found = fetch(
        f"{tube.url}/list/bug,private,one",
        sources=tmp_path,
        on_failure=lambda url, why: told.append((url, why.message)),
    )
    assert [one.id for one in found] == ["cliptube-one"]
    assert [url for url, _ in told] == [f"{tube.url}/watch?v=bug", f"{tube.url}/watch?v=private"]
    assert "a bug of the extractor" in told[0][1]
    assert "private" in told[1][1]


def test_a_list_stops_at_a_refusal_of_the_whole_site(tube: Site, tmp_path: Path) -> None:
    assert [one.id for one in fetch(f"{tube.url}/list/one,bot,two", sources=tmp_path)] == ["cliptube-one"]
    assert "/api/two" not in tube.requests


def test_a_list_without_a_good_video_says_why(tube: Site, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"none of the 2 entries .* the video is private"):
        fetch(f"{tube.url}/list/private,live", sources=tmp_path)


def test_a_limit_takes_the_first_entries_only(tube: Site, tmp_path: Path) -> None:
    recordings = fetch(f"{tube.url}/list/one,two", sources=tmp_path, options=FetchOptions(limit=1))
    assert [one.id for one in recordings] == ["cliptube-one"]


def test_a_running_live_stream_is_refused(tube: Site, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match="live stream has not finished"):
        fetch(f"{tube.url}/watch?v=live", sources=tmp_path)


def test_a_bug_keeps_its_traceback(tube: Site, tmp_path: Path) -> None:
    with pytest.raises(Exception, match="a bug of the extractor") as caught:
        fetch(f"{tube.url}/watch?v=bug", sources=tmp_path)
    assert not isinstance(caught.value, FetchError)


def test_the_deno_of_the_wheel_is_what_yt_dlp_runs_scripts_in() -> None:
    runtime = ytdlp.find_javascript_runtime()
    assert runtime is not None
    with ytdlp.open_ytdlp(
        FetchOptions(), url="https://x.org/", messages=ytdlp.Messages(), bar=ytdlp.DownloadBar(SILENT)
    ) as ydl:
        found = ydl._js_runtimes["deno"].info
        assert found is not None
        assert found.supported
        assert Path(found.path) == runtime
        assert ydl.params["sleep_interval_requests"] > 0


def test_plugins_are_not_loaded(page: str, tmp_path: Path) -> None:
    package = tmp_path / "yt_dlp_plugins" / "extractor"
    package.mkdir(parents=True)
    (package / "evil.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    code = "import sys, pathlib, pipeline.fetch as f; f.fetch(sys.argv[1], sources=pathlib.Path(sys.argv[2]))"
    root = Path(__file__).parents[2]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"}
    subprocess.run([sys.executable, "-c", code, page, str(tmp_path / "s")], cwd=root, env=environment, check=True)
    assert (tmp_path / "s").is_dir()
    assert not (tmp_path / "ran").exists()


def test_the_bar_counts_the_bytes(page: str, talk: bytes, tmp_path: Path) -> None:
    seen: list[tuple[str, float | None]] = []
    moved: list[float] = []

    class Recorder:
        @contextmanager
        def bar(self, label: str, total: float | None = None) -> Iterator[Bar]:
            seen.append((label, total))
            yield self

        def advance(self, amount: float = 1, note: str = "") -> None:
            moved.append(amount)

    fetch(page, sources=tmp_path, progress=Recorder())
    assert seen[0] == ("fetch A talk", len(talk))
    assert sum(moved) == pytest.approx(len(talk) + len(VTT), abs=1)
