from collections.abc import Mapping
from typing import Any

import pytest

from pipeline.caption_tracks import choose_tracks


def vtt(url: str = "https://x/a.vtt") -> list[dict[str, Any]]:
    return [{"ext": "json3", "url": "https://x/a.json"}, {"ext": "vtt", "url": url}]


def names(manual: Mapping[str | None, Any], automatic: Mapping[str | None, Any], language: str = "en") -> list[str]:
    return [track.name for track in choose_tracks(manual, automatic, language)]


@pytest.mark.parametrize(
    ("manual", "automatic", "expected"),
    [
        ({"en": vtt()}, {}, ["captions.en.vtt"]),
        ({}, {"en": vtt()}, ["captions.en.auto.vtt"]),
        ({"en": vtt()}, {"en": vtt()}, ["captions.en.vtt", "captions.en.auto.vtt"]),
        ({"en-GB": vtt(), "en": vtt(), "de": vtt()}, {}, ["captions.en.vtt", "captions.en-GB.vtt"]),
        ({"de": vtt()}, {}, []),
        ({"eng-not": vtt()}, {}, []),
        ({"live_chat": [{"ext": "json", "url": "x"}]}, {}, []),
        ({}, {}, []),
        ({None: vtt()}, {}, ["captions.en.vtt"]),
        ({"English captions": vtt()}, {}, ["captions.en.vtt"]),
        ({None: vtt(), "de": vtt()}, {}, []),
        ({"en": [{"ext": "srt", "url": "x"}]}, {}, []),
        ({"en": [{"ext": "unknown_video", "url": "https://x/captions?id=1"}]}, {}, ["captions.en.vtt"]),
        ({"en": [{"ext": "vtt", "url": "https://x/talk.en.auto.vtt?token=1"}]}, {}, ["captions.en.auto.vtt"]),
        ({"en-../../x": vtt()}, {}, ["captions.en--x.vtt"]),
    ],
)
def test_manual_captions_in_the_language_come_first(
    manual: Mapping[str | None, Any], automatic: Mapping[str | None, Any], expected: list[str]
) -> None:
    assert names(manual, automatic) == expected


def test_a_machine_translation_is_no_caption_of_what_was_said() -> None:
    automatic: dict[str | None, Any] = {
        "ru-orig": vtt("https://x/t?lang=ru"),
        "ru": vtt("https://x/t?lang=ru"),
        "en": vtt("https://x/t?lang=ru&tlang=en"),
    }
    assert names({}, automatic, "en") == []
    assert names({}, automatic, "ru") == ["captions.ru.auto.vtt"]


def test_the_recognised_original_wins_over_a_copy_of_it() -> None:
    automatic: dict[str | None, Any] = {"en": vtt("https://x/copy"), "en-orig": vtt("https://x/heard")}
    (track,) = choose_tracks({}, automatic, "en")
    assert track.format["url"] == "https://x/heard"
    assert track.kind == "automatic"
