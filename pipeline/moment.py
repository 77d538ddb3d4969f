"""Which part of a recording an address means.

`#t=63,68` as in W3C's media fragments, `?t=63` and `?start=63&end=68` as on YouTube.
"""

import re
from dataclasses import dataclass
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from pipeline.errors import FetchError

_CLOCK = re.compile(r"(?:(?:(\d+):)?(\d{1,2}):)?(\d+(?:\.\d+)?)s?")
_UNITS = re.compile(r"(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s)?")
_TIMES = ("t", "start", "end", "time_continue")
_HINT = "such as '#t=63,68' behind the address: from 63 to 68 seconds; 1:03 and 1m3s are understood too"


@dataclass(frozen=True, kw_only=True)
class Moment:
    """A stretch of a recording."""

    address: str
    """Without the times."""
    start_s: float = 0.0
    end_s: float | None = None
    """None: to the end."""


def parse_moment(given: str) -> Moment:
    """Take the times out of an address or path; what has none is meant whole.

    The fragment goes before the query. A query keeps its `t` on sites other than YouTube, where it may mean
    something to the server as well.

    Raises:
        FetchError: times that cannot be read, or none between them.
    """
    address, mark, fragment = given.rpartition("#")
    address = address if mark else given
    in_fragment = dict(parse_qsl(fragment)) if mark and "=" in fragment else {}
    start, end = "", ""
    if re.match(r"https?://", address, re.IGNORECASE):
        parts = urlsplit(address)
        query = parse_qsl(parts.query, keep_blank_values=True)
        asked = dict(query)
        if _is_youtube(parts.hostname or ""):
            start, end = asked.get("t") or asked.get("start") or "", asked.get("end") or ""
            rest = [(name, value) for name, value in query if name not in _TIMES]
            address = urlunsplit(parts._replace(query=urlencode(rest)))
        elif _seconds(asked.get("t", "").partition(",")[0]) is not None:
            start = asked["t"]
    if "t" in in_fragment:
        start, end = in_fragment["t"], ""
    elif mark and not start:
        address = given  # a fragment of another kind is the page's own
    start, _, inner_end = start.removeprefix("npt:").partition(",")
    return _moment(given, address, start, inner_end or end)


def _moment(given: str, address: str, start: str, end: str) -> Moment:
    first, last = _seconds(start or "0"), _seconds(end) if end else None
    if first is None or (end and last is None):
        raise FetchError(f"not a time: {(end if first is not None else start)!r} in {given}", hint=_HINT)
    if last is not None and last <= first:
        raise FetchError(f"nothing lies between {first:g} and {last:g} s: {given}", hint=_HINT)
    return Moment(address=address, start_s=first, end_s=last)


def _seconds(text: str) -> float | None:
    """Read `63`, `1:03.5` or `1m3s`; None for anything else."""
    for pattern in (_CLOCK, _UNITS):
        if text and (match := pattern.fullmatch(text)):
            hours, minutes, seconds = (float(part or 0) for part in match.groups())
            return 3600 * hours + 60 * minutes + seconds
    return None


def _is_youtube(host: str) -> bool:
    return any(
        host == site or host.endswith(f".{site}") for site in ("youtube.com", "youtu.be", "youtube-nocookie.com")
    )
