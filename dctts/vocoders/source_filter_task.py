"""What the small vocoder learns from, and how it is judged while it learns.

Legend: B crops, M frames at the full rate, S = M · hop samples, F mel bands, L linear bins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr
import torch
from torch import Tensor, nn
from torch.nn import functional

from dctts.audio import log_mel, magnitudes, mel_from_unit
from dctts.batches import bucketed, moved, step_generator
from dctts.config import AudioConfig
from dctts.vocoders.critic import Critic, critic_loss, seen_untaught, vocoder_losses
from dctts.vocoders.data import VocoderExample
from dctts.vocoders.source_filter import SourceFilter, filtered, pitch_hz, pitch_loss, pulse_train
from dctts.vocoders.spectral_loss import short_time, spectral_loss


@dataclass(frozen=True, kw_only=True)
class VocoderBatch:
    """What a step trains on."""

    wave: Tensor
    """Tensor[B, S], float32."""
    pitch_hz: Tensor
    """Tensor[B, M]."""
    refined: Tensor
    """Tensor[B, M, F], natural log; only rows that `from_ssrn` names mean anything."""
    from_ssrn: Tensor
    """Tensor[B], bool: whether the vocoder is given what SSRN makes, not the mels of the wave."""
    noise: Tensor
    """Tensor[B, S]."""


@dataclass(frozen=True, kw_only=True)
class VocoderRecipe:
    """How the vocoder is taught."""

    batch_size: int = 8
    crop_frames: int = 64
    from_ssrn: float = 0.5
    """Part of each batch that is made by SSRN, so that the vocoder undoes its blur."""
    rate: float = 1.3
    """Clips not from SSRN are sped up or slowed down by up to this factor: higher and lower voices than there are."""
    gain_db: float = 6.0
    measured_pitch_steps: int = 400
    """Until then the pulses follow the measured pitch where there is one, later the pitch that the network reads."""
    mel_weight: float = 1.0
    pitch_weight: float = 0.1
    critic_from: int = 10_000
    """Step from which a critic listens too; until then it would only tell what the distances tell better."""
    critic_weight: float = 0.02
    """Of the critic's own loss: Adam learns as fast from any multiple of it, but its gradient is up to a hundred times
    the vocoder's, and clipping both together would stop the vocoder."""
    doubt_weight: float = 0.05
    """Of how sure the critic is that a sound was made."""
    seen_weight: float = 0.1
    """Of how differently its layers see what was made and what was recorded."""
    seed: int = 0


class Rivals(nn.Module):
    """A vocoder and its critic, for one optimizer."""

    def __init__(self, vocoder: SourceFilter, critic: Critic) -> None:
        super().__init__()
        self.vocoder, self.critic = vocoder, critic


class VocoderTask:
    """The network, its clips and its recipe."""

    def __init__(
        self,
        network: SourceFilter,
        training: Sequence[VocoderExample],
        held_out: Sequence[VocoderExample],
        *,
        recipe: VocoderRecipe,
        audio: AudioConfig,
    ) -> None:
        self.network: nn.Module = Rivals(network, Critic())
        self.config = network.config
        self.training, self.held_out, self.recipe, self.audio = training, list(held_out)[:32], recipe, audio
        self.lengths = [0] * len(training)

    @property
    def about(self) -> Mapping[str, Any]:
        """Kind and configs, to be saved with the weights."""
        return {
            "kind": "source_filter",
            "source_filter": self.config.to_dict(),
            "audio": self.audio.to_dict(),
            "recipe": asdict(self.recipe),
        }

    def fuse(self) -> bool:
        """Compile nothing."""
        return False

    def batch(self, step: int) -> VocoderBatch:
        """Build the batch of a step."""
        random = step_generator(self.recipe.seed, step)
        chosen = bucketed(self.lengths, self.recipe.batch_size, self.recipe.seed, step)
        return self._crops([self.training[index] for index in chosen], random)

    def hardest_batch(self) -> VocoderBatch:
        """Build any batch: all are of one size."""
        return self.batch(0)

    def loss(self, network: nn.Module, batch: VocoderBatch, step: int) -> dict[str, Tensor]:
        """Distance of spectra and of mels, what the network thinks of the pitch, and later what the critic thinks."""
        assert isinstance(network, Rivals)
        mel = self._mels(batch)
        logits = network.vocoder.pitch_logits(mel)
        hz = pitch_hz(logits.detach().float())
        if step < self.recipe.measured_pitch_steps:
            hz = torch.where(batch.pitch_hz > 0, batch.pitch_hz, hz)
        made = self._sound(network.vocoder, mel, hz, batch.noise)
        spectral, mels = spectral_loss(made, batch.wave), self._mel_loss(made, batch.wave)
        pitch = pitch_loss(logits, batch.pitch_hz)
        total = spectral + self.recipe.mel_weight * mels + self.recipe.pitch_weight * pitch
        losses = {"spectral": spectral, "mel": mels, "pitch": pitch}
        if step < self.recipe.critic_from:
            return {"loss": total, **losses}
        of_real = network.critic(batch.wave)
        judged = critic_loss(network.critic(made.detach()), of_real)
        doubt, seen = vocoder_losses(seen_untaught(network.critic, made), of_real)
        total = total + self.recipe.doubt_weight * doubt + self.recipe.seen_weight * seen
        return {
            "loss": total + self.recipe.critic_weight * judged,
            **losses,
            "critic": judged,
            "doubt": doubt,
            "seen": seen,
        }

    def validate(self, network: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Measure on the middle of held-out clips, from their own mels and from SSRN's."""
        assert isinstance(network, Rivals)
        vocoder = network.vocoder
        measured: dict[str, float] = {}
        for name in ("real", "ssrn"):
            batch = self._crops(self.held_out, None, from_ssrn=name == "ssrn")
            batch = moved(batch, next(network.parameters()).device)
            mel = self._mels(batch)
            hz = pitch_hz(vocoder.pitch_logits(mel).float())
            made = self._sound(vocoder, mel, hz, batch.noise)
            voiced = batch.pitch_hz > 0
            cents = 1200 * (torch.log2(hz.clamp_min(1)) - torch.log2(batch.pitch_hz.clamp_min(1))).abs()[voiced]
            measured |= {
                f"{name}/spectral": spectral_loss(made, batch.wave).item(),
                f"{name}/mel": self._mel_loss(made, batch.wave).item(),
                f"{name}/pitch_cents": cents.median().item(),
                f"{name}/pitch_errors": (cents > 200).float().mean().item(),
            }
            folder.mkdir(parents=True, exist_ok=True)
            heard = torch.cat([made[:4], batch.wave[:4]], dim=1).flatten().clamp(-1, 1).cpu().numpy()
            soundfile.write(folder / f"vocoder-{step:06d}-{name}.wav", heard, self.audio.sample_rate_hz)
        return measured

    def _mels(self, batch: VocoderBatch) -> Tensor:
        with torch.autocast(batch.wave.device.type, enabled=False):
            real = log_mel(magnitudes(batch.wave, self.audio), self.audio)
        return torch.where(batch.from_ssrn[:, None, None], batch.refined, real)

    def _mel_loss(self, made: Tensor, real: Tensor) -> Tensor:
        """L1 of natural-log mels: the measure of copy synthesis."""
        pad = (self.audio.n_fft - self.audio.hop_samples) // 2
        with torch.autocast(made.device.type, enabled=False):
            one, other = (
                log_mel(
                    short_time(functional.pad(wave, (pad, pad)), self.audio.n_fft, self.audio.hop_samples), self.audio
                )
                for wave in (made, real)
            )
            return (one - other).abs().mean()

    def _sound(self, network: nn.Module, mel: Tensor, hz: Tensor, noise: Tensor) -> Tensor:
        filters = network(mel)
        with torch.autocast(mel.device.type, enabled=False):
            start = torch.zeros(len(hz), dtype=torch.float64, device=hz.device)
            pulses, _ = pulse_train(hz.float(), self.audio, start)
            return filtered(pulses, noise, filters, self.audio)

    def _crops(
        self, examples: Sequence[VocoderExample], random: np.random.Generator | None, *, from_ssrn: bool = False
    ) -> VocoderBatch:
        frames, hop = self.recipe.crop_frames, self.audio.hop_samples
        count = len(examples)
        waves, noise = np.zeros((count, frames * hop), np.float32), np.empty((count, frames * hop), np.float32)
        pitch, mels = np.zeros((count, frames), np.float32), torch.zeros(count, frames, self.audio.num_mels)
        refined = np.zeros(count, bool)
        fixed = np.random.default_rng(0)
        for row, example in enumerate(examples):
            draw = random if random is not None else fixed
            refined[row] = from_ssrn if random is None else row < count * self.recipe.from_ssrn
            if random is not None and not refined[row]:
                rate = float(np.exp(random.uniform(-1, 1) * np.log(self.recipe.rate)))
                waves[row], pitch[row] = _resampled(example, rate, frames, hop, random)
                waves[row] *= 10 ** (random.uniform(-1, 1) * self.recipe.gain_db / 20)
            else:
                spare = max(0, len(example.pitch_hz) - frames)
                start = int(random.integers(spare + 1)) if random is not None else spare // 2
                wave = example.wave[start * hop : (start + frames) * hop].numpy()
                waves[row, : len(wave)] = wave / np.float32(32768)
                hz = example.pitch_hz[start : start + frames].numpy()
                pitch[row, : len(hz)] = hz
                part = example.refined[start : start + frames].float()
                mels[row, : len(part)] = part
            noise[row] = draw.standard_normal(frames * hop, dtype=np.float32)
        return VocoderBatch(
            wave=torch.from_numpy(waves),
            pitch_hz=torch.from_numpy(pitch),
            refined=mel_from_unit(mels, self.audio),
            from_ssrn=torch.from_numpy(refined),
            noise=torch.from_numpy(noise),
        )


def _resampled(
    example: VocoderExample, rate: float, frames: int, hop: int, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    """Cut a stretch that is `frames` long once it is played at `rate`."""
    needed = int(np.ceil(frames * hop * rate)) + 1
    start = int(random.integers(max(1, len(example.wave) - needed)))
    piece = example.wave[start : start + needed].numpy() / np.float32(32768)
    wave = np.zeros(frames * hop, np.float32)
    played = soxr.resample(piece, rate, 1.0, quality="MQ")[: frames * hop]
    wave[: len(played)] = played
    middles = (start + (np.arange(frames) + 0.5) * hop * rate) / hop - 0.5
    nearest = np.clip(np.round(middles).astype(int), 0, len(example.pitch_hz) - 1)
    hz = example.pitch_hz.numpy()[nearest] * rate
    hz[middles > len(example.pitch_hz)] = 0
    return wave, hz.astype(np.float32)
