"""Which of the captions that a page offers are wanted: the right language, manual before automatic, no translations."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal
from urllib.parse import parse_qs, urlsplit

Tracks = Mapping[str | None, Sequence[Mapping[str, Any]]]
"""yt-dlp's `subtitles` and `automatic_captions`: language → formats of that track, the best last."""


@dataclass(frozen=True, kw_only=True)
class Track:
    """One caption track to fetch."""

    language: str
    kind: Literal["manual", "automatic"]
    format: Mapping[str, Any]
    """yt-dlp's: `url` or `data`, and `ext`."""

    @property
    def name(self) -> str:
        """File name in the source's folder."""
        return f"captions.{self.language}{'.auto' if self.kind == 'automatic' else ''}.vtt"


def choose_tracks(manual: Tracks, automatic: Tracks, language: str) -> list[Track]:
    """Choose the tracks in one language, the best first.

    All manual ones (`en`, `en-GB`, …), and one automatic: what the speech recogniser of the site heard. The two are
    different witnesses of the same speech, so both are worth having.

    Args:
        manual: what people wrote.
        automatic: what the site recognised or translated by machine.
        language: as in `en` or `pt-BR`.
    """
    tracks = []
    named = {key: formats for key, formats in manual.items() if key}
    wanted = sorted((key for key in named if _matches(key, language)), key=lambda key: (len(key), key))
    for key in wanted:
        if found := _vtt(named[key]):
            kind: Literal["manual", "automatic"] = "automatic" if _says_automatic(found) else "manual"
            tracks.append(Track(language=_safe(key), kind=kind, format=found))
    if not tracks and len(manual) == 1 and not automatic:
        # A page with one <track> and no srclang, or a label such as "Captions": whose language can only be the talk's.
        ((label, formats),) = manual.items()
        if not re.fullmatch(r"[A-Za-z]{2,3}([-_].*)?", label or "") and (found := _vtt(formats)):
            kind = "automatic" if _says_automatic(found) else "manual"
            tracks.append(Track(language=language, kind=kind, format=found))
    # YouTube lists a machine translation into every language; "-orig" marks what was heard.
    heard = {key: formats for key, formats in automatic.items() if key and _matches(key, language)}
    for key in sorted(heard, key=lambda key: (not key.endswith("-orig"), len(key), key)):
        found = _vtt(heard[key])
        if found and "tlang" not in parse_qs(urlsplit(str(found.get("url", ""))).query):
            tracks.append(Track(language=_safe(key.removesuffix("-orig")), kind="automatic", format=found))
            break
    tracks.sort(key=lambda track: track.kind == "automatic")
    return list({track.name: track for track in reversed(tracks)}.values())[::-1]


def _matches(key: str, language: str) -> bool:
    return bool(re.fullmatch(rf"{re.escape(language)}([-_].*)?", key, re.IGNORECASE))


def _vtt(formats: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    """Take the WebVTT of a track; one without a known extension may be it."""
    known = {"srt", "json3", "srv1", "srv2", "srv3", "ttml", "dfxp", "ass", "ssa", "json", "xml", "sbv"}
    usable = [one for one in formats if one.get("ext") not in known and (one.get("url") or one.get("data"))]
    return max(usable, key=lambda one: one.get("ext") == "vtt", default=None)


def _says_automatic(track: Mapping[str, Any]) -> bool:
    # The spelling this program uses itself: talk.en.auto.vtt
    return bool(re.search(r"[.-]auto(?:\.[A-Za-z-]+)?\.vtt$", urlsplit(str(track.get("url", ""))).path))


def _safe(language: str) -> str:
    return re.sub(r"[^A-Za-z0-9-]+", "-", language)[:35]
