"""A voice and its material → an `Evaluation`, with the judges there are on this machine. What the command calls."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from dctts import checkpoint
from dctts.encoder.own import OwnEncoder
from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.errors import CheckpointError
from dctts.lexicon import open_lexicon
from dctts.progress import SILENT, Progress
from dctts.synthesize import SpeakOptions
from dctts.voice import Voice, as_speaker
from pipeline.bases import list_bases
from pipeline.evaluation.evaluation import Evaluation
from pipeline.evaluation.likeness import Vector
from pipeline.evaluation.material import Material
from pipeline.evaluation.run import Judges, RunOptions, evaluate
from pipeline.evaluation.second_judge import find_whisper, open_whisper
from pipeline.listen import Listener


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions:
    """What a user may choose."""

    speaker: str | None = None
    """Which speaker of a base voice speaks; None takes the material's, else the base's own choice."""
    base: Path | None = None
    """A base voice from whose speakers the voice must be told; None takes those that are shipped."""
    encoder: Path | None = None
    """A second judge of who speaks, of `train-encoder`; None takes the one that ships."""
    whisper_model: str | None = None
    """Name or file of a second judge; None takes the best that is cached."""
    seed: int = 0


def measure(
    voice: Voice,
    name: str,
    material: Material | None,
    options: EvaluateOptions | None = None,
    progress: Progress = SILENT,
) -> Evaluation:
    """Open the judges and let them measure a voice.

    Raises:
        ClonePipelineError: a base or a Whisper model that was asked for cannot be read.
    """
    options = options or EvaluateOptions()
    speaker = options.speaker or (material.speaker if material else None)
    whisper = find_whisper(options.whisper_model)
    notes = []
    if whisper is None:
        missing = f"{options.whisper_model} is not" if options.whisper_model else "no model is"
        notes.append(f"Whisper was left out: {missing} cached on this machine, and nothing is downloaded to measure")
    return evaluate(
        as_speaker(voice, speaker) if speaker and speaker in voice.speakers else voice,
        Judges(
            listener=Listener(),
            encoder=SpeakerEncoder(),
            whisper=open_whisper(whisper) if whisper else None,
            second_encoder=OwnEncoder(weights=options.encoder),
        ),
        open_lexicon(),
        name=name,
        material=material,
        others=base_speakers(options.base),
        notes=notes,
        options=RunOptions(speak=SpeakOptions(seed=options.seed)),
        progress=progress,
    )


def base_speakers(base: Path | None = None) -> dict[str, Vector]:
    """Read the speaker vectors of a base voice; of None, those of every base that is shipped, if any is.

    Raises:
        CheckpointError: the file cannot be read, or is no base voice.
    """
    if base is not None:
        found = _speakers(base)
        if not found:
            raise CheckpointError(f"{base} is not a base voice: it holds no speakers", hint="pretrain makes one")
        return found
    return {name: vector for shipped in list_bases() for name, vector in _speakers(shipped.path).items()}


def _speakers(path: Path) -> dict[str, Vector]:
    vectors = checkpoint.load(path).groups.get("speakers", {})
    return {name: np.asarray(vector.float().numpy(), np.float32) for name, vector in vectors.items()}
