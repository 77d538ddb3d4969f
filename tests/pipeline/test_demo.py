import http.client
import shutil
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dctts.errors import AudioError, ClonePipelineError
from pipeline.captions import read_captions
from pipeline.demo.cast import ESPEAK_VOICES, open_cast
from pipeline.demo.espeak import EspeakSpeaker, EspeakVoice, open_espeak
from pipeline.demo.page import PageServer, write_page
from pipeline.demo.run import _command
from pipeline.demo.stranger import Stranger
from pipeline.demo.talk import SCRIPT, Talk, make_talk, read_script, webvtt
from pipeline.fetch import FetchOptions, fetch
from pipeline.ffmpeg import duration_s, find_ffmpeg

SHORT = """# a short one
music | 1
host+music | Good evening, and welcome.
guest+noise | Thank you for asking me. | Thank you for tasking me.
"""


def espeak_cast() -> dict[str, EspeakSpeaker]:
    return {who: EspeakSpeaker(open_espeak(), voice) for who, voice in ESPEAK_VOICES.items()}


@pytest.fixture(scope="module")
def talk() -> Talk:
    return make_talk(read_script(SHORT), espeak_cast())


def test_espeak_tells_when_each_word_starts() -> None:
    spoken = open_espeak().speak("one two, three of the four", EspeakVoice(name="en-us"))
    assert len(spoken.word_starts_s) == 6
    assert list(spoken.word_starts_s) == sorted(spoken.word_starts_s)
    assert 0.5 < spoken.word_starts_s[-1] < len(spoken.samples) / spoken.sample_rate_hz
    assert np.abs(spoken.samples).max() > 5000


def test_a_voice_that_does_not_exist_is_named() -> None:
    with pytest.raises(ClonePipelineError, match="xx-nobody"):
        open_espeak().speak("hello", EspeakVoice(name="xx-nobody"))


def test_a_base_that_ships_speaks_the_talk_in_two_disguises(bases: Path, tiny_base_file: Path) -> None:
    assert {type(speaker) for speaker in open_cast().values()} == {EspeakSpeaker}
    shutil.copy(tiny_base_file, bases / "base.safetensors")
    cast = open_cast()
    assert {type(speaker) for speaker in cast.values()} == {Stranger}
    talk = make_talk(read_script(SHORT), cast)
    assert talk.sample_rate_hz == 22_050
    for caption in talk.captions[1:]:  # the first is of music
        assert len(caption.word_starts_s) == len(caption.text.split())
        assert caption.start_s <= caption.word_starts_s[0]
        assert list(caption.word_starts_s) == sorted(caption.word_starts_s)
        assert caption.word_starts_s[-1] < caption.end_s


def test_the_script_has_two_speakers_music_noise_and_a_caption_that_errs() -> None:
    script = read_script(SCRIPT.read_text(encoding="utf-8"))
    assert {line.who for line in script} == {"host", "guest", "music"}
    assert {line.under for line in script} == {"", "music", "noise"}
    assert 1 <= sum(line.who != "music" and line.caption != line.said for line in script) <= 3


def test_captions_lie_where_the_sound_is(talk: Talk) -> None:
    level = np.abs(talk.samples)
    for caption in talk.captions:
        first, last = (round(edge_s * talk.sample_rate_hz) for edge_s in (caption.start_s, caption.end_s))
        assert level[first:last].mean() > 20 * level[last + 1000 : last + 8000].mean()


def test_captions_parse_to_the_words_that_were_said(talk: Talk, tmp_path: Path) -> None:
    file = tmp_path / "talk.en.vtt"
    file.write_text(webvtt(talk.captions), encoding="utf-8")
    track = read_captions(file)
    assert [word.text for word in track.words] == [
        "Good",
        "evening,",
        "and",
        "welcome.",
        "Thank",
        "you",
        "for",
        "tasking",
        "me.",
    ]
    starts_s = [start_s for caption in talk.captions for start_s in caption.word_starts_s]
    np.testing.assert_allclose([word.start_s for word in track.words], starts_s, atol=0.1)


def test_a_talk_made_again_is_as_long_to_a_few_samples(talk: Talk) -> None:
    again = make_talk(read_script(SHORT), espeak_cast())  # eSpeak's own state shifts some edges by a sample or two
    assert len(again.samples) == pytest.approx(len(talk.samples), abs=200)
    assert [caption.text for caption in again.captions] == [caption.text for caption in talk.captions]


def test_the_page_is_fetched_like_any_video(talk: Talk, tmp_path: Path) -> None:
    page = write_page(tmp_path / "talk", talk, "A <talk> & more", find_ffmpeg())
    assert sorted(path.name for path in page.parent.iterdir()) == ["talk.en.vtt", "talk.html", "talk.webm"]
    with PageServer(page.parent) as server:
        (recording,) = fetch(server.url(page.name), sources=tmp_path / "sources", options=FetchOptions())
    assert recording.duration_s == pytest.approx(len(talk.samples) / talk.sample_rate_hz, abs=0.2)
    assert duration_s(recording.audio) == pytest.approx(recording.duration_s, abs=0.2)
    assert recording.captions is not None
    assert recording.title == "A <talk> & more"


def test_ffmpegs_refusal_is_told_and_leaves_no_page(talk: Talk, tmp_path: Path) -> None:
    with pytest.raises(AudioError, match="cannot encode"):
        write_page(tmp_path / "talk", talk, "talk", Path("/bin/false"))
    assert list((tmp_path / "talk").iterdir()) == []


def test_the_server_listens_on_loopback_only_and_gives_nothing_outside_its_folder(tmp_path: Path) -> None:
    (tmp_path / "inside").mkdir()
    (tmp_path / "inside" / "page.html").write_text("inside", "utf-8")
    (tmp_path / "secret").write_text("secret", "utf-8")
    with PageServer(tmp_path / "inside") as server:
        assert server.url("page.html").startswith("http://127.0.0.1:")
        with urllib.request.urlopen(server.url("page.html")) as answer:
            assert answer.read() == b"inside"
        host = server.url("").split("/")[2]
        connection = http.client.HTTPConnection(host)
        connection.request("GET", "/../secret")
        assert connection.getresponse().status == 404
        connection.close()
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(server.url("page.html"))


def test_a_command_that_fails_stops_the_demo_and_says_which() -> None:
    announced: list[str] = []
    with pytest.raises(ClonePipelineError, match="clone-pipeline voices ended with 2"):
        _command(["voices", "--no-such-flag"], announced.append)
    assert announced == ["$ clone-pipeline voices --no-such-flag"]


@pytest.mark.slow
def test_the_demo_runs_from_url_to_wav(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "pipeline", "demo", "--folder", str(tmp_path / "demo")]
    done = subprocess.run(
        [*command, "--steps", "4", "--ssrn-steps", "2"],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        text=True,
        check=False,
    )
    assert done.returncode == 0
    report, wav = map(Path, done.stdout.split())
    assert "<html" in report.read_text("utf-8")
    assert soundfile.info(wav).duration > 0.3
