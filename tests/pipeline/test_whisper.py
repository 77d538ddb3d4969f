"""Whisper's own loading and decoding, on a tiny checkpoint with random weights in OpenAI's format: the plumbing."""

import pickle
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import soundfile
import torch
import whisper
from whisper.model import ModelDimensions, Whisper

from pipeline.errors import TranscribeError
from pipeline.records import Span, Utterance, Word
from pipeline.transcribe import choose_transcriber
from pipeline.transcribe.whisper import WhisperTranscriber, load_whisper
from pipeline.transcribe.whisper_decoding import Heard, WhisperDecoder, WhisperOptions
from pipeline.transcribe.windows import Window
from pipeline.transcribe.workers import Workers

# openai-whisper leaves the file of its vocabulary open for the garbage collector
pytestmark = [
    pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

SPANS = [Span(start_s=0.5 * k, end_s=0.5 * k + 1.0 + 0.2 * k) for k in range(5)]


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    torch.manual_seed(0)
    dims = ModelDimensions(
        n_mels=80, n_audio_ctx=1500, n_audio_state=32, n_audio_head=2, n_audio_layer=1,
        n_vocab=51865, n_text_ctx=12, n_text_state=32, n_text_head=2, n_text_layer=1,
    )  # fmt: skip
    path = tmp_path_factory.mktemp("weights") / "random.pt"
    weights = Whisper(dims).state_dict()
    for tensor in weights.values():  # positions are left uninitialised by Whisper, as it always loads them
        tensor.normal_(0, 0.1)
    torch.save({"dims": asdict(dims), "model_state_dict": weights}, path)
    return path


@pytest.fixture(scope="module")
def wav(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("talk") / "talk.wav"
    soundfile.write(path, np.random.default_rng(0).normal(0, 0.1, 80_000), 16_000, subtype="PCM_16")
    return path


def says(*calls: Sequence[str]) -> Callable[..., list[Heard]]:
    """Stand in for weights: each call hears the next texts, one for each window."""
    waiting = list(calls)
    measures = {"logprob": -0.2, "no_speech_prob": 0.01}

    def hear(self: WhisperDecoder, wav: Path, windows: Sequence[Window], progress: object) -> list[Heard]:
        texts = zip(windows, waiting.pop(0), strict=True)
        return [Heard(spans=window, text=text, measures=measures) for window, text in texts]

    return hear


def transcribed(checkpoint: Path, wav: Path, spans: list[Span], batch: int) -> list[Utterance]:
    model, _ = load_whisper(str(checkpoint), "cpu")
    options = WhisperOptions(batch=batch, temperatures=(0.0,), bf16=False)
    return list(
        WhisperTranscriber(model=model, options=options, workers=Workers(1)).transcribe(wav, spans, source="talk")
    )


def test_a_batch_gives_what_each_span_gives_alone_in_the_order_of_the_spans(checkpoint: Path, wav: Path) -> None:
    together = transcribed(checkpoint, wav, SPANS, batch=3)
    alone = [transcribed(checkpoint, wav, [span], batch=1)[0] for span in SPANS]
    assert [u.span for u in together] == SPANS
    assert [u.witnesses for u in together] == [u.witnesses for u in alone]
    for one, other in zip(together, alone, strict=True):
        assert one.measures["logprob"] == pytest.approx(other.measures["logprob"], abs=1e-2)


def decoder(checkpoint: Path, **options: Any) -> WhisperDecoder:
    model, _ = load_whisper(str(checkpoint), "cpu")
    settings = WhisperOptions(**{"temperatures": (0.0,), "most_compression": 1e9, "bf16": False, **options})
    return WhisperDecoder(model=model, language="en", options=settings)


def test_a_window_that_fails_is_heard_span_by_span_and_its_neighbours_in_the_batch_are_not(
    checkpoint: Path, wav: Path
) -> None:
    windows = [tuple(SPANS[:2]), tuple(SPANS[2:])]
    logprobs = [one.avg_logprob for one in decoder(checkpoint)._decode(wav, windows)]
    worse, between = logprobs.index(min(logprobs)), sum(logprobs) / 2
    heard = decoder(checkpoint, least_logprob=between, most_no_speech=2.0).hear(wav, windows)
    parts = [[(span,) for span in window] if k == worse else [window] for k, window in enumerate(windows)]
    assert [one.spans for one in heard] == [window for part in parts for window in part]


def test_a_window_that_seems_silent_is_heard_span_by_span(checkpoint: Path, wav: Path) -> None:
    heard = decoder(checkpoint, least_logprob=0.0, most_no_speech=-1.0).hear(wav, [tuple(SPANS)])
    assert [(one.spans, one.text) for one in heard] == [((span,), "") for span in SPANS]


def test_the_words_of_a_window_are_found_in_its_spans(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wav, spans, texts = two_sentences(shared, tmp_path)
    monkeypatch.setattr(WhisperDecoder, "hear", says([" ".join(texts)]))
    transcriber = WhisperTranscriber(model=None, workers=Workers(1))
    found = list(transcriber.transcribe(wav, spans, source="talk"))
    for span, text in zip(spans, texts, strict=True):
        own = [word.text for one in found for word in one.words if span.start_s <= word.start_s < span.end_s]
        assert " ".join(own) == text


@pytest.mark.parametrize("whole", ["", "The", "zzz qqq " * 40])
def test_a_window_whose_words_do_not_fit_its_spans_is_heard_again_span_by_span(
    shared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, whole: str
) -> None:
    wav, spans, texts = two_sentences(shared, tmp_path)
    monkeypatch.setattr(WhisperDecoder, "hear", says([whole], texts))
    transcriber = WhisperTranscriber(model=None, workers=Workers(1))
    assert " ".join(one.text for one in transcriber.transcribe(wav, spans, source="talk")) == " ".join(texts)


def two_sentences(shared: Path, folder: Path) -> tuple[Path, list[Span], list[str]]:
    """Two sentences of one reader with half a second of silence between them."""
    rows = (shared / "data" / "arctic_bdl" / "metadata.csv").read_text(encoding="utf-8").splitlines()[:2]
    pieces, spans, texts = [], [], []
    at = 0
    for name, text, *_ in (row.split("|") for row in rows):
        samples, rate = soundfile.read(shared / "data" / "arctic_bdl" / "wavs" / f"{name}.ogg", dtype="float32")
        assert rate == 16_000
        pieces += [samples, np.zeros(8_000, np.float32)]
        spans.append(Span(start_s=at / rate, end_s=(at + len(samples)) / rate))
        texts.append(text)
        at += len(samples) + 8_000
    wav = folder / "two.wav"
    soundfile.write(wav, np.concatenate(pieces), 16_000, subtype="PCM_16")
    return wav, spans, texts


def test_a_second_run_gives_the_same_at_every_temperature(checkpoint: Path, wav: Path) -> None:
    model, _ = load_whisper(str(checkpoint), "cpu")
    options = WhisperOptions(batch=2, temperatures=(0.0, 0.8), least_logprob=0.0, bf16=False)
    transcriber = WhisperTranscriber(model=model, options=options, workers=Workers(1))
    first, second = (list(transcriber.transcribe(wav, SPANS[:3], source="talk")) for _ in range(2))
    assert first == second


def test_bf16_decodes(checkpoint: Path, wav: Path) -> None:
    model, _ = load_whisper(str(checkpoint), "cpu")
    options = WhisperOptions(temperatures=(0.0,), bf16=True)
    assert (
        len(
            list(
                WhisperTranscriber(model=model, options=options, workers=Workers(1)).transcribe(
                    wav, SPANS, source="talk"
                )
            )
        )
        == 5
    )


@pytest.mark.parametrize(("punctuated", "language"), [(False, "en"), (True, "en"), (False, "de")])
def test_captions_are_the_other_witness_and_give_the_text_where_they_have_punctuation(
    checkpoint: Path, wav: Path, monkeypatch: pytest.MonkeyPatch, punctuated: bool, language: str
) -> None:
    class Track:
        words = (Word(text="hello", start_s=0.2, end_s=0.6),)
        cues = ()
        kind_guess = "manual"

        def __init__(self) -> None:
            self.punctuated = punctuated

    model, _ = load_whisper(str(checkpoint), "cpu")
    transcriber = WhisperTranscriber(
        model=model,
        captions=Track(),
        options=WhisperOptions(temperatures=(0.0,)),
        workers=Workers(1),
        language=language,
    )
    monkeypatch.setattr(WhisperDecoder, "hear", says(["Hello."]))
    (one,) = transcriber.transcribe(wav, [Span(start_s=0, end_s=1)], source="talk")
    assert one.witnesses == {"whisper": "hello" if punctuated else "Hello.", "captions": "hello"}
    assert one.text == ("hello" if punctuated else "Hello.")
    assert one.measures["agreement_cer"] >= 0
    assert "logprob" in one.measures


def test_a_path_is_a_model_name_and_the_line_says_so(checkpoint: Path) -> None:
    transcriber, line = choose_transcriber("whisper", captions=None, model=str(checkpoint), device="cpu")
    assert isinstance(transcriber, WhisperTranscriber)
    assert "Whisper" in line
    assert "from a file" in line


def test_an_unknown_model_is_named_with_the_known_ones() -> None:
    with pytest.raises(TranscribeError, match="hugest") as caught:
        load_whisper("hugest")
    assert caught.value.hint is not None
    assert "tiny" in caught.value.hint


def test_a_file_that_is_no_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "fake.pt"
    path.write_bytes(b"not a checkpoint")
    with pytest.raises(TranscribeError, match=r"fake\.pt"):
        load_whisper(str(path))


class _Trap:
    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple[object, tuple[Path]]:
        return Path.touch, (self.mark,)


def test_code_in_a_checkpoint_does_not_run(tmp_path: Path) -> None:
    path = tmp_path / "trap.pt"
    torch.save({"dims": {}, "model_state_dict": _Trap(tmp_path / "ran")}, path, pickle_module=pickle)
    with pytest.raises(TranscribeError):
        load_whisper(str(path))
    assert not (tmp_path / "ran").exists()


def test_weights_that_cannot_be_had_fall_back_and_the_line_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setitem(whisper._MODELS, "tiny", "http://127.0.0.1:9/hash/tiny.pt")  # nothing listens on discard
    transcriber, line = choose_transcriber("auto", captions=None, model="tiny")
    assert "PocketSphinx alone" in line
    assert "tiny is not cached and cannot be downloaded" in line
    assert not isinstance(transcriber, WhisperTranscriber)
    with pytest.raises(TranscribeError, match="cannot be downloaded"):
        choose_transcriber("whisper", captions=None, model="tiny")


def test_captions_are_asked_for_but_there_are_none() -> None:
    with pytest.raises(TranscribeError, match="no captions"):
        choose_transcriber("captions", captions=None)


def test_only_whisper_knows_other_languages() -> None:
    with pytest.raises(TranscribeError, match="'ru'"):
        choose_transcriber("pocketsphinx", captions=None, language="ru")


def test_an_unknown_transcriber_is_a_slip_of_the_caller() -> None:
    with pytest.raises(ValueError, match="'ear'"):
        choose_transcriber("ear", captions=None)
