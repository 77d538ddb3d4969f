"""What shapes the weights: saved inside every checkpoint, read back from it, never from the command line."""

from dataclasses import asdict, dataclass, fields
from typing import Any, Self


class _Saved:
    """To and from the plain dictionary that travels in a checkpoint."""

    def to_dict(self) -> dict[str, Any]:
        """Give the settings as plain JSON values."""
        return asdict(self)  # type: ignore[call-overload, no-any-return]

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Self:
        """Rebuild the settings; an unknown or missing key is a `ValueError` that names it."""
        known = {field.name for field in fields(cls)}  # type: ignore[arg-type]
        if set(values) != known:
            raise ValueError(f"{cls.__name__}: unexpected {sorted(set(values) ^ known)}")
        return cls(**values)


@dataclass(frozen=True, kw_only=True)
class AudioConfig(_Saved):
    """How sound becomes frames: exactly HiFi-GAN's mel, so that its vocoders fit (jik876/hifi-gan, meldataset.py)."""

    sample_rate_hz: int = 22_050
    n_fft: int = 1024
    """Samples in the Hann window and in the transform."""
    hop_samples: int = 256
    """11.6 ms; n_fft is a whole number of hops."""
    num_mels: int = 80
    f_min_hz: float = 0.0
    f_max_hz: float = 8000.0
    mel_floor: float = 1e-5
    """Clamp before the natural logarithm; maps to 0."""
    mel_ceiling: float = 8.0
    """Maps to 1. Speech at -20 LUFS peaks near e² = 7.4."""
    linear_floor: float = 1e-3
    """Below the noise of 16-bit sound (magnitude 4e-4 to 1e-3 here); maps to 0."""
    linear_ceiling: float = 256.0
    """Half the window's sum: a full-scale sine; maps to 1."""
    reduction: int = 4
    """r of the paper: Text2Mel predicts every 4th mel frame (46 ms), SSRN the rest."""

    @property
    def num_bins(self) -> int:
        """Linear frequency bins F′."""
        return self.n_fft // 2 + 1

    @property
    def coarse_frames_per_s(self) -> float:
        """Frames per second that Text2Mel predicts: 21.5."""
        return self.sample_rate_hz / self.hop_samples / self.reduction


@dataclass(frozen=True, kw_only=True)
class Text2MelConfig(_Saved):
    """Sizes of Text2Mel (arXiv:1710.08969, section 4)."""

    num_symbols: int
    """Entries of the symbol table; id 0 is padding."""
    num_mels: int = 80
    channels: int = 256
    """d of the paper: width of the audio side and of the keys and values."""
    text_channels: int = 512
    """Width of the text encoder, 2d in the paper; another width adds one projection to 2d."""
    embedding: int = 128
    """e of the paper."""
    speaker_dim: int = 256
    """Size of the speaker vector that modulates late layers; 0 leaves the conditioning out (plain DC-TTS)."""
    speaker_bottleneck: int = 64
    dropout: float = 0.05


@dataclass(frozen=True, kw_only=True)
class SSRNConfig(_Saved):
    """Sizes of the spectrogram super-resolution network (arXiv:1710.08969, section 4)."""

    num_mels: int = 80
    num_bins: int = 513
    channels: int = 512
    """c of the paper."""
    dropout: float = 0.05


@dataclass(frozen=True, kw_only=True)
class EncoderConfig(_Saved):
    """Sizes of the speaker encoder of our own."""

    channels: int = 96
    dilations: tuple[int, ...] = (1, 2, 3, 4)
    """One highway block of kernel 3 each."""
    pooled: int = 256
    """Width of the frames that are pooled."""
    attention: int = 64
    dimensions: int = 192
    """Of the speaker vector."""
    dropout: float = 0.05

    def __post_init__(self) -> None:
        object.__setattr__(self, "dilations", tuple(self.dilations))  # JSON knows lists only


TEXT2MEL_SIZES = {
    "tiny": {"channels": 64, "text_channels": 128, "embedding": 64},
    "small": {"channels": 128, "text_channels": 256},
    "medium": {"channels": 256, "text_channels": 256},
    "paper": {"channels": 256, "text_channels": 512},
}
SSRN_SIZES = {
    "tiny": {"channels": 64},
    "small": {"channels": 256},
    "medium": {"channels": 256},
    "paper": {"channels": 512},
}


def text2mel_config(size: str, num_symbols: int, **changes: Any) -> Text2MelConfig:
    """Settings of a named size: tiny (tests), small (¼ of the cost), medium (fits 40 MB with SSRN), paper (24 M)."""
    return Text2MelConfig(num_symbols=num_symbols, **{**TEXT2MEL_SIZES[size], **changes})


def ssrn_config(size: str, **changes: Any) -> SSRNConfig:
    """Settings of a named size, as for `text2mel_config`."""
    return SSRNConfig(**{**SSRN_SIZES[size], **changes})
