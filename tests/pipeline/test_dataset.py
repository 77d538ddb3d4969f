import hashlib
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from dctts.lexicon import open_lexicon
from dctts.manifest import read_dataset
from pipeline.dataset import DatasetOptions, drop_wordless, recover, was_denoised, write_dataset
from pipeline.errors import DatasetError
from pipeline.records import Clip, Recording, Span

RATE = 22_050


@pytest.fixture
def recording(tmp_path: Path) -> Recording:
    folder = tmp_path / "sources" / "talk"
    folder.mkdir(parents=True)
    return Recording(
        id="talk", folder=folder, audio=folder / "audio.webm", audio_sha256="ab" * 32, captions=None,
        captions_kind="automatic", language="en", url="https://example.org/w?v=1&t=2",
        title="A [talk](javascript:x) <b>", channel="Ada", licence="", uploaded="2024-05-01", duration_s=30.0,
    )  # fmt: skip


@pytest.fixture
def decoded(recording: Recording) -> Callable[[str], Path]:
    wav = recording.folder / "talk.wav"
    samples = np.random.default_rng(0).normal(0, 0.01, 30 * RATE)
    samples[: 5 * RATE] += 0.5 * np.sin(np.arange(5 * RATE) / 10)
    soundfile.write(wav, samples, RATE, subtype="PCM_16")
    return lambda source: {"talk": wav}[source]


def clip(start_s: float, end_s: float, text: str = "", **more: object) -> Clip:
    return Clip(
        **{  # type: ignore[arg-type]
            "id": f"talk-{round(start_s * 1000):07d}", "source": "talk", "start_s": start_s, "end_s": end_s,
            "text": text or f"Sentence at {start_s}.", "kept": True, **more,
        }
    )  # fmt: skip


def tree(folder: Path) -> dict[str, str]:
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
    }


def test_the_layout_is_what_the_trainer_reads(
    tmp_path: Path, recording: Recording, decoded: Callable[[str], Path]
) -> None:
    clips = [clip(n, n + 0.9) for n in range(29)] + [clip(29, 30, kept=False, reasons=("snr",))]
    summary = write_dataset(
        clips, {"talk": recording}, tmp_path / "dataset", decoded=decoded, normalise=lambda text: text.lower() + "!"
    )
    rows = read_dataset(tmp_path / "dataset")
    assert [row.id for row in rows] == [c.id for c in clips[:29]]
    assert rows[0].text == "sentence at 0.!"
    train, val = (read_dataset(tmp_path / "dataset", split=split) for split in ("train", "val"))
    assert (len(train), len(val)) == (summary.num_train, summary.num_val)
    assert len(train) + len(val) == 29
    assert val
    assert summary.minutes == pytest.approx(29 * 0.9 / 60)
    for row in rows:
        info = soundfile.info(row.wav)
        assert (info.samplerate, info.channels, info.subtype) == (RATE, 1, "PCM_16")


def test_a_clip_holds_its_own_stretch_of_the_recording(
    tmp_path: Path, recording: Recording, decoded: Callable[[str], Path]
) -> None:
    write_dataset([clip(3.5, 6.5)], {"talk": recording}, tmp_path / "dataset", decoded=decoded, normalise=str)
    samples, _ = soundfile.read(tmp_path / "dataset" / "wavs" / "talk-0003500.wav")
    assert len(samples) == pytest.approx((3.0 + 0.25) * RATE, abs=RATE // 1000)
    original, _ = soundfile.read(decoded("talk"), start=round(3.5 * RATE), frames=3 * RATE)
    inner = slice(RATE // 10, 3 * RATE - RATE // 10)
    ratio = np.dot(samples[inner], original[inner]) / np.dot(original[inner], original[inner])
    assert np.abs(samples[inner] - ratio * original[inner]).max() < 2 / 32768
    assert not samples[3 * RATE + 30 :].any()
    assert abs(samples[0]) < 2 / 32768
    assert np.abs(samples).max() < 1


def test_the_same_input_gives_the_same_bytes_and_cuts_nothing_again(
    tmp_path: Path, recording: Recording, decoded: Callable[[str], Path]
) -> None:
    clips = [clip(n, n + 0.9) for n in range(5)]
    folder = tmp_path / "dataset"
    first = write_dataset(clips, {"talk": recording}, folder, decoded=decoded, normalise=str)
    before = tree(folder)

    def refuse(source: str) -> Path:
        raise AssertionError("nothing needs cutting")

    second = write_dataset(clips, {"talk": recording}, folder, decoded=refuse, normalise=str)
    assert (first.num_written, second.num_written) == (5, 0)
    assert tree(folder) == before
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_a_clip_whose_times_recording_or_options_changed_is_cut_again(
    tmp_path: Path, recording: Recording, decoded: Callable[[str], Path]
) -> None:
    def build(clips: list[Clip], recording: Recording, options: DatasetOptions | None = None) -> int:
        return write_dataset(
            clips, {"talk": recording}, tmp_path / "dataset", decoded=decoded, normalise=str, options=options
        ).num_written

    clips = [clip(n, n + 0.9) for n in range(4)]
    assert build(clips, recording) == 4
    assert build([clip(0, 0.8), *clips[1:]], recording) == 1
    assert build(clips[1:], recording) == 0
    assert not (tmp_path / "dataset" / "wavs" / "talk-0000000.wav").exists()
    assert build(clips[1:], recording, DatasetOptions(denoise=True)) == 3
    assert build(clips[1:], recording, DatasetOptions(denoise=True)) == 0
    assert build(clips[1:], recording, DatasetOptions(fade_ms=9)) == 3
    assert build(clips[1:], Recording(**{**vars(recording), "audio_sha256": "cd" * 32}), DatasetOptions(fade_ms=9)) == 3


def test_a_failed_build_leaves_the_old_dataset_whole(
    tmp_path: Path, recording: Recording, decoded: Callable[[str], Path]
) -> None:
    folder = tmp_path / "dataset"
    write_dataset([clip(0, 1)], {"talk": recording}, folder, decoded=decoded, normalise=str)
    before = tree(folder)
    with pytest.raises(DatasetError, match="after the end of its recording"):
        write_dataset([clip(1, 2), clip(40, 41)], {"talk": recording}, folder, decoded=decoded, normalise=str)
    assert tree(folder) == before


def test_half_a_swap_is_undone(tmp_path: Path, recording: Recording, decoded: Callable[[str], Path]) -> None:
    folder = tmp_path / "dataset"
    write_dataset([clip(0, 1)], {"talk": recording}, folder, decoded=decoded, normalise=str)
    before = tree(folder)
    folder.rename(tmp_path / ".dataset.old")
    recover(folder)
    assert tree(folder) == before


def test_nothing_kept_says_what_took_the_minutes(tmp_path: Path, recording: Recording) -> None:
    clips = [clip(n, n + 1, kept=False, reasons=("too noisy" if n % 3 else "music", "x")) for n in range(9)]
    with pytest.raises(DatasetError, match=r"all 9 clips, 0\.1 minutes.*too noisy 0\.1 min, music 0\.1 min") as caught:
        write_dataset(clips, {"talk": recording}, tmp_path / "dataset", decoded=lambda _: tmp_path, normalise=str)
    assert "report.html" in str(caught.value.hint)
    assert not (tmp_path / "dataset").exists()


def test_a_clip_without_words_is_dropped_with_a_reason() -> None:
    clips = drop_wordless([clip(0, 1, "♪"), clip(1, 2, "Yes."), clip(2, 3, "♪", kept=False, reasons=("a",))], str)
    assert [c.reasons for c in clips] == [("no_text",), (), ("a",)]


def test_the_card_says_what_the_kept_texts_are_thin_in(
    tmp_path: Path, recording: Recording, decoded: Callable[[str], Path]
) -> None:
    clips = [clip(0, 1, "The boys enjoy it."), clip(1, 2, "A vision.", kept=False, reasons=("noisy",))]
    arguments = {"decoded": decoded, "normalise": str}
    write_dataset(clips, {"talk": recording}, tmp_path / "dataset", **arguments, lexicon=open_lexicon())  # type: ignore[arg-type]
    card = (tmp_path / "dataset" / "card.md").read_text()
    assert "## Coverage" in card
    thin = next(line for line in card.splitlines() if line.startswith("- phonemes: thin in"))
    assert {r"ZH \(0\)", r"OY \(2\)"} <= set(thin.removeprefix("- phonemes: thin in ").split(", "))
    assert "clone-pipeline prompts" in card


def test_the_card_has_the_provenance_and_shows_a_hostile_title_as_text(
    tmp_path: Path, recording: Recording, decoded: Callable[[str], Path]
) -> None:
    write_dataset(
        [clip(0, 1)], {"talk": recording}, tmp_path / "dataset", decoded=decoded, normalise=str, name="ada",
        transcribers={"talk": "captions: Whisper's weights are not cached"},
    )  # fmt: skip
    card = (tmp_path / "dataset" / "card.md").read_text()
    for expected in (
        "2024-05-01",
        "not stated by the page",
        "ab" * 32,
        "automatic, language en",
        "consent",
        "-23 LUFS",
    ):
        assert expected in card
    assert "Whisper's weights are not cached" in card
    assert r"A \[talk\]\(javascript:x\) \<b\>" in card
    assert str(tmp_path) not in card


def test_long_pauses_are_left_out_of_the_sound_and_of_the_minutes(
    tmp_path: Path, recording: Recording, decoded: Callable[[str], Path]
) -> None:
    paused = clip(10.0, 14.0, pauses=(Span(start_s=11.0, end_s=12.5),))
    write = {"decoded": decoded, "normalise": str.lower, "options": DatasetOptions(tail_s=0.0)}
    summary = write_dataset([paused], {"talk": recording}, tmp_path / "dataset", **write)  # type: ignore[arg-type]
    length_s = soundfile.info(tmp_path / "dataset" / "wavs" / f"{paused.id}.wav").duration
    assert length_s == pytest.approx(2.5, abs=0.02)
    assert summary.minutes == pytest.approx(2.5 / 60)
    whole = clip(10.0, 14.0)
    again = write_dataset([whole], {"talk": recording}, tmp_path / "dataset", **write)  # type: ignore[arg-type]
    assert again.num_written == 1


def test_a_dataset_with_lowered_noise_says_so_and_others_do_not(
    tmp_path: Path, recording: Recording, decoded: Callable[[str], Path]
) -> None:
    folder = tmp_path / "dataset"
    assert not was_denoised(folder)
    sizes = {}
    for denoise in (False, True):
        options = DatasetOptions(denoise=denoise)
        write_dataset([clip(4, 6)], {"talk": recording}, folder, decoded=decoded, normalise=str.lower, options=options)
        assert was_denoised(folder) == denoise
        assert ("noisereduce" in (folder / "card.md").read_text(encoding="utf-8")) == denoise
        samples, _ = soundfile.read(folder / "wavs" / "talk-0004000.wav")
        sizes[denoise] = np.sqrt(np.mean(samples[round(1.2 * RATE) : round(1.8 * RATE)] ** 2))  # noise alone
    assert sizes[True] < 0.5 * sizes[False]
