"""One clip, learnt by heart: if this fails, nothing larger will work."""

from pathlib import Path

import librosa
import numpy as np
import pytest
import torch

from dctts.audio import loudness_normalise
from dctts.config import AudioConfig, text2mel_config
from dctts.corpus import Example, waveform_to_mel
from dctts.decode import decode
from dctts.lexicon import open_lexicon
from dctts.retry import PAUSES
from dctts.text import encode
from dctts.text2mel import Text2Mel
from dctts.text2mel_task import Text2MelRecipe, Text2MelTask
from dctts.train import TrainOptions, train

TEXT = "The birch canoe slid on the smooth planks."


def spoken_clip() -> Example:
    from pipeline.demo.espeak import EspeakVoice, open_espeak

    said = open_espeak().speak(TEXT, EspeakVoice(name="en-us"))
    config = AudioConfig()
    wave = said.samples.astype(np.float32) / 32768
    wave = librosa.resample(wave, orig_sr=said.sample_rate_hz, target_sr=config.sample_rate_hz)
    wave = np.concatenate([loudness_normalise(wave.astype(np.float32)), np.zeros(6000, np.float32)])
    samples = torch.from_numpy((wave * 32767).astype(np.int16))
    return Example(
        id="birch",
        speaker="espeak",
        text=TEXT,
        wave=samples,
        mel=waveform_to_mel(samples.float() / 32768, config).half(),
        voice=torch.ones(256) / 16,
        phone_times=torch.zeros(0, 3),
    )


@pytest.mark.slow
def test_one_clip_is_repeated_from_its_text_with_a_diagonal_attention(tmp_path: Path) -> None:
    clip, audio, lexicon = spoken_clip(), AudioConfig(), open_lexicon()
    torch.manual_seed(0)
    network = Text2Mel(text2mel_config("small", 106, dropout=0.0))
    recipe = Text2MelRecipe(phoneme_probability=1.0, corrupt_from=100, corrupt_ramp=100)
    task = Text2MelTask(network, [clip], [clip], recipe=recipe, audio=audio, lexicon=lexicon)
    options = TrainOptions(steps=300, warmup_steps=30, validate_every=100, save_every=300, average_decay=0.98)
    train(task, options, tmp_path, name="text2mel")
    network.eval()
    ids = encode(TEXT, lexicon=lexicon)
    frames = len(clip.mel[::4])
    [said] = decode(network, [ids], clip.voice, symbols_per_frame=len(ids) / frames, pauses=PAUSES)
    assert said.reached_end
    assert said.forced_rate < 0.05
    assert 0.8 < len(said.coarse) / frames < 1.2
    expected = torch.linspace(0, len(ids) - 1, len(said.coarse))
    assert (said.position - expected).abs().mean() < 0.12 * len(ids)
    length = min(frames, len(said.coarse))
    truth = clip.mel[::4][:length].float()
    own = (said.coarse[:length] - truth).abs().mean()
    mean_frame = (truth.mean(dim=0) - truth).abs().mean()
    assert own < 0.7 * mean_frame  # 0.58 here: it is said as fast or as slow as it likes, and a frame early costs
