"""A voice in one file: both networks, who speaks, and where it all came from. Safetensors, never pickle."""

from collections.abc import Mapping
from copy import deepcopy
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

import torch
from torch import Tensor, nn

from dctts import checkpoint
from dctts.checkpoint import Checkpoint, Weights, load_matching
from dctts.config import AudioConfig, SSRNConfig, Text2MelConfig
from dctts.eight_bits import packed, unpacked
from dctts.errors import CheckpointError
from dctts.ssrn import SSRN
from dctts.text2mel import Text2Mel
from dctts.unfilled import Unfilled
from dctts.vocabulary import VOCABULARY
from dctts.vocoders.file import KIND as VOCODER
from dctts.vocoders.file import build, compact, describe
from dctts.vocoders.interface import NeuralVocoder

SPEAKER_DIM = 256

Precision = Literal["float16", "float32", "int8"]


@dataclass(frozen=True, kw_only=True)
class SpeakerTraits:
    """How a speaker talks, beside the speaker vector; None where it was not measured."""

    pitch_hz: float | None = None
    """Median over voiced frames."""
    symbols_per_frame: float | None = None
    """Pace: symbols in a coarse frame, on average."""
    mean_frame: tuple[float, ...] | None = None
    """Mean of the frames in which something is said, unit mels."""


@dataclass(frozen=True, kw_only=True)
class Voice:
    """Everything `speak` needs."""

    text2mel: Text2Mel
    ssrn: SSRN
    audio: AudioConfig
    speaker: Tensor
    """Tensor[256], unit norm: the speaker vector the networks are conditioned on."""
    symbols_per_frame: float
    """Symbols the speaker says in a coarse frame, on average."""
    speakers: Mapping[str, Tensor] = field(default_factory=dict)
    """Of a base voice: name → speaker vector of each speaker it was trained on."""
    traits: Mapping[str, SpeakerTraits] = field(default_factory=dict)
    """Of the same speakers, as far as known."""
    mean_frame: Tensor | None = None
    """Tensor[F]: what `contrast.with_contrast` pushes predicted frames away from."""
    strangers: Text2Mel | None = None
    """Of a base voice: who speaks in its place as people it was only told of; None leaves that to `text2mel`. One that
    has heard many people say little comes nearer to others, and is worse to go on from to a voice of one's own."""
    vocoder: NeuralVocoder | None = None
    """What makes the sound; None is Griffin-Lim."""
    card: Mapping[str, Any] = field(default_factory=dict)
    """Plain JSON values for people: name, sources, licence, steps, scores."""


def save_voice(voice: Voice, path: Path, *, precision: Precision = "float16") -> None:
    """Write a voice, whole or not at all; half precision halves the file and changes nothing that can be heard.

    Args:
        precision: in eight bits (`eight_bits.packed`) a base with two Text2Mels is as large as one with one in half.
    """
    groups: dict[str, Weights] = {name: _written(network, precision) for name, network in _networks(voice).items()}
    groups["speaker"] = {"vector": voice.speaker.float().clone()}  # it may be one of the speakers: no shared memory
    groups["mean_frame"] = {} if voice.mean_frame is None else {"mel": voice.mean_frame.float().clone()}
    groups["speakers"] = {name: vector.float() for name, vector in voice.speakers.items()}
    groups[VOCODER] = compact(voice.vocoder) if voice.vocoder else {}
    about = {
        "kind": "voice",
        "text2mel": voice.text2mel.config.to_dict(),
        "ssrn": voice.ssrn.config.to_dict(),
        "audio": voice.audio.to_dict(),
        "symbols_per_frame": voice.symbols_per_frame,
        "vocabulary": list(VOCABULARY),
        "traits": {name: asdict(traits) for name, traits in voice.traits.items()},
        "card": dict(voice.card),
    }
    if voice.strangers:
        about["strangers"] = voice.strangers.config.to_dict()
    if voice.vocoder:
        about[VOCODER] = describe(voice.vocoder)
    checkpoint.save(path, Checkpoint(groups=groups, about=about))


def _written(network: nn.Module, precision: Precision) -> Weights:
    weights = {name: value.detach() for name, value in network.named_parameters()}
    if precision == "int8":
        return packed(weights)
    return {name: value.to(getattr(torch, precision)) for name, value in weights.items()}


def load_voice(path: Path, *, device: str = "cpu") -> Voice:
    """Read a voice, ready to speak.

    Raises:
        CheckpointError: the file is missing, broken, no voice, or made with another symbol table.
    """
    saved = checkpoint.load(path)
    about = saved.about
    if about.get("kind") != "voice":
        raise CheckpointError(
            f"{path} holds a {about.get('kind')} checkpoint, not a voice", hint="give a voice.safetensors"
        )
    if tuple(about["vocabulary"]) != VOCABULARY:
        raise CheckpointError(f"{path} was made with another symbol table", hint="train the voice again")
    try:
        with Unfilled():
            text2mel = Text2Mel(Text2MelConfig.from_dict(about["text2mel"]))
            ssrn = SSRN(SSRNConfig.from_dict(about["ssrn"]))
            strangers = Text2Mel(Text2MelConfig.from_dict(about["strangers"])) if "strangers" in about else None
        audio = AudioConfig.from_dict(about["audio"])
    except (TypeError, ValueError, KeyError) as error:
        raise CheckpointError(f"{path} has settings this version does not know: {error}", hint="upgrade") from error
    voice = Voice(
        text2mel=text2mel,
        ssrn=ssrn,
        audio=audio,
        speaker=saved.groups["speaker"]["vector"].to(device),
        symbols_per_frame=float(about["symbols_per_frame"]),
        speakers=saved.groups.get("speakers", {}),
        traits=read_traits(about),
        mean_frame=saved.groups.get("mean_frame", {}).get("mel"),
        strangers=strangers,
        vocoder=build(about[VOCODER], saved.groups.get(VOCODER, {}), path) if VOCODER in about else None,
        card=about.get("card", {}),
    )
    for name, network in _networks(voice).items():
        missing = load_matching(network, unpacked(saved.groups.get(name, {})))
        if missing:
            raise CheckpointError(f"{path} lacks tensors of {name}: {missing[0]}", hint="is the file whole?")
        network.eval().to(device)
    return voice


def _networks(voice: Voice) -> dict[str, nn.Module]:
    """Give the networks by the names of their fields, which are those of their groups in a file."""
    networks: dict[str, nn.Module] = {"text2mel": voice.text2mel, "ssrn": voice.ssrn}
    return {**networks, "strangers": voice.strangers} if voice.strangers else networks


def read_traits(about: Mapping[str, Any]) -> dict[str, SpeakerTraits]:
    """Read the speakers' traits from what a voice file says of itself; files from before they were kept have none."""
    return {name: SpeakerTraits(**values) for name, values in about.get("traits", {}).items()}


def as_speaker(voice: Voice, name: str) -> Voice:
    """Let a base voice speak as one of its speakers, at that speaker's own pace where it is known.

    Raises:
        CheckpointError: the voice was not trained on such a speaker.
    """
    if name not in voice.speakers:
        known = ", ".join(sorted(voice.speakers)) or "none"
        raise CheckpointError(f"no speaker {name!r} in this voice", hint=f"it knows: {known}")
    traits = voice.traits.get(name, SpeakerTraits())
    return replace(
        voice,
        speaker=voice.speakers[name].to(voice.speaker.device),
        symbols_per_frame=traits.symbols_per_frame or voice.symbols_per_frame,
        mean_frame=torch.tensor(traits.mean_frame) if traits.mean_frame else voice.mean_frame,
    )


def on_cpu(voice: Voice) -> Voice:
    """Give a voice whose weights lie on the CPU, where speaking is done: the voice itself if they do already.

    A frame is a chain of some 150 operations on a vector: on a GPU each would cost more to start than to compute here.
    """
    networks = _networks(voice)
    parts = [voice.speaker, *(next(network.parameters()) for network in networks.values())]
    if all(part.device.type == "cpu" for part in parts):
        return voice
    here: dict[str, Any] = {name: deepcopy(network).cpu() for name, network in networks.items()}
    return replace(voice, **here, speaker=voice.speaker.cpu())
