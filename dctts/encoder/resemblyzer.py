"""Who speaks: the GE2E speaker encoder with the weights that Resemblyzer's wheel carries.

Only the weights are taken from the package: its own code embeds one clip at a time, imports modules that SciPy has
deprecated, and needs two seconds of librosa for one filter bank. What any encoder of partial utterances does is
`PartialsEncoder`; `dctts.encoder.own` is the other one.

N clips, P partial utterances of 160 frames, 40 mel bands, D dimensions (256 of Resemblyzer's).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from dctts.encoder.partials import BANDS, MelFrames, Wave, voiced
from dctts.errors import AudioError, CheckpointError

DIMENSIONS = 256
_BATCH_PARTIALS = 128
"""Partial utterances through the network at once: beyond, more memory and no more speed."""


@dataclass(frozen=True, kw_only=True)
class Windows:
    """The partial utterances of one clip, 1.6 s each, 1.3 a second."""

    vectors: Wave
    """float32[P, D], each of norm 1."""
    start_s: NDArray[np.float64]
    """float64[P], from the start of the clip; silences that were cut away counted."""

    @property
    def mean(self) -> Wave:
        """The clip's own vector, float32[D] of norm 1."""
        return _unit(self.vectors.mean(axis=0))


class PartialsEncoder:
    """Map speech to a unit vector: the nearer two vectors, the likelier one speaker.

    Args:
        network: Tensor[P, 160, 40] of mel power → unit vectors Tensor[P, D].
        device: where it runs; the results are NumPy arrays in any case.
    """

    def __init__(self, network: nn.Module, device: str | torch.device) -> None:
        self._device = torch.device(device)
        self._network = network.eval().to(self._device)
        self._mels = MelFrames(self._device)

    def embed(self, wav: Wave, sample_rate_hz: int) -> Wave:
        """Return the speaker vector of one clip, float32[D] of norm 1.

        Args:
            wav: mono samples in [-1, 1], float32[samples].
            sample_rate_hz: their rate; resampled to 16 kHz where it differs.

        Raises:
            AudioError: no speech is left after silence is cut away.
        """
        (vector,) = self.embed_batch([wav], sample_rate_hz)
        if vector is None:
            raise AudioError(
                f"no speech found in {len(wav) / sample_rate_hz:.1f} s of audio", hint="give a clip with clear speech"
            )
        return vector

    def embed_batch(self, wavs: Sequence[Wave], sample_rate_hz: int) -> list[Wave | None]:
        """Return the vector of each clip as `embed` does, None for one without speech; much faster than one by one."""
        windows = self.embed_windows(wavs, sample_rate_hz)
        return [None if one is None else one.mean for one in windows]

    def embed_windows(self, wavs: Sequence[Wave], sample_rate_hz: int) -> list[Windows | None]:
        """Return what `embed_batch` takes the mean of: who speaks when in each clip, None for one without speech."""
        clips = [voiced(wav, sample_rate_hz) for wav in wavs]
        slices = [self._mels.partials(clip.wave) for clip in clips]
        mels = [partials for partials in slices if partials is not None]
        if not mels:
            return [None] * len(wavs)
        with torch.inference_mode():
            vectors = torch.cat(
                [self._network(part) for part in torch.split(torch.cat(mels), _BATCH_PARTIALS)]
            )  # (P, D)
        found = iter(torch.split(vectors, [len(partials) for partials in mels]))
        return [
            None
            if partials is None
            else Windows(vectors=next(found).cpu().numpy(), start_s=clip.start_s(len(partials)))
            for partials, clip in zip(slices, clips, strict=True)
        ]

    def embed_speaker(self, wavs: Sequence[Wave], sample_rate_hz: int) -> Wave:
        """Return the vector of one speaker from several clips, float32[D] of norm 1: the mean of their vectors.

        Raises:
            AudioError: there is no speech in any of them.
        """
        vectors = [vector for vector in self.embed_batch(wavs, sample_rate_hz) if vector is not None]
        if not vectors:
            raise AudioError(f"no speech found in any of {len(wavs)} clips", hint="give clips with clear speech")
        return _unit(np.mean(vectors, axis=0))


class SpeakerEncoder(PartialsEncoder):
    """The encoder whose vectors condition the voices: Resemblyzer's.

    Args:
        device: where the network runs.
        weights: a file in Resemblyzer's format; None takes the one in the installed package.

    Raises:
        CheckpointError: the weights are missing or not those of this network.
    """

    def __init__(self, device: str | torch.device = "cpu", weights: Path | None = None) -> None:
        network = _Network()
        path = weights or _packaged_weights()
        try:
            # tensors and plain numbers only: a checkpoint must not run code
            state = torch.load(path, map_location="cpu", weights_only=True)["model_state"]
            network.load_state_dict({name: state[name] for name in network.state_dict()})
        except Exception as error:
            raise CheckpointError(
                f"cannot read the speaker encoder {path}: {error}", hint="pip install --force-reinstall Resemblyzer"
            ) from error
        super().__init__(network, device)


def load_speaker_encoder(device: str = "cpu") -> SpeakerEncoder:
    """Load the packaged speaker encoder (0.15 s); a device that torch does not know is torch's own error."""
    return SpeakerEncoder(device)


def similarity(first: Wave, second: Wave) -> float:
    """Return the cosine of two speaker vectors; of Resemblyzer's in [0, 1], because no component is negative."""
    return float(first @ second / (np.linalg.norm(first) * np.linalg.norm(second)))


def _packaged_weights() -> Path:
    spec = find_spec("resemblyzer")  # finds the package without running it
    if spec is None or spec.origin is None:
        raise CheckpointError("the package Resemblyzer is not installed", hint="pip install Resemblyzer")
    return Path(spec.origin).parent / "pretrained.pt"


def _unit(vector: Wave) -> Wave:
    return (vector / np.linalg.norm(vector)).astype(np.float32)


class _Network(nn.Module):
    """Three LSTM layers, the last state through a rectified projection to the unit sphere."""

    def __init__(self) -> None:
        super().__init__()
        self.lstm = nn.LSTM(BANDS, DIMENSIONS, num_layers=3, batch_first=True)
        self.linear = nn.Linear(DIMENSIONS, DIMENSIONS)

    def forward(self, mels: Tensor) -> Tensor:
        """Map Tensor[P, frames, 40] to unit vectors Tensor[P, 256]."""
        _, (hidden, _) = self.lstm(mels)
        return nn.functional.normalize(torch.relu(self.linear(hidden[-1])), dim=1)
