"""Recordings by speaker → an encoder that knows them, and others, apart."""

import hashlib
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from dctts.atomic import write_json
from dctts.audio import load_wav
from dctts.base_card import UNKNOWN_LICENCE, describe_machine, training_hours
from dctts.checkpoint import load_average
from dctts.config import EncoderConfig
from dctts.encoder.clips import read_speaker_clips
from dctts.encoder.curve import draw_encoder_curve
from dctts.encoder.features import Speaker, prepare_speakers
from dctts.encoder.network import EncoderNetwork
from dctts.encoder.own import EncoderFile, write_encoder
from dctts.encoder.partials import PARTIAL_FRAMES, SAMPLE_RATE_HZ, MelFrames, Wave
from dctts.encoder.task import EncoderRecipe, EncoderTask
from dctts.errors import ManifestError, TrainingError
from dctts.manifest import AUDIO_SUFFIXES
from dctts.metrics import read_metrics
from dctts.progress import SILENT, Progress
from dctts.train import TrainOptions, train

log = logging.getLogger(__name__)

NAME = "encoder"


@dataclass(frozen=True, kw_only=True)
class EncoderOptions:
    """What a user may choose about an encoder."""

    config: EncoderConfig = field(default_factory=EncoderConfig)
    steps: int = 3000
    learning_rate: float = 2e-3
    speakers: int = 32
    """In a step."""
    utterances: int = 4
    """Partial utterances of each of them."""
    speeds: tuple[float, ...] = (1.0, 0.8, 0.9, 1.1, 1.25)
    """1 first; each other makes somebody new of every speaker."""
    hold_out: str = ""
    """Regular expression: speakers whose name it matches are only validated on."""
    hold_out_percent: int = 5
    """Of the other speakers, chosen by their names: the same on every run."""
    validate_every: int = 250
    seed: int = 0
    device: str = "cpu"


def train_encoder(
    datasets: Sequence[Path],
    folder: Path,
    options: EncoderOptions | None = None,
    *,
    noise: Path | None = None,
    strangers: Sequence[Path] = (),
    licences: Mapping[str, str] | None = None,
    command: str = "",
    progress: Progress = SILENT,
) -> Path:
    """Train an encoder from random weights, or go on where `folder` stands.

    Ends with `encoder.safetensors`, its card `encoder.json`, and `learning-curve.png`.

    Args:
        datasets: folders that `read_speaker_clips` understands.
        folder: of the run.
        noise: a folder of recordings to lay under the speech; None leaves it at voices and white noise.
        strangers: datasets of people who are not learnt from; their vectors are kept with the encoder, as those of
            the held-out ones are.
        licences: name of a dataset's folder → its licence, for the card.
        command: what was typed, for the card.

    Raises:
        ManifestError: a folder holds no recordings.
        AudioError: a recording cannot be read.
        TrainingError: too few speakers.
        CheckpointError: the folder belongs to a run with other settings.
        Interrupted: Ctrl-C; the same call goes on.
    """
    options = options or EncoderOptions()
    clips = [clip for dataset in datasets for clip in read_speaker_clips(dataset)]
    everybody = prepare_speakers(
        clips, options.speeds, cache=folder / "features" / "speakers.safetensors", progress=progress
    )
    training, held_out = split_speakers(everybody, options)
    known = _known_strangers(strangers, everybody, folder, progress)
    torch.manual_seed(options.seed)
    network = EncoderNetwork(options.config)
    recipe = EncoderRecipe(speakers=options.speakers, utterances=options.utterances, seed=options.seed)
    task = EncoderTask(network, training, held_out, _noises(noise), recipe=recipe)
    log.info("%d speakers at %d speeds, %d held out", *_counts(training, options), len(held_out))
    last = train(task, _plan(options), folder, name=NAME, progress=progress, on_validate=_tell)
    finished = EncoderNetwork(options.config)
    load_average(finished, last)
    card = {
        "licences": {dataset.name: (licences or {}).get(dataset.name, UNKNOWN_LICENCE) for dataset in datasets},
        "speakers": len({speaker.source for speaker in training}),
        "held_out": [speaker.source for speaker in held_out],
        "strangers": [speaker.source for speaker in known],
        "minutes": round(sum(len(clip) for one in training if one.speed == 1 for clip in one.clips) / 6000, 1),
        "speeds": list(options.speeds),
        "steps": options.steps,
        "seed": options.seed,
        "measures": _last_measures(folder),
        "command": command,
    }
    vectors = {speaker.source: _vector(finished, speaker.clips) for speaker in (*held_out, *known)}
    path = folder / "encoder.safetensors"
    write_encoder(path, EncoderFile(network=finished, strangers=vectors, card=card))
    here = {"training_hours": training_hours(folder), "machine": describe_machine(options.device)}
    write_json(folder / "encoder.json", {**card, **here})
    draw_encoder_curve(list(read_metrics(folder, NAME)), folder / "learning-curve.png")
    return path


def split_speakers(everybody: Sequence[Speaker], options: EncoderOptions) -> tuple[list[Speaker], list[Speaker]]:
    """Divide people into those to learn from, at all speeds, and those held out, as they spoke.

    Raises:
        ManifestError: the expression is none.
        TrainingError: fewer than two people on either side.
    """
    try:
        pattern = re.compile(options.hold_out) if options.hold_out else None
    except re.error as error:
        raise ManifestError(
            f"not a regular expression: {options.hold_out!r}: {error}", hint="such as '^p2[0-4]'"
        ) from error
    out = {
        speaker.source
        for speaker in everybody
        if (pattern is not None and pattern.search(speaker.source))
        or int(hashlib.sha256(speaker.source.encode()).hexdigest(), 16) % 100 < options.hold_out_percent
    }
    training = [speaker for speaker in everybody if speaker.source not in out]
    held_out = [speaker for speaker in everybody if speaker.source in out and speaker.speed == 1]
    people = len({speaker.source for speaker in training})
    if people < 2 or len(held_out) < 2:
        raise TrainingError(
            f"{people} speakers to learn from and {len(held_out)} held out: two of each are needed",
            hint="give recordings of more people, or change --hold-out",
        )
    return training, held_out


def _known_strangers(
    datasets: Sequence[Path], everybody: Sequence[Speaker], folder: Path, progress: Progress
) -> list[Speaker]:
    if not datasets:
        return []
    clips = [clip for dataset in datasets for clip in read_speaker_clips(dataset)]
    found = prepare_speakers(clips, (1.0,), cache=folder / "features" / "strangers.safetensors", progress=progress)
    both = sorted({speaker.source for speaker in found} & {speaker.source for speaker in everybody})
    if both:
        raise TrainingError(
            f"{', '.join(both[:5])} cannot be learnt from and be a stranger", hint="give other folders to --strangers"
        )
    return found


def _noises(folder: Path | None) -> list[Tensor]:
    if folder is None:
        return []
    frames = MelFrames(torch.device("cpu"))
    files = sorted(path for path in folder.rglob("*") if path.suffix in AUDIO_SUFFIXES)
    noises = [frames.frames(load_wav(path, SAMPLE_RATE_HZ)).clone() for path in files]
    long = [noise for noise in noises if len(noise) >= PARTIAL_FRAMES]
    if not long:
        raise ManifestError(f"no noise of 1.6 s in {folder}", hint="give a folder of WAV, FLAC or Ogg files")
    return long


def _plan(options: EncoderOptions) -> TrainOptions:
    return TrainOptions(
        steps=options.steps,
        learning_rate=options.learning_rate,
        warmup_steps=min(200, max(1, options.steps // 10)),
        weight_decay=1e-2,
        average_decay=0.995,
        validate_every=options.validate_every,
        save_every=options.validate_every,
        seed=options.seed,
        device=options.device,
        compile=options.steps >= 1000,
    )


def _tell(step: int, network: nn.Module, measures: dict[str, float]) -> bool:
    log.info(
        "step %d: held-out EER %.1f %%, disturbed %.1f %% (pieces of 1.6 s)",
        step,
        100 * measures["held_out/eer"],
        100 * measures["held_out/eer_disturbed"],
    )
    return False


def _counts(training: Sequence[Speaker], options: EncoderOptions) -> tuple[int, int]:
    return len({speaker.source for speaker in training}), len(options.speeds)


def _last_measures(folder: Path) -> dict[str, Any]:
    rows = [row for row in read_metrics(folder, NAME) if "held_out/eer" in row]
    return {name.removeprefix("held_out/"): value for name, value in rows[-1].items() if name != "network"}


def _vector(network: EncoderNetwork, clips: Sequence[Tensor]) -> Wave:
    """Embed somebody by half-overlapping partial utterances of all clips."""
    with torch.inference_mode():
        cuts = torch.cat([clip.unfold(0, PARTIAL_FRAMES, PARTIAL_FRAMES // 2) for clip in clips]).transpose(1, 2)
        vectors = [network(part.float().exp()) for part in torch.split(cuts, 128)]
        mean = torch.cat(vectors).mean(dim=0)
    return np.asarray((mean / mean.norm()).numpy(), np.float32)
