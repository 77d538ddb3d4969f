"""A voice's dataset → a run in its folder → `voice.safetensors`. What `clone-pipeline finetune` and a notebook call."""

import json
import logging
import shutil
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from dctts.atomic import whole_file
from dctts.config import AudioConfig
from dctts.corpus import Example, centroids, prepare
from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.errors import ClonePipelineError
from dctts.finetune import FinetuneOptions, content_hash, finetune, is_same_run
from dctts.lexicon import Lexicon, open_lexicon
from dctts.manifest import read_dataset
from dctts.progress import SILENT, Progress
from dctts.traits import measure_traits
from dctts.voice import load_voice, save_voice
from pipeline.bases import Base, find_base, list_bases
from pipeline.compare_voices import Clips, compare_voices
from pipeline.errors import DatasetError
from pipeline.listen import Listener
from pipeline.nearest_base import Target, rank, tell
from pipeline.phone_times import PhoneTimes
from pipeline.reference import Judges
from pipeline.scorer import open_scorer
from pipeline.side_by_side import VERSION, read_side_by_side, write_side_by_side
from pipeline.speaking_voice import find_vocoder
from pipeline.voices import VoiceFolder

log = logging.getLogger(__name__)

NO_BASE = "none"
"""What asks for random weights instead of a base."""


def train_voice(
    voice: VoiceFolder,
    options: FinetuneOptions,
    progress: Progress = SILENT,
    *,
    base: str | None = None,
    vocoder: str | None = None,
) -> Path:
    """Fine-tune on a voice's dataset, or go on with the run that was stopped, and put the voice in its place.

    Args:
        base: path or name of the voice to start from, `none` for random weights; None takes `options.base`, or else
            the one among those that ship which is nearest to the voice.
        vocoder: `griffin-lim` or the path of a vocoder, which the voice then speaks with; None keeps the base's.

    Returns:
        path of `voice.safetensors`.

    Raises:
        DatasetError: the voice has no dataset yet.
        VoiceError: there is no such base.
        CheckpointError: there is no such vocoder.
        ClonePipelineError: see `dctts.finetune.finetune`.
    """
    if not (voice.dataset / "metadata.csv").is_file():
        raise DatasetError(
            f"voice {voice.name!r} has no dataset in {voice.dataset}", hint="clone-pipeline fetch URL first"
        )
    sound = find_vocoder(vocoder) if vocoder else None  # not after hours of training
    lexicon = open_lexicon()
    chosen = choose_base(_candidates(options, base), lambda: _target(voice, options, lexicon, progress))
    options = replace(options, base=chosen.path if chosen else None)
    run = choose_run(voice, options)
    made = finetune(
        voice.dataset,
        run,
        options,
        embedder=lambda: SpeakerEncoder(options.device),
        aligner=PhoneTimes,
        scorer=open_scorer(lexicon, options.device),
        lexicon=lexicon,
        card={**describe(voice), "base": describe_base(chosen)},
        progress=progress,
    )
    if vocoder:
        save_voice(replace(load_voice(made), vocoder=sound), voice.voice_safetensors)
    else:
        with whole_file(voice.voice_safetensors) as temporary:
            shutil.copyfile(made, temporary)
    if chosen:
        try:
            compare(voice, run, chosen, lexicon, options, progress)
        except ClonePipelineError as error:  # the voice is made: a comparison that cannot be had is no failure
            log.warning("zero-shot and fine-tuned are not compared: %s", error.message)
    return voice.voice_safetensors


def compare(
    voice: VoiceFolder, run: Path, base: Base, lexicon: Lexicon, options: FinetuneOptions, progress: Progress
) -> None:
    """Put the voice of a run beside its base told five seconds, unless that was done, and leave it in the run's folder.

    Raises:
        ClonePipelineError: a voice or clip cannot be read, or nobody speaks in the clips.
    """
    made = run / "voice.safetensors"
    key = f"{VERSION} {content_hash(made)} {content_hash(base.path)}"
    if read_side_by_side(run, key):
        return
    split = voice.dataset / "val.txt"
    held_out = set(split.read_text(encoding="utf-8").split()) if split.is_file() else set()
    examples = _prepared(voice, options, progress)
    found = compare_voices(
        load_voice(made),
        load_voice(base.path),
        base,
        Clips(
            trained=[one for one in examples if one.id not in held_out],
            held_out=[one for one in examples if one.id in held_out],
        ),
        Judges(encoder=SpeakerEncoder(), hearing=Listener(quick=True), lexicon=lexicon, audio=AudioConfig()),
        progress=progress,
    )
    if found:
        write_side_by_side(run, found, key)


def choose_base(candidates: Sequence[Base], target: Callable[[], Target]) -> Base | None:
    """Take the candidate nearest to the target and say so, or None when there is none.

    Args:
        target: measures the voice to be made; called only when there is something to compare it with.
    """
    if not candidates:
        log.info("base: none, training starts from random weights")
        return None
    matches = rank(target(), candidates)
    log.info("%s", tell(matches))
    return matches[0].base


def choose_run(voice: VoiceFolder, options: FinetuneOptions) -> Path:
    """Take the newest run when it has the same settings and data, else the next number."""
    newest = voice.newest_run()
    if newest is not None and is_same_run(newest, voice.dataset, options):
        log.info("going on with %s", newest)
        return newest
    return voice.next_run()


def describe(voice: VoiceFolder) -> dict[str, Any]:
    """Say where a voice comes from, for the card inside its file."""
    sources = []
    for path in sorted(voice.sources.glob("*/source.json")):
        about = json.loads(path.read_text(encoding="utf-8"))
        sources.append({key: about.get(key, "") for key in ("id", "url", "title", "channel", "licence", "uploaded")})
    return {"name": voice.name, "sources": sources}


def describe_base(base: Base | None) -> dict[str, Any] | None:
    """Say which base a voice was made from, and on whose recordings that was trained."""
    if base is None:
        return None
    return {"name": base.name, "sha256": content_hash(base.path), "licences": base.card.get("licences", {})}


def _candidates(options: FinetuneOptions, asked: str | None) -> list[Base]:
    if asked == NO_BASE:
        return []
    path = find_base(asked) if asked else options.base
    if path is None:
        return list_bases()
    # every run and every voice calls its file voice.safetensors: the folder tells them apart
    return [Base(name=path.resolve().parent.name if path.stem == "voice" else path.stem, path=path)]


def _target(voice: VoiceFolder, options: FinetuneOptions, lexicon: Lexicon, progress: Progress) -> Target:
    """Measure the voice's clips; their features are those that the training finds in the same cache."""
    audio, examples = AudioConfig(), _prepared(voice, options, progress)
    return Target(vector=next(iter(centroids(examples).values())), traits=measure_traits(examples, lexicon, audio))


def _prepared(voice: VoiceFolder, options: FinetuneOptions, progress: Progress) -> list[Example]:
    rows = read_dataset(voice.dataset)
    if not rows:
        raise DatasetError(f"no clips in {voice.dataset}", hint="clone-pipeline fetch URL adds some")
    return prepare(
        rows,
        AudioConfig(),
        lambda: SpeakerEncoder(options.device),
        aligner=PhoneTimes,
        cache=voice.runs / "features.safetensors",
        progress=progress,
    )
