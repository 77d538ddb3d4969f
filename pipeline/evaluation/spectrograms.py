"""A real reading and the voice's own, side by side on one scale."""

import io
from math import log

import numpy as np
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from numpy.typing import NDArray

from dctts.audio import mel_from_unit
from dctts.config import AudioConfig
from dctts.corpus import waveform_to_mel
from dctts.pictures import COLOURS

_DB = 20 / log(10)
_TICKS_HZ = (250, 500, 1000, 2000, 4000, 8000)


def pair_png(real: NDArray[np.float32], made: NDArray[np.float32], audio: AudioConfig) -> bytes:
    """Draw both mel spectrograms, the real one left: seconds to the right, mel bands upwards, level in dB."""
    import librosa

    mels = [_DB * mel_from_unit(waveform_to_mel(torch.from_numpy(wave), audio), audio).numpy() for wave in (real, made)]
    longest = max(len(mel) for mel in mels)
    top = max(float(mel.max()) for mel in mels)
    bands = librosa.mel_frequencies(audio.num_mels, fmin=audio.f_min_hz, fmax=audio.f_max_hz)
    figure = Figure(figsize=(10, 2.6), layout="constrained")
    FigureCanvasAgg(figure)
    left, right = figure.subplots(1, 2, sharex=True, sharey=True)
    for axes, mel, title in ((left, mels[0], "real"), (right, mels[1], "synthetic")):
        shown = axes.imshow(
            mel.T, origin="lower", aspect="auto", cmap=COLOURS, vmin=top - 80, vmax=top,
            extent=(0, len(mel) * audio.hop_samples / audio.sample_rate_hz, 0, audio.num_mels),
        )  # fmt: skip
        axes.set(title=title, xlabel="s", xlim=(0, longest * audio.hop_samples / audio.sample_rate_hz))
        axes.set_facecolor("#e8e8e8")
    ticks = [hz for hz in _TICKS_HZ if hz < audio.f_max_hz]
    left.set_yticks(np.interp(ticks, bands, np.arange(audio.num_mels) + 0.5), [f"{hz / 1000:g}" for hz in ticks])
    left.set_ylabel("kHz")
    figure.colorbar(shown, ax=(left, right), label="dB", pad=0.01)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=80, metadata={"Software": None})
    return buffer.getvalue()
