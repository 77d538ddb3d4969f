"""Corpora of one or many speakers → a base voice, from random weights."""

import hashlib
import logging
import re
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from dctts.atomic import write_json
from dctts.base_card import describe_data, describe_machine, last_measures, training_hours
from dctts.checkpoint import load_average
from dctts.config import AudioConfig, ssrn_config, text2mel_config
from dctts.contrast import mean_frame
from dctts.corpora import read_corpus, sentence_key
from dctts.corpus import Embedder, Example, PhoneAligner, centroids, prepare
from dctts.errors import TrainingError
from dctts.finetune import content_hash, symbols_per_frame
from dctts.layers import set_dropout
from dctts.lexicon import Lexicon
from dctts.new_speakers import new_speakers
from dctts.progress import SILENT, Progress, tracked
from dctts.ssrn import SSRN
from dctts.ssrn_task import SSRNRecipe, SSRNTask
from dctts.text2mel import Text2Mel
from dctts.text2mel_task import Text2MelRecipe, Text2MelTask
from dctts.train import TrainOptions, train
from dctts.traits import measure_traits
from dctts.vocabulary import VOCABULARY
from dctts.voice import Precision, Voice, load_voice, save_voice
from dctts.widen import widened

log = logging.getLogger(__name__)

RARE_CLIPS = 20
"""Of a speaker: with fewer, one among readers of an hour each is heard too seldom to be told from them."""


@dataclass(frozen=True, kw_only=True)
class PretrainOptions:
    """What a user may choose about a base voice."""

    size: str = "small"
    base: Path | None = None
    """A voice whose weights to begin with, instead of random ones; its sizes are taken, and half the rate."""
    widen: bool = False
    """Double the channels of its Text2Mel first."""
    keep: float = 0.0
    """Part of its weights in what comes out. What was learnt from many hours and what new speakers taught add up where
    both lie in one valley: weight averages between a network and its fine-tuning are often better than either (Wortsman
    et al. 2022, arXiv:2109.01903)."""
    beside: bool = False
    """Leave the base's own Text2Mel as it is, for its readers and for fine-tuning, and put what is trained beside it,
    for people who are only told of by a reference. If there is one already, it is trained on."""
    splice: float = 0.5
    """Part of the clips that go on with the end of another one of their speaker."""
    dropout: float | None = None
    """Of Text2Mel; None leaves 0.05, which is too little for a few hours of speech."""
    new_speakers: int = 0
    """Disguises of each reader's clips to train on as well, each as another speaker."""
    repeat_rare: int = 1
    """How often the clips of speakers with fewer than `RARE_CLIPS` are taken in a round through all."""
    steps: int = 100_000
    """Of Text2Mel."""
    ssrn_steps: int = 20_000
    batch_size: int = 16
    learning_rate: float = 1e-3
    ssrn_learning_rate: float = 5e-4
    hold_out: str = ""
    """Regular expression: clips whose id it matches, and every reading of their sentences, are only validated on."""
    hold_out_percent: int = 1
    """Of the other sentences, chosen by their letters: the same on every run."""
    validate_every: int = 1000
    seed: int = 0
    device: str = "cpu"


def pretrain(
    datasets: Sequence[Path],
    base: Path,
    options: PretrainOptions,
    *,
    embedder: Callable[[], Embedder],
    aligner: Callable[[], PhoneAligner] | None = None,
    lexicon: Lexicon,
    progress: Progress = SILENT,
    first: str = "ssrn",
    licences: Mapping[str, str] | None = None,
    command: str = "",
) -> Path:
    """Train both networks from random weights, or go on where the folder `base` stands.

    Ends with `voice.safetensors` and its card, `voice.json`: the two files that make a shipped base under any name.

    Args:
        datasets: folders that `corpora.read_corpus` understands; each may hold one speaker or many.
        base: folder of the run. Its voice speaks as the speaker with the most clips.
        embedder: makes the speaker encoder; called only when features must be computed.
        aligner: makes what finds phones in sound, likewise; None teaches attention by the diagonal alone.
        first: which network is trained first, `ssrn` or `text2mel`.
        licences: name of a dataset's folder → its licence, for the card.
        command: what was typed, for the card.

    Raises:
        ManifestError: a dataset cannot be read.
        TrainingError: nothing to train on or to hold out, or something of a base is to be kept and none is given.
        CheckpointError: the folder belongs to a run with other settings.
        Interrupted: Ctrl-C; the same call goes on.
    """
    if options.base is None and (options.beside or options.keep):
        raise TrainingError(
            "there is no base whose Text2Mel could be kept", hint="give --base, or leave out --beside and --keep"
        )
    audio = AudioConfig()
    examples = [
        example
        for folder in datasets
        for example in prepare(
            read_corpus(folder),
            audio,
            embedder,
            aligner=aligner,
            cache=base / "features" / f"{_name(folder)}.safetensors",
            progress=progress,
        )
    ]
    training, held_out = split(examples, options)
    if not training or not held_out:
        raise TrainingError(
            f"{len(training)} clips to train on and {len(held_out)} held out",
            hint="change --hold-out or give more data",
        )
    recorded = training
    if options.new_speakers:
        training, held_out = (
            [
                *part,
                *new_speakers(
                    part,
                    options.new_speakers,
                    audio,
                    embedder,
                    cache=base / "features" / f"new-speakers-{name}.safetensors",
                    progress=progress,
                ),
            ]
            for name, part in (("training", training), ("held-out", held_out))
        )
    training = repeated(training, options.repeat_rare)
    minutes = sum(example.duration_s for example in training) / 60
    log.info("%d clips, %.1f h, %d speakers", len(training), minutes / 60, len({row.speaker for row in training}))
    write_json(base / "config.json", {"datasets": [folder.name for folder in datasets], **_plain(options)})

    torch.manual_seed(options.seed)
    start = load_voice(options.base) if options.base else None
    ssrn = deepcopy(start.ssrn) if start else SSRN(ssrn_config(options.size))
    text2mel = _begun(start, options) if start else Text2Mel(text2mel_config(options.size, len(VOCABULARY)))
    if options.widen:
        text2mel = widened(text2mel, seed=options.seed)

    def train_ssrn() -> Path:
        task = SSRNTask(ssrn, training, held_out, recipe=SSRNRecipe(seed=options.seed), audio=audio)
        plan = _plan(options, options.ssrn_steps, options.ssrn_learning_rate)
        return train(task, plan, base, name="ssrn", progress=progress)

    def train_text2mel() -> Path:
        recipe = Text2MelRecipe(seed=options.seed, batch_size=options.batch_size, splice_probability=options.splice)
        if options.dropout is not None:
            set_dropout(text2mel, options.dropout)
        if start:
            recipe = going_on(recipe)
        task = Text2MelTask(text2mel, training, held_out, recipe=recipe, audio=audio, lexicon=lexicon)
        peak = options.learning_rate / 2 if start else options.learning_rate
        return train(task, _plan(options, options.steps, peak), base, name="text2mel", progress=progress)

    runs = {"ssrn": train_ssrn, "text2mel": train_text2mel}
    last = {name: runs[name]() for name in sorted(runs, key=lambda name: name != first)}
    finished_ssrn, finished_text2mel = SSRN(ssrn.config), Text2Mel(text2mel.config)
    load_average(finished_ssrn, last["ssrn"])
    load_average(finished_text2mel, last["text2mel"])
    if start and options.keep:
        began = widened(start.text2mel, seed=options.seed) if options.widen else start.text2mel
        keep_part(finished_text2mel, began, options.keep)
    own = start.text2mel if start and options.beside else finished_text2mel
    voice = base_voice(own, finished_ssrn, named(recorded), lexicon, audio, progress=progress)
    if start:
        voice = replace(voice, vocoder=start.vocoder, strangers=start.strangers)
    if options.beside:
        voice = replace(voice, strangers=finished_text2mel)
    card = {
        **describe_data(datasets, recorded, voice.traits, licences or {}),
        **_plain(options),
        "began_with": {"sha256": content_hash(options.base), **start.card} if options.base and start else None,
        "held_out": last_measures(base / "metrics.jsonl"),
        "command": command,
    }
    precision: Precision = "int8" if voice.strangers else "float16"
    save_voice(replace(voice, card=card), base / "voice.safetensors", precision=precision)
    here = {"training_hours": training_hours(base), "machine": describe_machine(options.device)}
    write_json(base / "voice.json", {**card, **here})
    return base / "voice.safetensors"


def _begun(start: Voice, options: PretrainOptions) -> Text2Mel:
    """Copy the weights to begin with: what is put beside a base's own goes on from what lies there."""
    return deepcopy(start.strangers if options.beside and start.strangers else start.text2mel)


@torch.no_grad()
def keep_part(network: nn.Module, began: nn.Module, part: float) -> None:
    """Move weights a part of the way back, in place, to those that training began with."""
    for mine, old in zip(network.parameters(), began.parameters(), strict=True):
        mine.lerp_(old.to(mine), part)


def going_on(recipe: Text2MelRecipe) -> Text2MelRecipe:
    """Say how a Text2Mel is taught that reads already: no guide, and its own past disturbed from the start."""
    return replace(
        recipe,
        guide_weight=recipe.guide_final,
        aligned_weight=2 * recipe.aligned_final,
        guide_steps=1000,
        corrupt_from=0,
        corrupt_ramp=1,
    )


def base_voice(
    text2mel: Text2Mel,
    ssrn: SSRN,
    training: Sequence[Example],
    lexicon: Lexicon,
    audio: AudioConfig,
    *,
    progress: Progress = SILENT,
) -> Voice:
    """Put trained networks together with their speakers; the one with the most clips speaks by default."""
    speakers = centroids(training)
    clips = {speaker: [example for example in training if example.speaker == speaker] for speaker in speakers}
    main = max(clips, key=lambda speaker: (len(clips[speaker]), speaker))
    return Voice(
        text2mel=text2mel,
        ssrn=ssrn,
        audio=audio,
        speaker=speakers[main],
        speakers=speakers,
        traits={
            speaker: measure_traits(clips[speaker], lexicon, audio)
            for speaker in tracked(progress, "speakers", speakers, len(speakers))
        },
        symbols_per_frame=symbols_per_frame(training, lexicon, audio),
        mean_frame=mean_frame(clips[main], audio),
    )


def split(examples: Sequence[Example], options: PretrainOptions) -> tuple[list[Example], list[Example]]:
    """Divide clips into training and held out, by sentence: speakers who read the same prompts stay on one side."""
    pattern = re.compile(options.hold_out) if options.hold_out else None
    out = {sentence_key(row.text) for row in examples if pattern is not None and pattern.search(row.id)}
    for key in {sentence_key(row.text) for row in examples}:
        if int(hashlib.sha256(key.encode()).hexdigest(), 16) % 100 < options.hold_out_percent:
            out.add(key)
    training = [row for row in examples if sentence_key(row.text) not in out]
    return training, [row for row in examples if sentence_key(row.text) in out]


def repeated(training: Sequence[Example], times: int) -> list[Example]:
    """Take the clips of rare speakers several times."""
    rare = _rare(training)
    return [row for row in training for _ in range(times if row.speaker in rare else 1)]


def named(recorded: Sequence[Example]) -> list[Example]:
    """Leave out rare speakers: a few seconds make nobody a voice to speak as by name, nor a measure of being near."""
    rare = _rare(recorded)
    return [row for row in recorded if row.speaker not in rare] or list(recorded)


def _rare(examples: Sequence[Example]) -> set[str]:
    counts = Counter(row.speaker for row in examples)
    return {speaker for speaker, count in counts.items() if count < RARE_CLIPS}


def _plan(options: PretrainOptions, steps: int, peak: float) -> TrainOptions:
    return TrainOptions(
        steps=steps,
        learning_rate=peak,
        warmup_steps=min(500, max(1, steps // 10)),
        validate_every=options.validate_every,
        save_every=options.validate_every,
        seed=options.seed,
        device=options.device,
        compile=steps >= 1000,
    )


def _plain(options: PretrainOptions) -> dict[str, Any]:
    return {**asdict(options), "base": options.base.name if options.base else None}


def _name(folder: Path) -> str:
    """A cache's file name for a dataset: readable, and different for folders of one name."""
    return f"{folder.resolve().name}-{hashlib.sha256(str(folder.resolve()).encode()).hexdigest()[:8]}"
