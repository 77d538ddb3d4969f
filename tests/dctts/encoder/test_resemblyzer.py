import importlib
import warnings
from pathlib import Path

import librosa
import numpy as np
import pytest
import soundfile
import torch
from numpy.typing import NDArray

from dctts.encoder.partials import mel_filters, speech
from dctts.encoder.resemblyzer import SpeakerEncoder, similarity
from dctts.errors import AudioError, CheckpointError

Wave = NDArray[np.float32]


@pytest.fixture(scope="module")
def encoder() -> SpeakerEncoder:
    return SpeakerEncoder()


def voice(pitch_hz: float, duration_s: float, sample_rate_hz: int = 16_000, seed: int = 0) -> Wave:
    time_s = np.arange(round(duration_s * sample_rate_hz)) / sample_rate_hz
    chance = np.random.default_rng(seed)
    sound = sum(np.sin(2 * np.pi * pitch_hz * n * time_s + chance.uniform(0, 6)) / n for n in range(1, 25))
    return np.asarray(0.1 * sound * (0.6 + 0.4 * np.sin(8 * np.pi * time_s)), dtype=np.float32)


def test_a_vector_is_a_float32_unit_vector_of_256(encoder: SpeakerEncoder) -> None:
    vector = encoder.embed(voice(120, 3), 16_000)
    assert vector.shape == (256,)
    assert vector.dtype == np.float32
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-6)


def test_a_batch_gives_what_single_clips_give_and_none_where_nobody_speaks(encoder: SpeakerEncoder) -> None:
    wavs = [voice(120, 3), np.zeros(16_000, dtype=np.float32), voice(220, 7), voice(180, 0.7), np.zeros(0, np.float32)]
    batch = encoder.embed_batch(wavs, 16_000)
    assert [vector is None for vector in batch] == [False, True, False, False, True]
    for vector, wav in zip(batch, wavs, strict=True):
        if vector is not None:
            assert similarity(vector, encoder.embed(wav, 16_000)) == pytest.approx(1, abs=1e-5)


def test_another_sample_rate_changes_little(encoder: SpeakerEncoder) -> None:
    assert similarity(encoder.embed(voice(120, 3), 16_000), encoder.embed(voice(120, 3, 22_050), 22_050)) > 0.95


def test_quiet_clips_are_raised_to_one_level() -> None:
    quiet = voice(120, 3) * np.float32(0.02)
    np.testing.assert_allclose(speech(quiet, 16_000), speech(quiet * np.float32(0.1), 16_000), atol=1e-6)


@pytest.mark.parametrize("wav", [np.zeros(32_000, np.float32), np.zeros(0, np.float32), np.full(90, 0.1, np.float32)])
def test_a_clip_without_speech_is_refused(encoder: SpeakerEncoder, wav: Wave) -> None:
    with pytest.raises(AudioError, match="no speech found"):
        encoder.embed(wav, 16_000)
    with pytest.raises(AudioError, match="no speech found"):
        encoder.embed_speaker([wav, wav], 16_000)


def test_the_vector_of_a_speaker_is_the_mean_of_its_clips(encoder: SpeakerEncoder) -> None:
    wavs = [voice(120, 3), np.zeros(16_000, np.float32), voice(125, 4, seed=1)]
    vectors = [encoder.embed(wavs[0], 16_000), encoder.embed(wavs[2], 16_000)]
    assert similarity(encoder.embed_speaker(wavs, 16_000), np.mean(vectors, axis=0)) == pytest.approx(1, abs=1e-6)


def test_the_filter_bank_is_librosas() -> None:
    np.testing.assert_allclose(mel_filters(), librosa.filters.mel(sr=16_000, n_fft=400, n_mels=40), atol=1e-7)


def test_weights_that_would_run_code_or_are_none_are_refused(tmp_path: Path) -> None:
    torch.save({"model_state": Path("/etc/passwd")}, tmp_path / "pickle.pt")
    (tmp_path / "text.pt").write_text("no weights", "utf-8")
    torch.save({"model_state": {}}, tmp_path / "empty.pt")
    for name in ("pickle.pt", "text.pt", "empty.pt", "absent.pt"):
        with pytest.raises(CheckpointError, match=name.split(".")[0]):
            SpeakerEncoder(weights=tmp_path / name)


@pytest.mark.slow
def test_vectors_are_those_of_resemblyzer(encoder: SpeakerEncoder, shared: Path) -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        resemblyzer = importlib.import_module("resemblyzer")
        theirs = resemblyzer.VoiceEncoder("cpu", verbose=False)
        for file in sorted((shared / "data" / "arctic_bdl" / "wavs").glob("*.ogg"))[:4]:
            wav, rate = soundfile.read(file, dtype="float32")
            reference = theirs.embed_utterance(resemblyzer.preprocess_wav(wav, rate))
            np.testing.assert_allclose(encoder.embed(wav, rate), reference, atol=1e-5)


@pytest.mark.slow
def test_one_speaker_is_nearer_to_himself_than_to_another(encoder: SpeakerEncoder, shared: Path) -> None:
    vectors = {}
    for speaker in ("arctic_bdl", "arctic_slt"):
        files = sorted((shared / "data" / speaker / "wavs").glob("*.ogg"))[:6]
        vectors[speaker] = [encoder.embed(*soundfile.read(file, dtype="float32")) for file in files]
    first, *rest = vectors["arctic_bdl"]
    assert min(similarity(first, other) for other in rest) > max(
        similarity(first, other) for other in vectors["arctic_slt"]
    )
