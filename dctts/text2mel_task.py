"""What Text2Mel learns from, and how it is judged while it learns."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from dctts.alignment import diagonal_path, symbol_path
from dctts.batches import EncodedBatch, TextBatch, bucketed, moved, pad_stack, step_generator
from dctts.config import AudioConfig
from dctts.corpus import Example, centroids
from dctts.layers import fuse
from dctts.lexicon import Lexicon
from dctts.losses import Reconstruction, aligned_attention, fused_reconstruction, guided_attention, reconstruction
from dctts.pictures import draw_attention, draw_mels
from dctts.replay import NO_REPLAY, Replay
from dctts.splice import random_place, spliced, splices
from dctts.text import Encoded, encode_words, normalise
from dctts.text2mel import Text2Mel, shift_right

PADDED_TO = 16


@dataclass(frozen=True, kw_only=True)
class Text2MelRecipe:
    """How Text2Mel is taught."""

    batch_size: int = 32
    guide_weight: float = 0.5
    """Of guided attention, at the start."""
    guide_final: float = 0.05
    guide_steps: int = 4000
    """Steps over which the guide's weight falls to its final value, geometrically."""
    guide_width: float = 0.2
    aligned_weight: float = 0.3
    """Of the cross entropy between attention and the times of the phones: it teaches attention to read. Guided
    attention alone is satisfied by a clock, and leaves it free to point out, among near symbols, what was just heard.
    """
    aligned_final: float = 0.03
    """What that weight falls to, over as many steps as the guide's: once attention reads, where a phone begins to the
    frame is noise, and would go on filling most of the gradient."""
    told_probability: float = 0.5
    """Part of the clips whose decoder is told which phone each frame is, instead of asking attention: left to guess, it
    blurs every border."""
    text_weight: float = 0.5
    """Of the error of each frame as its symbol alone predicts it: fills the values with what symbols sound like."""
    phoneme_probability: float = 0.8
    """Part of the words given as phonemes in training; the rest are letters, so that both are learned."""
    corrupt_from: int = 2000
    """Step from which the input frames are disturbed: earlier the text is not read yet and nothing would be left."""
    corrupt_ramp: int = 4000
    """Steps until the disturbance is at its full strength."""
    replace_probability: float = 0.2
    """Part of the input frames replaced by another frame of the batch: against leaning on the own past."""
    noise: float = 0.05
    """Standard deviation of noise on the input frames, in unit mels."""
    splice_probability: float = 0.0
    """Part of the clips that go on with the end of another one: sentences that cannot be known by heart. Drawn anew
    every time, or made once, before the first step, while the text encoder is frozen."""
    freeze_text: bool = False
    """Keep the text encoder as it is: this protects pronunciation (PaddleSpeech#2418), and as its output is
    then computed once a clip, a step costs a third as much."""
    seed: int = 0


@dataclass(frozen=True, kw_only=True)
class _EncodedText:
    """A training text whose encoding stays the same."""

    text: Encoded
    keys: Tensor
    values: Tensor


class Text2MelTask:
    """Text2Mel, its examples and its recipe."""

    def __init__(
        self,
        network: Text2Mel,
        training: Sequence[Example],
        held_out: Sequence[Example],
        *,
        recipe: Text2MelRecipe,
        audio: AudioConfig,
        lexicon: Lexicon,
        replay: Replay = NO_REPLAY,
    ) -> None:
        self.network: nn.Module = network
        self.reconstruction: Reconstruction = reconstruction
        self.config = network.config
        self.recipe, self.audio, self.lexicon, self.replay = recipe, audio, lexicon, replay
        if recipe.freeze_text and recipe.splice_probability:
            count = round(len(training) * recipe.splice_probability / (1 - recipe.splice_probability))
            training = [*training, *splices(training, count, step_generator(recipe.seed, 0, purpose=3), audio)]
        self.num_own = len(training)
        training = self.training = [*training, *replay.examples]
        self.texts = [normalise(example.text) for example in training]
        self.lengths = [len(example.mel) for example in training]
        self.centroids = centroids(training)
        self.by_speaker: dict[str, list[int]] = {}
        for index, example in enumerate(training):
            self.by_speaker.setdefault(example.speaker, []).append(index)
        self.held_out = sorted(held_out, key=lambda example: len(example.mel))[:64]
        self.encoded: list[_EncodedText] = []
        if recipe.freeze_text:
            # With it all that feeds on the same: keys and values computed once must stay what speaking computes.
            for part in (network.text_encoder, network.text_logits, network.speaker):
                if part is not None:
                    part.requires_grad_(False)
            self.encoded = self._encode_texts(network)

    @property
    def about(self) -> Mapping[str, Any]:
        """Kind and configs, to be saved with the weights."""
        return {
            "kind": "text2mel",
            "text2mel": self.config.to_dict(),
            "audio": self.audio.to_dict(),
            "recipe": asdict(self.recipe),
        }

    def batch(self, step: int) -> TextBatch | EncodedBatch:
        """Build the batch of a step; with its text encoded already while the text encoder is frozen."""
        recipe = self.recipe
        chosen = self._chosen(step)
        random = step_generator(recipe.seed, step)
        examples = [self.training[index] for index in chosen]
        phases = [int(phase) for phase in random.integers(self.audio.reduction, size=len(chosen))]
        voices = [self._voice(index, random) for index in chosen]
        if self.encoded:
            texts = [self.encoded[index] for index in chosen]
            keys, num_symbols = _padded([one.keys for one in texts])
            values, _ = _padded([one.values for one in texts])
            coarse, num_frames = self._coarse(examples, phases)
            return EncodedBatch(
                keys=keys,
                values=values,
                num_symbols=num_symbols,
                coarse=coarse,
                num_frames=num_frames,
                voice=torch.stack(voices),
                path=self._paths(examples, [one.text for one in texts], phases),
                timed=torch.tensor([len(example.phone_times) > 0 for example in examples]),
            )
        said = [self._said(index, random) for index in chosen]
        return self._collate(
            [example for example, _ in said],
            [text for _, text in said],
            phases=phases,
            voices=voices,
            random=random,
            phoneme_probability=recipe.phoneme_probability,
        )

    def hardest_batch(self) -> TextBatch | EncodedBatch:
        """Build a batch as large as the longest text and the longest clip would make it, of nothing in particular."""
        size = min(self.recipe.batch_size, len(self.training))
        frames = -(-max(self.lengths) // self.audio.reduction)
        frames = -(-frames // PADDED_TO) * PADDED_TO
        symbols = max(
            max(len(encode_words(text, lexicon=lexicon).ids) for text in self.texts)
            for lexicon in (self.lexicon, Lexicon())
        )
        symbols = -(-symbols // PADDED_TO) * PADDED_TO
        spoken: dict[str, Tensor] = {
            "num_symbols": torch.full((size,), symbols),
            "coarse": torch.full((size, frames, self.config.num_mels), 0.5),
            "num_frames": torch.full((size,), frames),
            "voice": torch.stack([self.training[0].voice] * size),
            "path": torch.zeros(size, frames, dtype=torch.int64),
            "timed": torch.ones(size, dtype=torch.bool),
        }
        if self.encoded:
            keys = torch.zeros(size, symbols, self.config.channels)
            return EncodedBatch(keys=keys, values=keys.clone(), **spoken)
        return TextBatch(text=torch.ones(size, symbols, dtype=torch.int64), **spoken)

    def fuse(self) -> bool:
        """Compile the blocks and the loss."""
        fused = fuse(self.network)
        self.reconstruction = fused_reconstruction() if fused else reconstruction
        return fused

    def loss(self, network: nn.Module, batch: TextBatch | EncodedBatch, step: int) -> dict[str, Tensor]:
        """L1, binary divergence and guided attention, with the weight of this step."""
        recipe = self.recipe
        previous = self._corrupted(shift_right(batch.coarse), batch.num_frames, step)
        assert isinstance(network, Text2Mel)
        if isinstance(batch, EncodedBatch):
            keys, values = batch.keys, batch.values
        else:
            keys, values = network.encode_text(batch.text, batch.num_symbols, batch.voice)
        told = self._told(batch) if network.training else None
        predicted = network.predict_encoded(keys, values, batch.num_symbols, previous, batch.voice, told=told)
        l1, divergence = self.reconstruction(predicted.logits, batch.coarse, batch.num_frames)
        path = batch.path
        from_text = predicted.symbol_logits.gather(1, path.unsqueeze(2).expand(-1, -1, batch.coarse.shape[2]))
        text_l1, text_divergence = self.reconstruction(from_text, batch.coarse, batch.num_frames)
        aligned = aligned_attention(predicted.attention, path, batch.num_frames)
        guide = guided_attention(predicted.attention, batch.num_symbols, batch.num_frames, recipe.guide_width)
        fall = min(1.0, step / recipe.guide_steps)
        weight = recipe.guide_weight * (recipe.guide_final / recipe.guide_weight) ** fall
        aligned_weight = recipe.aligned_weight * (recipe.aligned_final / recipe.aligned_weight) ** fall
        return {
            "loss": l1
            + divergence
            + weight * guide
            + recipe.text_weight * (text_l1 + text_divergence)
            + aligned_weight * aligned,
            "l1": l1,
            "divergence": divergence,
            "guide": guide,
            "text_l1": text_l1,
            "aligned": aligned,
        }

    def validate(self, network: nn.Module, step: int, folder: Path) -> dict[str, float]:
        """Compare the error with the right text, with another clip's text, and with noise for a past.

        A network that speaks loses much on the second and third; one that only copies its past loses nothing on the
        second, and a falling error alone says nothing about it.
        """
        totals: dict[str, list[float]] = {"l1": [], "l1_shuffled_text": [], "l1_noise_past": [], "attention_peak": []}
        random = step_generator(self.recipe.seed, 0, purpose=2)
        device = next(network.parameters()).device
        drawn = False
        for start in range(0, len(self.held_out), 16):
            part = self.held_out[start : start + 16]
            batch = self._collate(
                part,
                [normalise(example.text) for example in part],
                phases=[0] * len(part),
                voices=[self.centroids.get(example.speaker, example.voice) for example in part],
                random=random,
                phoneme_probability=1.0,
            )
            batch = moved(batch, device)
            previous = shift_right(batch.coarse)
            noise = torch.from_numpy(random.random(previous.shape, dtype=np.float32)).to(device)
            replaced = torch.from_numpy(random.random(previous.shape[:2]) < 0.9).unsqueeze(-1).to(device)
            order = [(i + 1) % len(part) for i in range(len(part))]
            logits, attention = network(batch.text, batch.num_symbols, previous, batch.voice)
            shuffled, _ = network(batch.text[order], batch.num_symbols[order], previous, batch.voice)
            deaf, _ = network(batch.text, batch.num_symbols, torch.where(replaced, noise, previous), batch.voice)
            for name, output in (("l1", logits), ("l1_shuffled_text", shuffled), ("l1_noise_past", deaf)):
                totals[name].append(reconstruction(output, batch.coarse, batch.num_frames)[0].item())
            peaks = [attention[i, : batch.num_frames[i]].amax(dim=-1).mean().item() for i in range(len(part))]
            totals["attention_peak"].append(float(np.mean(peaks)))
            if not drawn:
                frames, symbols = int(batch.num_frames[-1]), int(batch.num_symbols[-1])
                draw_attention(attention[-1, :frames, :symbols], folder / f"text2mel-{step:06d}-attention.png")
                draw_mels(
                    {"real": batch.coarse[-1, :frames], "predicted": logits[-1, :frames].float().sigmoid()},
                    folder / f"text2mel-{step:06d}-mel.png",
                )
                drawn = True
        return {name: float(np.mean(values)) for name, values in totals.items() if values}

    def _chosen(self, step: int) -> list[int]:
        """Indices of the clips of a step: the target's, and the part that the base has said."""
        recipe, replayed = self.recipe, self.replay.count(self.recipe.batch_size)
        own = bucketed(self.lengths[: self.num_own], recipe.batch_size - replayed, recipe.seed, step)
        if not replayed:
            return own
        return own + [
            self.num_own + index for index in bucketed(self.lengths[self.num_own :], replayed, recipe.seed, step)
        ]

    def _said(self, index: int, random: np.random.Generator) -> tuple[Example, str]:
        """Give a clip and its normalised text, or one that begins with it and ends with another."""
        example, text = self.training[index], self.texts[index]
        if not self.recipe.splice_probability or random.random() >= self.recipe.splice_probability:
            return example, text
        other = self.training[int(random.choice(self.by_speaker[example.speaker]))]
        made = None
        if len(example.phone_times) and len(other.phone_times):
            made = spliced(example, other, random_place(random), self.audio)
        return (made, made.text) if made is not None else (example, text)

    def _voice(self, index: int, random: np.random.Generator) -> Tensor:
        # Never the clip's own vector alone: it also tells how this very sentence was said (arXiv:1806.04558).
        speaker = self.training[index].speaker
        if random.random() < 0.5:
            return self.centroids[speaker]
        return self.training[int(random.choice(self.by_speaker[speaker]))].voice

    def _collate(
        self,
        examples: Sequence[Example],
        texts: Sequence[str],
        *,
        phases: Sequence[int],
        voices: Sequence[Tensor],
        random: np.random.Generator,
        phoneme_probability: float,
    ) -> TextBatch:
        encoded = [
            encode_words(text, lexicon=self.lexicon, phoneme_probability=phoneme_probability, rng=random)
            for text in texts
        ]
        text, num_symbols = _padded([torch.tensor(one.ids) for one in encoded])
        coarse, num_frames = self._coarse(examples, phases)
        return TextBatch(
            text=text,
            num_symbols=num_symbols,
            coarse=coarse,
            num_frames=num_frames,
            voice=torch.stack(list(voices)),
            path=self._paths(examples, encoded, phases),
            timed=torch.tensor([len(example.phone_times) > 0 for example in examples]),
        )

    def _paths(self, examples: Sequence[Example], encoded: Sequence[Encoded], phases: Sequence[int]) -> Tensor:
        """The symbol of each frame, Tensor[B, T]: by the times of phones where known, else along the diagonal."""
        hop_s = self.audio.hop_samples / self.audio.sample_rate_hz
        paths = []
        for example, text, phase in zip(examples, encoded, phases, strict=True):
            frames = np.arange(phase, len(example.mel), self.audio.reduction)
            times = example.phone_times.numpy()
            path = (
                symbol_path(text.words, times, len(text.ids), (frames.astype(np.float64) + 0.5) * hop_s)
                if len(times)
                else diagonal_path(len(text.ids), len(frames))
            )
            paths.append(torch.from_numpy(path))
        return _padded(paths)[0]

    def _coarse(self, examples: Sequence[Example], phases: Sequence[int]) -> tuple[Tensor, Tensor]:
        reduction = self.audio.reduction
        return _padded([example.mel[phase::reduction].float() for example, phase in zip(examples, phases, strict=True)])

    @torch.no_grad()
    def _encode_texts(self, network: Text2Mel) -> "list[_EncodedText]":
        """Keys and values of every training text, each word by its phonemes, as the clip's speaker says it."""
        was_training = network.training
        network.eval()
        encoded = []
        for example, text in zip(self.training, self.texts, strict=True):
            text_ids = encode_words(text, lexicon=self.lexicon)
            symbols = torch.tensor(text_ids.ids)
            voice = self.centroids[example.speaker].unsqueeze(0)
            keys, values = network.encode_text(symbols.unsqueeze(0), torch.tensor([len(symbols)]), voice)
            encoded.append(_EncodedText(text=text_ids, keys=keys[0], values=values[0]))
        network.train(was_training)
        return encoded

    def _told(self, batch: TextBatch | EncodedBatch) -> Tensor:
        """Attention that some rows are given, Tensor[B, T, N]; the other rows are all zero and use their own."""
        rows = torch.rand(len(batch.path), device=batch.path.device) < self.recipe.told_probability
        rows = (rows & batch.timed).view(-1, 1, 1)  # along the diagonal it would be told wrong
        longest = (batch.text if isinstance(batch, TextBatch) else batch.keys).shape[1]
        return functional.one_hot(batch.path, longest) * rows

    def _corrupted(self, previous: Tensor, num_frames: Tensor, step: int) -> Tensor:
        recipe = self.recipe
        strength = min(1.0, max(0.0, (step - recipe.corrupt_from) / recipe.corrupt_ramp))
        if strength == 0:
            return previous
        batch, longest, _ = previous.shape
        device = previous.device
        # Each utterance gets its own share of replaced frames, from none to twice the mean.
        share = torch.rand(batch, 1, device=device) * 2 * recipe.replace_probability * strength
        replaced = (torch.rand(batch, longest, device=device) < share).unsqueeze(-1)
        source = (torch.rand(batch, longest, device=device) * num_frames.unsqueeze(1)).long()
        others = previous[torch.randint(batch, (batch, 1), device=device), source.clamp_max(longest - 1)]
        noisy = previous + torch.randn_like(previous) * recipe.noise * strength * torch.rand(batch, 1, 1, device=device)
        return torch.where(replaced, others, noisy).clamp(0, 1)


def _padded(sequences: Sequence[Tensor]) -> tuple[Tensor, Tensor]:
    """Stack to a length that is a multiple of 16: with a new shape every step the allocator never finds a block again.

    80 steps of `small` on a quarter of an hour of clips peaked at 2.25 GB and rising without this, at 1.56 GB with it.
    """
    return pad_stack(sequences, multiple_of=PADDED_TO)
