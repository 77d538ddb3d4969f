import errno

import pytest
from yt_dlp.cookies import CookieLoadError
from yt_dlp.networking.exceptions import HTTPError, TransportError
from yt_dlp.utils import DownloadError, ExtractorError, GeoRestrictedError, UnavailableVideoError, UnsupportedError

from pipeline.errors import FetchError
from pipeline.fetch_errors import DiskFullError, TryLaterError, disk_full, reworded

URL = "https://www.youtube.com/watch?v=aaaaaaaaaaa"
YT = "ERROR: [youtube] aaaaaaaaaaa: "
COOKIES = (
    "Use --cookies-from-browser or --cookies for the authentication. See  https://github.com/yt-dlp/yt-dlp/wiki/FAQ"
    "#how-do-i-pass-cookies-to-yt-dlp  for how to manually pass cookies"
)


def raised(message: str, *, expected: bool = True) -> DownloadError:
    """As YoutubeDL.trouble raises it: the message, and the extractor's error behind it."""
    inner = ExtractorError(message.removeprefix(YT), expected=expected)
    return DownloadError(message, (type(inner), inner, None))


# Messages as yt-dlp 2026.8 prints them, from its source and from users' reports.
@pytest.mark.parametrize(
    ("said", "told", "hint"),
    [
        (f"{YT}Private video. Sign in if you've been granted access to this video. {COOKIES}", "is private", "--cookies"),  # noqa: E501
        (f"{YT}Video unavailable. This video is private", "is private", "--cookies"),
        (f"{YT}Video unavailable", "removed or was never there", "browser"),
        (f"{YT}Video unavailable. This video has been removed by the uploader", "removed or was never", "browser"),
        (
            f"{YT}This video is no longer available because the YouTube account associated with this video has been"
            " terminated.",
            "removed or was never there",
            "browser",
        ),
        (f"{YT}This video is not available", "removed or was never there", "browser"),
        (f"{YT}This video isn't available anymore", "removed or was never there", "browser"),
        (
            f"{YT}The uploader has not made this video available in your country\nThis video is available in Germany."
            "\nYou might want to use a VPN or a proxy server (with --proxy) to workaround.",
            "from your country",
            "another video",
        ),
        (f"{YT}Video unavailable. This video contains content from SME, who has blocked it in your country on copyright"
         " grounds", "from your country", "another video"),
        ("ERROR: [vimeo] 1: This video is not available from your location due to geo restriction", "from your country", "an"),  # noqa: E501
        (
            f"{YT}Sign in to confirm your age. This video may be inappropriate for some users. {COOKIES}",
            "age limit",
            "--cookies",
        ),
        (f"{YT}Sign in to confirm you’re not a bot. {COOKIES}", "not a bot", "--cookies"),
        (f"{YT}Sign in to confirm you're not a bot. This helps protect our community. Learn more", "not a bot", "--cookies"),  # noqa: E501
        ("ERROR: Unable to download video subtitles for 'en': HTTP Error 429: Too Many Requests", "slow down", "wait"),
        (
            f"{YT}Video unavailable. This content isn't available, try again later. The current session has been"
            " rate-limited by YouTube for up to an hour.",
            "slow down",
            "wait",
        ),
        (
            f"{YT}Join this channel to get access to members-only content like this video, and other exclusive perks.",
            "members or buyers",
            "--cookies",
        ),
        (f"{YT}This video requires payment to watch.", "members or buyers", "--cookies"),
        (f"{YT}Premieres in 6 hours", "live stream has not finished", "again"),
        (f"{YT}This live event will begin in 2 days.", "live stream has not finished", "again"),
        (f"{YT}This live stream recording is not available.", "live stream has not finished", "again"),
        (f"{YT}This live event has ended.", "live stream has not finished", "again"),
        (f"{YT}The channel is not currently live", "live stream has not finished", "again"),
        (f"{YT}This video is DRM protected", "DRM", "another video"),
        ("ERROR: [generic] Unable to download webpage: HTTP Error 404: Not Found (caused by <HTTPError 404: Not Found>)",  # noqa: E501
         "no such page", "browser"),
        ("ERROR: unable to download video data: HTTP Error 403: Forbidden", r"refuses .*\(403\)", "login"),
        ("ERROR: [generic] Unable to download webpage: HTTP Error 503: Service Unavailable", r"out of order \(503\)", "later"),  # noqa: E501
        (
            "ERROR: [generic] Unable to download webpage: [Errno -2] Name or service not known (caused by"
            " TransportError('[Errno -2] Name or service not known'))",
            "cannot be found",
            "online",
        ),
        ("ERROR: [generic] Unable to download webpage: Failed to resolve 'x.video' ([Errno 11002] getaddrinfo failed)",
         "cannot be found", "online"),
        ("ERROR: [generic] Unable to download webpage: [Errno 111] Connection refused", "no connection", "network"),
        ("ERROR: [generic] Unable to download webpage: The read operation timed out", "no connection", "network"),
        ("ERROR: [download] Got error: 12 bytes read, 88 more expected. Giving up after 10 retries", "no connection", "network"),  # noqa: E501
        ("ERROR: unable to write data: [Errno 28] No space left on device", "no space left", "room"),
        ("ERROR: [generic] Unsupported URL: https://example.org/", "no video or audio", "one video"),
        (f"{YT}No video formats found!", "no video or audio", "one video"),
        (
            "ERROR: [generic] '/x' is not a valid URL. Set --default-search \"ytsearch\" (or run yt-dlp \"ytsearch:/x\" )",  # noqa: E501
            "no video or audio",
            "one video",
        ),
        ("ERROR: [generic] [SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: expired", "certificate", "date"),
        ("ERROR: [site] 1: This video is only available for registered users. " + COOKIES, "needs a login", "--cookies"),  # noqa: E501
    ],
)  # fmt: skip
def test_each_cause_is_told_in_plain_words_with_what_to_do(said: str, told: str, hint: str) -> None:
    error = reworded(raised(said), URL)
    assert error is not None
    with pytest.raises(FetchError, match=told):
        raise error
    assert hint in str(error.hint)
    assert URL in error.message
    assert "ERROR" not in error.message


def test_a_missing_javascript_runtime_is_told_where_yt_dlp_only_warns() -> None:
    warnings = [
        "[youtube] No supported JavaScript runtime could be found. Only deno is enabled by default; to use another"
        " runtime add  --js-runtimes RUNTIME[:PATH]  to your command/config."
    ]
    said = f"{YT}Requested format is not available. Use --list-formats for a list of available formats"
    told = reworded(raised(said), URL, warnings)
    assert told is not None
    assert "JavaScript runtime" in told.message
    assert "pip install" in str(told.hint)
    without = reworded(raised(said), URL)
    assert without is not None
    assert "no video or audio" in without.message


def test_an_address_is_not_searched_for_causes() -> None:
    url = "https://example.org/private-video-429-login-404"
    inner = UnsupportedError(url)
    told = reworded(DownloadError(f"ERROR: {inner.msg}", (type(inner), inner, None)), url)
    assert told is not None
    assert "no video or audio" in told.message


@pytest.mark.parametrize(
    ("error", "told"),
    [
        (GeoRestrictedError("This video is not available from your location", countries=["DE"]), "your country"),
        (UnavailableVideoError(OSError(errno.ENOSPC, "No space left on device")), "no space left"),
        (TransportError("[Errno 101] Network is unreachable"), "no connection"),
        (CookieLoadError("failed to load cookies"), "cookies file"),
    ],
)
def test_errors_that_yt_dlp_raises_bare_are_told_too(error: Exception, told: str) -> None:
    found = reworded(error, URL)
    assert found is not None
    assert told in found.message


def test_refusals_of_the_whole_site_and_a_full_disk_are_told_apart() -> None:
    assert isinstance(reworded(raised(f"{YT}Sign in to confirm you’re not a bot."), URL), TryLaterError)
    assert isinstance(reworded(raised("ERROR: HTTP Error 429: Too Many Requests"), URL), TryLaterError)
    assert not isinstance(reworded(raised(f"{YT}Private video"), URL), TryLaterError)
    assert isinstance(disk_full(OSError(errno.ENOSPC, "x"), URL), DiskFullError)
    assert disk_full(OSError(errno.EACCES, "x"), URL) is None


def test_an_unknown_refusal_keeps_what_yt_dlp_said_and_drops_its_bug_report_text() -> None:
    told = reworded(raised(f"{YT}The moon is in the wrong house (caused by Moon())"), URL)
    assert told is not None
    assert told.message == f"yt-dlp cannot read {URL}: The moon is in the wrong house"


def test_a_page_that_yt_dlp_no_longer_understands_asks_for_an_update() -> None:
    said = (
        f"{YT}Unable to extract uploader id; please report this issue on  https://github.com/yt-dlp/yt-dlp/issues?q= , "
        "filling out the appropriate issue template. Confirm you are on the latest version using  yt-dlp -U"
    )
    told = reworded(raised(said, expected=False), URL)
    assert told is not None
    assert told.message.endswith("Unable to extract uploader id")
    assert "pip install -U yt-dlp" in str(told.hint)


def test_a_bug_is_not_reworded() -> None:
    inner = TypeError("'NoneType' object is not subscriptable")
    assert (
        reworded(DownloadError("ERROR: 'NoneType' object is not subscriptable", (TypeError, inner, None)), URL) is None
    )


def test_http_error_of_a_caption_file_is_read_by_its_status() -> None:
    class Response:
        status, reason, closed, _response = 429, "Too Many Requests", True, None

        def close(self) -> None:
            pass

    told = reworded(HTTPError(Response()), URL)
    assert isinstance(told, TryLaterError)
