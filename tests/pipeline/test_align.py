"""Real speech through real PocketSphinx."""

import os
from itertools import pairwise
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile

from pipeline.align import Aligner
from pipeline.records import Span, Word
from pipeline.samples import Samples
from pipeline.transcribe.captions import CaptionsTranscriber, clip_ends
from pipeline.transcribe.cut import CutOptions
from pipeline.transcribe.fit import Stretch, fit
from pipeline.transcribe.pocketsphinx import PocketSphinxTranscriber, Recogniser
from pipeline.transcribe.repair import RepairOptions
from pipeline.transcribe.workers import Workers

ROOT = Path(__file__).parents[2]


class Track:
    """The least of a caption track."""

    punctuated = False
    kind_guess = "automatic"
    cues = ()

    def __init__(self, words: list[Word]) -> None:
        self.words = words


@pytest.fixture(scope="module")
def voice() -> Path:
    for folder in (Path(os.environ.get("CLONE_PIPELINE_SHARED") or ROOT.parent / "shared"), ROOT.parents[1] / "shared"):
        if (folder / "data" / "arctic_bdl").is_dir():
            return folder / "data" / "arctic_bdl"
    pytest.skip("no recordings at ../shared (set CLONE_PIPELINE_SHARED)")


def load(voice: Path, number: int) -> tuple[Samples, str]:
    """One clip with half a second of silence on both sides, and its text."""
    row = (voice / "metadata.csv").read_text(encoding="utf-8").splitlines()[number]
    identity, _, text = row.split("|")
    sound, rate = soundfile.read(voice / "wavs" / f"{identity}.ogg", dtype="float32")
    if rate != 16_000:
        sound = librosa.resample(sound, orig_sr=rate, target_sr=16_000)
    padded = np.concatenate([np.zeros(8_000), sound, np.zeros(8_000)])
    return (padded * 32_767).astype(np.int16), text


def spoken(text: str) -> list[str]:
    return "".join(c for c in text.lower() if c.isalpha() or c in " '").split()


@pytest.fixture(scope="module")
def aligner() -> Aligner:
    return Aligner()


def test_each_word_is_found_once_in_order_inside_the_speech(voice: Path, aligner: Aligner) -> None:
    samples, text = load(voice, 0)
    found = aligner.align(spoken(text), samples)
    assert found is not None
    assert [word.text for word in found.words] == spoken(text)
    edges = [edge for word in found.words for edge in (word.start_s, word.end_s)]
    assert edges == sorted(edges)
    assert edges[0] >= 0.3
    assert edges[-1] <= len(samples) / 16_000 - 0.3
    assert len(found.frame_scores) == pytest.approx(len(samples) / 160, abs=4)


def test_a_result_does_not_depend_on_what_was_aligned_before(voice: Path, aligner: Aligner) -> None:
    (first, text), (other, other_text) = load(voice, 0), load(voice, 1)
    before = aligner.align(spoken(text), first)
    aligner.align(spoken(other_text), other)
    after = aligner.align(spoken(text), first)
    assert before is not None
    assert after is not None
    assert before.words == after.words


def test_a_word_that_no_dictionary_holds_is_aligned_and_marked(voice: Path, aligner: Aligner) -> None:
    samples, text = load(voice, 0)
    words = [*spoken(text)[:-1], "grzblx"]
    found = aligner.align(words, samples)
    assert found is not None
    assert [word.guessed for word in found.words] == [False] * (len(words) - 1) + [True]


@pytest.mark.parametrize("words", [[], ["42"], ["a"] * 500])
def test_what_cannot_be_aligned_gives_none(aligner: Aligner, words: list[str]) -> None:
    assert aligner.align(words, np.zeros(8_000, np.int16)) is None


def test_the_sound_prefers_the_right_text(voice: Path, aligner: Aligner) -> None:
    samples, text = load(voice, 0)
    _, other = load(voice, 1)
    right, wrong = aligner.align(spoken(text), samples), aligner.align(spoken(other), samples)
    assert right is not None
    assert wrong is None or wrong.frame_scores.mean() < right.frame_scores.mean() - 1


def test_workers_hear_what_one_process_hears(voice: Path, tmp_path: Path) -> None:
    parts = [load(voice, number)[0] for number in range(3)]
    wav = tmp_path / "talk.wav"
    soundfile.write(wav, np.concatenate(parts), 16_000, subtype="PCM_16")
    edges = np.cumsum([0, *map(len, parts)]) / 16_000
    spans = [Span(start_s=a, end_s=b) for a, b in pairwise(edges)]
    workers = Workers(2)
    spread = list(PocketSphinxTranscriber(workers=workers).transcribe(wav, spans, source="talk"))
    workers.close()
    recogniser = Recogniser()
    alone = [recogniser.decode(part, start) for part, start in zip(parts, edges, strict=False)]
    assert [w.text for u in spread for w in u.words] == [w.text for words in alone for w in words]
    assert all(any(span.start_s <= u.span.start_s < u.span.end_s <= span.end_s for span in spans) for u in spread)
    assert "danger" in spread[0].text


def talk(voice: Path, tmp_path: Path, numbers: tuple[int, ...]) -> tuple[Path, list[Span], list[list[str]]]:
    parts = [load(voice, number) for number in numbers]
    wav = tmp_path / "talk.wav"
    soundfile.write(wav, np.concatenate([samples for samples, _ in parts]), 16_000, subtype="PCM_16")
    edges = np.cumsum([0, *(len(samples) for samples, _ in parts)]) / 16_000
    spans = [Span(start_s=a + 0.3, end_s=b - 0.3) for a, b in pairwise(edges)]
    return wav, spans, [spoken(text) for _, text in parts]


def test_captions_with_lying_times_end_beside_their_audio(voice: Path, tmp_path: Path) -> None:
    wav, spans, texts = talk(voice, tmp_path, (0, 1))
    flat = [word for text in texts for word in text]
    late = [Word(text=word, start_s=0.5 + 0.3 * k, end_s=0.8 + 0.3 * k) for k, word in enumerate(flat)]
    transcriber = CaptionsTranscriber(captions=Track(late), workers=Workers(1))
    utterances = list(transcriber.transcribe(wav, spans, source="talk"))
    assert " ".join(u.text for u in utterances).split() == flat
    assert all(not any(u.span.start_s < edge < u.span.end_s for edge in (spans[0].end_s + 0.2,)) for u in utterances)
    assert max(u.measures["disagreement"] for u in utterances) < 90


@pytest.mark.parametrize(
    ("place", "change", "mended"),
    [(0, "um", True), (3, "seventeen", True)],
    ids=["a filler that only the caption holds", "a wrong word"],
)
def test_a_caption_word_that_is_not_said_is_mended_or_raises_the_disagreement(
    voice: Path, tmp_path: Path, aligner: Aligner, place: int, change: str, mended: bool
) -> None:
    wav, spans, (text,) = talk(voice, tmp_path, (0,))
    wrong = [change, *text] if change == "um" else [*text[:place], change, *text[place + 1 :]]
    captions = tuple(Word(text=word, start_s=0.3 * k, end_s=0.3 * k + 0.3) for k, word in enumerate(wrong))
    heard = Recogniser().decode(load(voice, 0)[0])
    stretch = Stretch(
        wav_16k=wav, source="talk", spans=tuple(spans), words=captions, ends=(True,) * len(captions), heard=heard,
        mendable=mended, cut=CutOptions(), repair=RepairOptions(),
    )  # fmt: skip
    utterances = fit(stretch, aligner)
    said = " ".join(u.text for u in utterances).split()
    assert said == text or max(u.measures["disagreement"] for u in utterances) > 90


def test_a_stretch_without_captions_stays_a_candidate_without_text(
    voice: Path, tmp_path: Path, aligner: Aligner
) -> None:
    wav, spans, _ = talk(voice, tmp_path, (0,))
    stretch = Stretch(
        wav_16k=wav, source="talk", spans=tuple(spans), words=(), ends=(), heard=(), mendable=True,
        cut=CutOptions(), repair=RepairOptions(),
    )  # fmt: skip
    (one,) = fit(stretch, aligner)
    assert (one.text, one.span) == ("", spans[0])


def test_a_clip_may_end_after_a_sentence_or_a_persons_cue() -> None:
    class Cue:
        end_s = 2.0

    track = Track([Word(text=text, start_s=k, end_s=k + 1.0) for k, text in enumerate(["one", "two", 'three."', "x"])])
    assert clip_ends(track) == [True] * 4
    track.punctuated = True
    assert clip_ends(track) == [False, False, True, False]
    track.cues, track.kind_guess = (Cue(),), "manual"  # type: ignore[assignment]
    assert clip_ends(track) == [False, True, False, False]
