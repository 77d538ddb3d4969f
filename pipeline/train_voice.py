"""A voice's dataset → a run in its folder → `voice.safetensors`. What `clone-pipeline finetune` and a notebook call."""

import json
import logging
import shutil
from pathlib import Path
from typing import Any

from dctts.atomic import whole_file
from dctts.finetune import FinetuneOptions, finetune, is_same_run
from dctts.lexicon import open_lexicon
from dctts.progress import SILENT, Progress
from dctts.speaker_encoder import SpeakerEncoder
from pipeline.errors import DatasetError
from pipeline.phone_times import PhoneTimes
from pipeline.voices import VoiceFolder

log = logging.getLogger(__name__)


def train_voice(voice: VoiceFolder, options: FinetuneOptions, progress: Progress = SILENT) -> Path:
    """Fine-tune on a voice's dataset, or go on with the run that was stopped, and put the voice in its place.

    Returns:
        path of `voice.safetensors`.

    Raises:
        DatasetError: the voice has no dataset yet.
        ClonePipelineError: see `dctts.finetune.finetune`.
    """
    if not (voice.dataset / "metadata.csv").is_file():
        raise DatasetError(
            f"voice {voice.name!r} has no dataset in {voice.dataset}", hint="clone-pipeline fetch URL first"
        )
    run = choose_run(voice, options)
    made = finetune(
        voice.dataset,
        run,
        options,
        embedder=lambda: SpeakerEncoder(options.device),
        aligner=PhoneTimes,
        lexicon=open_lexicon(),
        card=describe(voice),
        progress=progress,
    )
    with whole_file(voice.voice_safetensors) as temporary:
        shutil.copyfile(made, temporary)
    return voice.voice_safetensors


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
