"""What a user may choose about fetching."""

import re
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, kw_only=True)
class FetchOptions:
    """How to fetch."""

    language: str = "en"
    """Language of the captions, as in `en` or `pt-BR`; `en` takes `en-GB` too."""
    captions: bool = True
    """Whether to fetch captions too; a recording that is only listened to needs none."""
    cookies: Path | None = None
    """Netscape cookies file of a browser that is logged in; read, never written."""
    audio_format: str = "bestaudio/best"
    """What to download, in yt-dlp's words."""
    limit: int | None = None
    """At most so many entries of a playlist; None takes all."""
    rate_limit_bytes_per_s: int | None = None
    """Download no faster than this."""
    sleep_requests_s: float = 0.75
    """Pause between the requests that read a page (yt-dlp's own `sleep` preset)."""
    sleep_captions_s: float = 5.0
    """Pause before each caption file: YouTube answers hurried ones with 429 (yt-dlp#7123)."""
    sleep_downloads_s: float = 10.0
    """Pause between the entries of a playlist."""
    retries: int = 10
    """Tries for each download and fragment."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8}){0,3}", self.language):
            raise ValueError(f"--language must look like en or pt-BR, got {self.language!r}")
        if self.limit is not None and self.limit < 1:
            raise ValueError(f"--limit must be at least 1, got {self.limit}")
        if self.rate_limit_bytes_per_s is not None and self.rate_limit_bytes_per_s < 1:
            raise ValueError(f"--rate-limit must be at least 1, got {self.rate_limit_bytes_per_s}")
