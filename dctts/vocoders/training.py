"""Corpora of any speakers → a vocoder of our own, for all voices whose SSRN it heard."""

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path

import torch

from dctts.atomic import write_json
from dctts.base_card import last_measures
from dctts.checkpoint import load_average
from dctts.config import AudioConfig
from dctts.corpora import has_texts, read_corpus, sentence_key
from dctts.encoder.clips import read_speaker_clips
from dctts.errors import CheckpointError, TrainingError
from dctts.finetune import content_hash
from dctts.manifest import Utterance
from dctts.progress import SILENT, Progress
from dctts.train import TrainOptions, train
from dctts.vocoders.data import VocoderExample, prepare_clips
from dctts.vocoders.file import load_vocoder, save_vocoder
from dctts.vocoders.source_filter import SourceFilter, SourceFilterConfig
from dctts.vocoders.source_filter_task import VocoderRecipe, VocoderTask
from dctts.vocoders.source_filter_vocoder import SourceFilterVocoder
from dctts.voice import load_voice

log = logging.getLogger(__name__)

NAME = "vocoder"


@dataclass(frozen=True, kw_only=True)
class VocoderOptions:
    """What a user may choose about a vocoder."""

    steps: int = 20_000
    batch_size: int = 8
    learning_rate: float = 1e-3
    critic_part: float = 0.5
    """Last part of the steps in which a critic listens too; such a step takes three times as long."""
    start: Path | None = None
    """A vocoder of this kind to begin with; None begins with nothing learnt."""
    hold_out: str = ""
    """Regular expression: clips whose id it matches, and every reading of their sentences, are only validated on."""
    hold_out_every: int = 50
    """The first of every so many other clips is held out too."""
    validate_every: int = 500
    seed: int = 0
    device: str = "cpu"
    size: SourceFilterConfig = field(default_factory=SourceFilterConfig)


def train_vocoder(
    datasets: Sequence[Path], base: Path, output: Path, options: VocoderOptions, *, progress: Progress = SILENT
) -> Path:
    """Train the small vocoder, or go on where the folder beside `output` stands.

    Half of what it learns from are mels of real speech, half are what the SSRN of a voice makes of their coarse
    frames: so it learns to undo that network's blur.

    Args:
        datasets: folders that `readings` understands; a vocoder needs no words.
        base: a voice; its SSRN is listened to.
        output: the vocoder's file. The run lies beside it, in a folder of its name with `-run`.

    Raises:
        ManifestError: a dataset cannot be read.
        TrainingError: nothing to train on or to hold out.
        CheckpointError: no voice at `base`, no vocoder to begin with, or the run's folder belongs to a run with other
            settings.
        Interrupted: Ctrl-C; the same call goes on.
    """
    run, audio = output.with_name(f"{output.stem}-run"), AudioConfig()
    ssrn, ssrn_key = load_voice(base).ssrn, content_hash(base)
    training, held_out = [], []
    for folder in datasets:
        rows = readings(folder)
        cache = run / "features" / f"{folder.resolve().name}.safetensors"
        clips = prepare_clips(rows, audio, ssrn, ssrn_key=ssrn_key, cache=cache, progress=progress)
        apart = held_out_rows(rows, options)
        training += [clip for row, clip in enumerate(clips) if row not in apart]
        held_out += [clip for row, clip in enumerate(clips) if row in apart]
    if not training or not held_out:
        raise TrainingError(
            f"{len(training)} clips to train on and {len(held_out)} held out",
            hint="change --hold-out or give more data",
        )
    log.info("%d clips, %.1f min", len(training), _minutes(training, audio))
    settings = {**asdict(options), "start": options.start and options.start.name}
    write_json(run / "config.json", {"datasets": [folder.name for folder in datasets], **settings})
    torch.manual_seed(options.seed)
    network = _begun(options)
    recipe = VocoderRecipe(
        batch_size=options.batch_size,
        critic_from=round(options.steps * (1 - options.critic_part)),
        seed=options.seed,
    )
    task = VocoderTask(network, training, held_out, recipe=recipe, audio=audio)
    plan = TrainOptions(
        steps=options.steps,
        learning_rate=options.learning_rate,
        warmup_steps=min(100, max(1, options.steps // 10)),
        average_decay=0.995,
        validate_every=options.validate_every,
        save_every=options.validate_every,
        seed=options.seed,
        device=options.device,
    )
    last = train(task, plan, run, name=NAME, progress=progress)
    load_average(task.network, last)
    card = {
        "datasets": [folder.name for folder in datasets],
        "minutes": round(_minutes(training, audio), 1),
        "steps": options.steps,
        "begun_with": content_hash(options.start) if options.start else None,
        "critic_part": options.critic_part,
        "seed": options.seed,
        "ssrn": ssrn_key,
        "held_out": last_measures(run / "metrics.jsonl"),
    }
    save_vocoder(SourceFilterVocoder(network), output, card=card)
    write_json(output.with_suffix(".json"), json.loads(json.dumps(card)))
    return output


def _begun(options: VocoderOptions) -> SourceFilter:
    if options.start is None:
        return SourceFilter(options.size)
    vocoder = load_vocoder(options.start)
    if not isinstance(vocoder, SourceFilterVocoder) or vocoder.network.config != options.size:
        raise CheckpointError(
            f"{options.start} is no vocoder of the kind and size that is trained here",
            hint="give a file of train-vocoder",
        )
    return vocoder.network.requires_grad_(True)


def readings(folder: Path) -> list[Utterance]:
    """Read a corpus as `corpora.read_corpus` does, or recordings without their words as the speaker encoder does.

    Raises:
        ManifestError: no recordings in it.
    """
    if has_texts(folder):
        return read_corpus(folder)
    return [
        Utterance(id=clip.path.stem, wav=clip.path, text="", speaker=clip.speaker)
        for clip in read_speaker_clips(folder)
    ]


def held_out_rows(rows: Sequence[Utterance], options: VocoderOptions) -> set[int]:
    """Choose the clips that are never trained on, by sentence where it is known: two readings of one stay together."""
    pattern = re.compile(options.hold_out) if options.hold_out else None
    said = [sentence_key(row.text) or row.id for row in rows]
    out = {said[place] for place, row in enumerate(rows) if pattern is not None and pattern.search(row.id)}
    out |= set(said[:: options.hold_out_every])
    return {place for place, sentence in enumerate(said) if sentence in out}


def _minutes(clips: Sequence[VocoderExample], audio: AudioConfig) -> float:
    return sum(len(clip.wave) for clip in clips) / audio.sample_rate_hz / 60
