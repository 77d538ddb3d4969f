import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from dctts.audio import magnitudes
from dctts.errors import AudioError, TextError
from dctts.lexicon import Lexicon
from dctts.stream import stream, stream_speech
from dctts.synthesize import SpeakOptions, speak, write_speech
from dctts.voice import Voice

ROOT = Path(__file__).parents[2]
TEXT = "Hello there, this is the first sentence. The second one follows it at once!\n\nAnd a new paragraph."
QUICK = SpeakOptions(iterations=4, attempts=1)


def test_speaking_is_repeatable_and_leaves_nothing_when_it_fails(tiny_voice: Voice, tmp_path: Path) -> None:
    for name in ("a.wav", "b.wav"):
        write_speech("One two three.", tiny_voice, Lexicon(), tmp_path / "out" / name)
    assert (tmp_path / "out/a.wav").read_bytes() == (tmp_path / "out/b.wav").read_bytes()
    with pytest.raises(TextError):
        write_speech(
            "…", tiny_voice, Lexicon(), tmp_path / "out/c.wav", srt=tmp_path / "out/c.srt", verdict=tmp_path / "out/c"
        )
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["a.wav", "b.wav"]


def test_a_verdict_that_cannot_be_written_leaves_no_sound_either(tiny_voice: Voice, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(AudioError):
        write_speech(TEXT, tiny_voice, Lexicon(), tmp_path / "a.wav", options=QUICK, verdict=tmp_path / "file" / "v")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


@pytest.mark.parametrize("streamed", [False, True])
def test_the_verdict_adds_up_and_subtitles_fit_the_sound(streamed: bool, tiny_voice: Voice, tmp_path: Path) -> None:
    wav, srt, verdict = (tmp_path / name for name in ("a.wav", "a.srt", "a.json"))
    run = stream_speech if streamed else write_speech
    returned = run(TEXT, tiny_voice, Lexicon(), wav, options=SpeakOptions(iterations=4), srt=srt, verdict=verdict)
    duration_s = soundfile.info(wav).duration
    told = json.loads(verdict.read_text(encoding="utf-8"))
    assert told["version"] == 1
    assert told["duration_s"] == pytest.approx(duration_s, abs=1e-3)
    assert told["chunks"] == len(told["each"]) == len(returned) == 3
    assert told["chunks_failed"] == sum(not chunk["passed"] for chunk in told["each"])
    assert " ".join(chunk["text"] for chunk in told["each"]) == " ".join(TEXT.lower().split())
    silences_s = [0.25, 0.5, 0.0]
    for chunk, following, silence_s in zip(told["each"], [*told["each"][1:], None], silences_s, strict=True):
        end_s = chunk["start_s"] + chunk["duration_s"] + silence_s
        assert (following["start_s"] if following else duration_s) == pytest.approx(end_s, abs=2e-3)
    tried_again = [chunk["attempts"] > 1 for chunk in told["each"]]
    assert tried_again == [not streamed, True, True]  # untrained as it is; what was heard already cannot be
    blocks = srt.read_text(encoding="utf-8").strip().split("\n\n")
    assert [block.splitlines()[0] for block in blocks] == [str(number) for number in range(1, len(blocks) + 1)]
    said = " ".join(block.splitlines()[2] for block in blocks)
    assert said == " ".join(re.findall("[a-z]+", TEXT.lower()))
    times = [seconds(clock) for block in blocks for clock in block.splitlines()[1].split(" --> ")]
    assert times == sorted(times)
    assert times[-1] <= duration_s + 1e-3


def seconds(clock: str) -> float:
    hours, minutes, rest = clock.replace(",", ".").split(":")
    return 3600 * int(hours) + 60 * int(minutes) + float(rest)


def test_words_begin_where_their_chunk_is_heard(tiny_voice: Voice) -> None:
    start_s = 0.0
    for spoken in speak(TEXT, tiny_voice, Lexicon(), options=QUICK):
        assert spoken.words[0].start_s >= start_s - 1e-3
        assert spoken.words[-1].end_s <= start_s + len(spoken.wave) / 22_050 + 1e-3
        assert spoken.verdict.start_s == pytest.approx(start_s, abs=1e-3)
        start_s += len(spoken.wave) / 22_050 + spoken.silence_ms / 1000


def test_a_stream_says_what_the_whole_says(tiny_voice: Voice) -> None:
    """The same frames in the same places; the levels differ by a factor, since a stream cannot know its loudness."""
    options = SpeakOptions(attempts=1)
    streamed = list(stream(TEXT, tiny_voice, Lexicon(), options=options))
    whole = list(speak(TEXT, tiny_voice, Lexicon(), options=options))
    assert len(streamed) > 2 * len(whole)
    sound = np.concatenate(streamed)
    start = 0
    for spoken in whole:
        end = start + len(spoken.wave)
        ours, theirs = (
            magnitudes(torch.from_numpy(wave).unsqueeze(0), tiny_voice.audio)[0]
            for wave in (sound[start:end], spoken.wave)
        )
        level = torch.linalg.norm(ours) / torch.linalg.norm(theirs)
        assert torch.linalg.norm(ours - level * theirs) / torch.linalg.norm(ours) < 0.35  # two searches, two phases
        start = end + round(spoken.silence_ms / 1000 * 22_050)
    assert start == len(sound)


def test_a_stream_does_not_click(tiny_voice: Voice) -> None:
    waves = list(stream(TEXT, tiny_voice, Lexicon(), options=SpeakOptions(attempts=1)))
    sound, borders = np.concatenate(waves), np.cumsum([len(wave) for wave in waves])[:-1]
    bend = np.abs(np.diff(sound, 2))
    for border in borders:
        near = bend[max(0, border - 2048) : border + 2048]
        assert bend[max(0, border - 3) : border + 3].max() <= near.max()
        assert bend[max(0, border - 3) : border + 3].max() < 4 * np.quantile(near, 0.99) + 1e-3


def test_the_first_sound_comes_before_the_text_is_decoded(tiny_voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    from dctts.cached_steps import CachedSteps

    steps = []
    decode = CachedSteps.decode

    def counted(self: CachedSteps) -> torch.Tensor:
        steps.append(1)
        return decode(self)

    monkeypatch.setattr(CachedSteps, "decode", counted)
    pieces = stream("This is a sentence of no great length, but not short.", tiny_voice, Lexicon(), options=QUICK)
    first = next(pieces)
    heard_after = len(steps)
    assert len(first) > 1000
    assert heard_after < 30
    assert len(list(pieces))
    assert len(steps) > heard_after + 20


def test_a_text_that_cannot_be_said_writes_nothing_to_a_stream(tiny_voice: Voice, tmp_path: Path) -> None:
    with pytest.raises(TextError):
        stream_speech("…", tiny_voice, Lexicon(), tmp_path / "a.wav", srt=tmp_path / "a.srt")
    assert list(tmp_path.iterdir()) == []


def test_memory_does_not_grow_with_the_text(tiny_voice_file: Path, tmp_path: Path) -> None:
    """Peak memory after a page and after eight, where each second of sound kept in memory would cost 88 kB."""
    script = f"""
import resource
from pathlib import Path
from dctts.decode import DecodeOptions
from dctts.lexicon import Lexicon
from dctts.synthesize import SpeakOptions, write_speech
from dctts.voice import load_voice
voice = load_voice(Path({str(tiny_voice_file)!r}))
options = SpeakOptions(decode=DecodeOptions(dwell_frames=3, length_factor=0.5), iterations=1, attempts=1)
page = "Here is a sentence of ordinary length, and nothing in it is new. " * 16
for pages in (1, 8):
    write_speech(page * pages, voice, Lexicon(), Path({str(tmp_path / "a.wav")!r}), options=options)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
"""
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    page_kb, book_kb = (int(line) for line in done.stdout.split())
    size_kb = (tmp_path / "a.wav").stat().st_size / 1024
    assert book_kb - page_kb < 0.5 * 2 * size_kb  # half of what the sound alone takes as float32
    assert book_kb - page_kb < 40_000


def test_speaking_loads_nothing_that_only_training_needs() -> None:
    heavy = ("tensorboard", "torch.utils.tensorboard", "matplotlib", "numba", "scipy", "whisper", "dctts.train")
    script = f"import sys, dctts.stream; print(*(name for name in {heavy} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
