"""A clip small enough to embed: as MP3 to hear and as a picture of its spectrogram to see."""

import io

import numpy as np
import numpy.typing as npt
import soundfile
from PIL import Image

_NUM_BANDS = 40
_TOP_HZ = 8_000.0
_RANGE_DB = 65.0
_PIXELS_PER_S = 30
_MAX_WIDTH = 240
# After matplotlib's "magma": its lightness rises evenly, so it reads without telling colours apart.
_STOPS = ((0, 0, 4), (40, 17, 89), (114, 31, 129), (183, 55, 121), (241, 96, 93), (254, 175, 119), (252, 253, 191))


def mp3(samples: npt.NDArray[np.float32], sample_rate_hz: int) -> bytes:
    """Encode a mono clip at some 32 kbit/s; the same samples give the same bytes.

    MP3 is the one format that every browser plays; at 16 kHz with a variable rate it takes 5 ms a second of sound, a
    constant rate at 24 kHz 10 ms, Opus 29 ms and never the same bytes twice.

    Args:
        samples: ±1 full scale, float[num_samples].
        sample_rate_hz: of the samples, one that MPEG layer III has, such as 16,000.
    """
    buffer = io.BytesIO()
    with soundfile.SoundFile(
        buffer, "w", sample_rate_hz, 1, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.7,
        bitrate_mode="VARIABLE",
    ) as file:  # fmt: skip
        file.write(samples.clip(-1, 1))
    return buffer.getvalue()


def spectrogram(samples: npt.NDArray[np.float32], sample_rate_hz: int) -> bytes:
    """Draw a spectrogram: time to the right, 0 to 8 kHz upwards with the low bands spread, as on a mel scale.

    Args:
        samples: ±1 full scale, float[num_samples], at least one.
        sample_rate_hz: of the samples.

    Returns:
        A WebP, 40 pixels high, 30 a second and at most 240 wide: some 1 kB, a third of what a PNG takes.
    """
    size = 1 << max(6, round(np.log2(0.032 * sample_rate_hz)))
    hop = max(1, sample_rate_hz // 100)
    padded = np.pad(samples, size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop] * np.hanning(size).astype(np.float32)
    power = np.abs(np.fft.rfft(frames).T) ** 2
    bands = _bands(power.shape[0], sample_rate_hz).astype(np.float32) @ power
    decibels = 10 * np.log10(bands + 1e-12)
    level = np.clip((decibels - decibels.max()) / _RANGE_DB + 1, 0, 1)
    width = int(np.clip(len(samples) / sample_rate_hz * _PIXELS_PER_S, 8, _MAX_WIDTH))
    image = Image.fromarray((level[::-1] * 255).astype(np.uint8)).resize((width, _NUM_BANDS), Image.Resampling.BOX)
    image.putpalette(_palette())
    buffer = io.BytesIO()
    image.convert("RGB").save(buffer, "WEBP", quality=50, method=4)
    return buffer.getvalue()


def _bands(num_bins: int, sample_rate_hz: int) -> npt.NDArray[np.float64]:
    """Make overlapping triangles of equal width in mel, float[bands, bins], each of unit sum."""
    top = min(_TOP_HZ, sample_rate_hz / 2)
    edges = 700 * (np.exp(np.linspace(0, np.log1p(top / 700), _NUM_BANDS + 2)) - 1)
    hertz = np.linspace(0, sample_rate_hz / 2, num_bins)
    rising = (hertz - edges[:-2, None]) / (edges[1:-1] - edges[:-2])[:, None]
    falling = (edges[2:, None] - hertz) / (edges[2:] - edges[1:-1])[:, None]
    triangles = np.clip(np.minimum(rising, falling), 0, None) + 1e-9
    return np.asarray(triangles / triangles.sum(axis=1, keepdims=True))


def _palette() -> list[int]:
    stops = np.array(_STOPS)
    place = np.linspace(0, len(stops) - 1, 256)
    return [
        int(value)
        for row in np.stack([np.interp(place, range(len(stops)), stops[:, c]) for c in range(3)], axis=1)
        for value in row
    ]
