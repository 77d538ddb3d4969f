"""What yt-dlp says went wrong, in words that tell a user what to do.

yt-dlp has no error per cause: the message is all there is. The patterns are from its source and issue tracker and
are tried in order, the narrow before the wide.
"""

import errno
import re
from collections.abc import Sequence
from dataclasses import dataclass

from yt_dlp.utils import ExtractorError, UnsupportedError, YoutubeDLError

from pipeline.errors import FetchError


class TryLaterError(FetchError):
    """A refusal that holds for every entry of the site: asking on would make it worse."""


class DiskFullError(FetchError):
    """No room for what is fetched."""


@dataclass(frozen=True, kw_only=True)
class _Cause:
    pattern: str
    message: str
    """`{url}` is the address; groups of the pattern by name."""
    hint: str
    error: type[FetchError] = FetchError


_COOKIES = "export the cookies of a browser in which you are logged in, and give them with --cookies FILE"
_ANOTHER = "give the URL of another video"
_UPDATE = "the site may have changed: pip install -U yt-dlp, then try again"

_CAUSES = (
    _Cause(
        pattern=r"No space left on device|Disk quota exceeded|\[Errno 28\]|\[Errno 122\]",
        message="no space left on the disk while fetching {url}",
        hint="make room and run the same command again: it continues where it stopped",
        error=DiskFullError,
    ),
    _Cause(
        pattern=r"confirm you.{0,3}re not a bot|unusual traffic|solve a captcha|anti-bot challenge",
        message="the site wants proof that you are not a bot: {url}",
        hint=f"{_COOKIES}, or try again later from another network",
        error=TryLaterError,
    ),
    _Cause(
        pattern=r"HTTP Error 429|Too Many Requests|rate-limited by|try again later.{0,40}(?:rate|limit)",
        message="the site asks to slow down (429, too many requests): {url}",
        hint="wait an hour and run the same command again: what is fetched is kept",
        error=TryLaterError,
    ),
    _Cause(
        pattern=r"[Cc]ookies? file|CookieLoadError|failed to load cookies",
        message="the cookies file cannot be read: {said}",
        hint="--cookies takes a file in Netscape format, as browser extensions export it",
        error=TryLaterError,
    ),
    _Cause(
        pattern=r"Private video|This video is private|is private",
        message="the video is private: {url}",
        hint=f"if your account may see it, {_COOKIES}",
    ),
    _Cause(
        pattern=r"members[- ]only|available to this channel's members|Join this channel"
        r"|requires? payment|purchase|rent(?:al|ed)\b",
        message="the video is for members or buyers only: {url}",
        hint=f"if your account may see it, {_COOKIES}",
    ),
    _Cause(
        pattern=r"confirm your age|age[- ]restricted|inappropriate for some users",
        message="the video has an age limit and needs a login: {url}",
        hint=_COOKIES,
    ),
    _Cause(
        pattern=r"(?:not available|not made this video available|unavailable|blocked).{0,40}"
        r"(?:in|from) your (?:country|location|region)|geo[- ]?restrict"
        r"|blocked it (?:in your country|on copyright)|This video is available in ",
        message="the video may not be seen from your country: {url}",
        hint=_ANOTHER,
    ),
    _Cause(
        pattern=r"This live event will begin|Premieres in|live stream recording is not available|live event has ended"
        r"|not currently live|This live stream|Offline\b|is not live",
        message="the live stream has not finished, or left no recording: {url}",
        hint="try again when the recording is online",
    ),
    _Cause(
        pattern=r"account (?:associated with this video )?has been terminated|has been removed|no longer available"
        r"|removed by the uploader|Video unavailable|This video (?:is|isn't) (?:not |no longer |un)?available"
        r"|This video is unavailable|does not exist|playlist (?:type )?is unviewable|deleted",
        message="the video has been removed or was never there: {url}",
        hint="open it in a browser to check the address",
    ),
    _Cause(
        pattern=r"only available for registered users|[Ll]og ?in required|login|Sign in"
        r"|account (?:cookies|credentials)|Use --cookies",
        message="the page needs a login: {url}",
        hint=_COOKIES,
    ),
    _Cause(pattern=r"DRM", message="the video is protected against copying (DRM): {url}", hint=_ANOTHER),
    _Cause(
        pattern=r"No supported JavaScript runtime|n challenge solving failed|Signature solving failed",
        message="YouTube gives no audio without a JavaScript runtime: {url}",
        hint="pip install -U deno 'yt-dlp[default]', then try again",
        error=TryLaterError,
    ),
    _Cause(
        pattern=r"HTTP Error (?:404|410)",
        message="there is no such page (404): {url}",
        hint="open it in a browser to check the address",
    ),
    _Cause(
        pattern=r"HTTP Error (?P<status>401|402|403|451)",
        message="the site refuses to give the page or its audio ({status}): {url}",
        hint=f"it may need a login: {_COOKIES}",
    ),
    _Cause(
        pattern=r"HTTP Error (?P<status>5\d\d)",
        message="the site is out of order ({status}): {url}",
        hint="try again later",
    ),
    _Cause(
        pattern=r"Name or service not known|nodename nor servname|getaddrinfo failed|Failed to resolve"
        r"|Temporary failure in name|No address associated|Name does not resolve",
        message="the name of the site cannot be found: {url}",
        hint="check the address, and that this machine is online",
    ),
    _Cause(
        pattern=r"Connection refused|actively refused|Network is unreachable|No route to host|timed out"
        r"|Connection reset|Remote end closed|Connection aborted|IncompleteRead|Unable to connect|EOF occurred"
        r"|more expected"
        r"|Giving up after|Downloaded \d+ bytes, expected|content too short|unable to download video data",
        message="no connection to the site, or a broken one: {url}",
        hint="check the network and run the same command again: it continues where it stopped",
    ),
    _Cause(
        pattern=r"CERTIFICATE_VERIFY_FAILED|SSL:|certificate",
        message="the site's certificate is not trusted: {url}",
        hint="check the address, and the date and time of this machine",
    ),
    _Cause(
        pattern=r"Unsupported URL|No video formats found|no video in|Requested format is not available"
        r"|Only images are available|Did not get any data blocks"
        r"|not a valid URL|no media|No suitable extractor|no suitable InfoExtractor|empty file|suspicious URL",
        message="no video or audio was found on the page: {url}",
        hint="give the page of one video, or the address of an audio or video file",
    ),
)


def reworded(error: YoutubeDLError, url: str, warnings: Sequence[str] = ()) -> FetchError | None:
    """Say what happened and what to do.

    Args:
        error: what yt-dlp raised.
        url: what was asked for.
        warnings: what yt-dlp warned of before: a missing JavaScript runtime shows itself only there.

    Returns:
        The error to raise from it, or None when it is a bug to be seen with its traceback.
    """
    said = re.sub(r"\s+", " ", str(error)).strip()
    cause = getattr(error, "exc_info", None)
    inner = cause[1] if cause else None
    if isinstance(inner, UnsupportedError):
        said = "Unsupported URL"  # the address in the message must not be searched for causes
    heard = said.replace(url, "")
    if re.search(r"Requested format is not available|Only images|No video formats", heard):
        heard = " ".join([*(w for w in warnings if "JavaScript" in w or "challenge solving" in w), heard])
    for one in _CAUSES:
        if found := re.search(one.pattern, heard):
            return one.error(one.message.format(url=url, said=_plain(said), **found.groupdict()), hint=one.hint)
    if isinstance(inner, ExtractorError):
        # Not expected by yt-dlp means that the page is not as its extractor knows it: nothing we could mend here.
        return FetchError(f"yt-dlp cannot read {url}: {_plain(said)}", hint=_ANOTHER if inner.expected else _UPDATE)
    if inner is None or isinstance(inner, YoutubeDLError):
        return FetchError(f"yt-dlp cannot fetch {url}: {_plain(said)}", hint=_UPDATE)
    return None


def disk_full(error: OSError, url: str) -> FetchError | None:
    """Reword an error of our own writing when the disk is full; None for any other."""
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return DiskFullError(_CAUSES[0].message.format(url=url), hint=_CAUSES[0].hint)
    return None


def _plain(said: str) -> str:
    said = re.sub(r"^(?:ERROR: )?(?:\[[\w:+]+\] )?(?:[\w-]{1,64}: )?", "", said)
    said = re.sub(r"; please report this issue on .*|\(caused by .*|See +https?://.*", "", said).strip(" ;.")
    return said[:300]
