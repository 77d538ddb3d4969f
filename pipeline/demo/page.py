"""A page with a video and its captions, and a server for it on loopback: what the demo and the tests fetch."""

import functools
import http.server
import logging
import subprocess
import tempfile
import threading
from html import escape
from pathlib import Path
from types import TracebackType

import soundfile

from dctts.atomic import whole_file, write_text
from dctts.errors import AudioError
from pipeline.demo.talk import Talk, webvtt

log = logging.getLogger(__name__)

_PAGE = """<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><title>{title}</title></head>
<body>
<h1>{title}</h1>
<video controls>
<source src="{media}" type="video/webm">
<track kind="captions" src="{captions}" srclang="en" label="English">
</video>
</body>
</html>
"""


def write_page(folder: Path, talk: Talk, title: str, ffmpeg: Path) -> Path:
    """Write `<name>.html`, `.webm` (Opus) and `.en.vtt` into a folder, and return the page's path.

    Args:
        folder: made where it does not exist; its name becomes that of the files.
        talk: what to encode.
        title: of the page.
        ffmpeg: the binary to encode with.

    Raises:
        AudioError: ffmpeg could not encode the talk.
    """
    page = folder / f"{folder.name}.html"
    with whole_file(page.with_suffix(".webm")) as media, tempfile.TemporaryDirectory() as scratch:
        wav = Path(scratch) / "talk.wav"
        soundfile.write(wav, talk.samples, talk.sample_rate_hz, subtype="PCM_16")
        command = [str(ffmpeg), "-nostdin", "-v", "error", "-y", "-i", str(wav), "-c:a", "libopus", "-b:a", "64k"]
        done = subprocess.run([*command, str(media)], capture_output=True, text=True, check=False)
        if done.returncode:
            raise AudioError(f"cannot encode the talk: {done.stderr.strip()[-200:]}", hint="try: clone-pipeline doctor")
    write_text(page.with_suffix(".en.vtt"), webvtt(talk.captions))
    names = {"media": page.with_suffix(".webm").name, "captions": page.with_suffix(".en.vtt").name}
    write_text(page, _PAGE.format(title=escape(title), **names))
    return page


class PageServer:
    """Serve a folder on 127.0.0.1 while the block runs.

    Args:
        folder: what to serve, nothing outside it.
        port: 0 takes any free one.
    """

    def __init__(self, folder: Path, port: int = 0) -> None:
        handler = functools.partial(_Handler, directory=str(folder))
        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)

    def url(self, name: str) -> str:
        """Name a file of the folder as its URL."""
        return f"http://127.0.0.1:{self._server.server_port}/{name}"

    def __enter__(self) -> "PageServer":
        """Start serving."""
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Stop, and give the port back."""
        self._server.shutdown()
        self._thread.join()
        self._server.server_close()


class _Handler(http.server.SimpleHTTPRequestHandler):
    def log_message(self, format: str, *args: object) -> None:
        log.debug(format, *args)
