"""A dataset and a base voice → a run → a voice. From random weights when there is no base."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from dctts.atomic import write_json
from dctts.checkpoint import load_average
from dctts.config import AudioConfig, ssrn_config, text2mel_config
from dctts.contrast import mean_frame
from dctts.corpus import Embedder, Example, PhoneAligner, centroids, prepare
from dctts.errors import TrainingError
from dctts.lexicon import Lexicon
from dctts.manifest import read_dataset
from dctts.progress import SILENT, Progress
from dctts.ssrn import SSRN
from dctts.ssrn_task import SSRNRecipe, SSRNTask
from dctts.synthesize import SpeakOptions, write_speech
from dctts.text import encode, normalise
from dctts.text2mel import Text2Mel
from dctts.text2mel_task import Text2MelRecipe, Text2MelTask
from dctts.train import TrainOptions, train
from dctts.vocabulary import VOCABULARY
from dctts.voice import Voice, load_voice, save_voice

log = logging.getLogger(__name__)

STEPS_PER_MINUTE, MOST_STEPS = 1000, 15_000
"""Text2Mel: the rule the field settled on (NeMo, by way of IMS-Toucan#90), capped where sentdex's video ends."""
SSRN_STEPS_PER_MINUTE, MOST_SSRN_STEPS = 270, 4000
FEWEST_CLIPS = 2
PREVIEW_TEXTS = ("The birch canoe slid on the smooth planks.", "This is a new sentence, in a voice you may know.")


@dataclass(frozen=True, kw_only=True)
class FinetuneOptions:
    """What a user may choose about a run."""

    steps: int | None = None
    """Of Text2Mel; None takes 1,000 for every minute of speech, at most 15,000."""
    ssrn_steps: int | None = None
    """Of SSRN; None takes 270 for every minute of speech, at most 4,000."""
    base: Path | None = None
    """The voice to start from; None starts from random weights."""
    size: str = "small"
    """Size of the networks when there is no base."""
    seed: int = 0
    device: str = "cpu"
    preview_every: int = 500
    """Steps between previews: validation, pictures and spoken sentences."""

    def __post_init__(self) -> None:
        for name in ("steps", "ssrn_steps"):
            value = getattr(self, name)
            if value is not None and value < 1:
                raise ValueError(f"--{name.replace('_', '-')} must be at least 1, got {value}")


def finetune(
    dataset: Path,
    run: Path,
    options: FinetuneOptions,
    *,
    embedder: Callable[[], Embedder],
    aligner: Callable[[], PhoneAligner] | None = None,
    lexicon: Lexicon,
    card: dict[str, Any] | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Train both networks on a dataset, or go on where the run was stopped, and write the voice.

    Args:
        dataset: in LJSpeech layout; `val.txt` names what is held out.
        run: the run's folder: `config.json`, `metrics.jsonl`, `checkpoints/`, `previews/`, at last `voice.safetensors`.
        embedder: makes the speaker encoder; called only when features must be computed.
        aligner: makes what finds phones in sound, likewise; None teaches attention by the diagonal alone.
        card: plain JSON values that travel in the voice: name, sources, licences.

    Returns:
        path of the voice.

    Raises:
        ManifestError: the dataset cannot be read.
        TrainingError: too little in it.
        CheckpointError: the base cannot be read, or the run's checkpoints belong to other settings.
        Interrupted: Ctrl-C; the same call goes on.
    """
    audio = AudioConfig()
    base = load_voice(options.base) if options.base else None
    training, held_out = _examples(dataset, run.parent / "features.safetensors", audio, embedder, aligner, progress)
    minutes = sum(example.duration_s for example in training) / 60
    steps = options.steps or max(1, min(MOST_STEPS, round(STEPS_PER_MINUTE * minutes)))
    ssrn_steps = options.ssrn_steps or max(1, min(MOST_SSRN_STEPS, round(SSRN_STEPS_PER_MINUTE * minutes)))
    log.info("%d clips, %.1f min: %d Text2Mel and %d SSRN steps", len(training), minutes, steps, ssrn_steps)
    write_json(run / "config.json", run_config(dataset, options))

    torch.manual_seed(options.seed)
    ssrn = base.ssrn if base else SSRN(ssrn_config(options.size))
    text2mel = base.text2mel if base else Text2Mel(text2mel_config(options.size, len(VOCABULARY)))
    ssrn_task = SSRNTask(ssrn, training, held_out, recipe=SSRNRecipe(seed=options.seed), audio=audio)
    last = train(
        ssrn_task,
        _train_options(options, ssrn_steps, peak=1e-4 if base else 5e-4),
        run,
        name="ssrn",
        progress=progress,
    )
    ssrn = SSRN(ssrn.config)
    load_average(ssrn, last)

    recipe = Text2MelRecipe(seed=options.seed, freeze_text=base is not None)
    text2mel_task = Text2MelTask(text2mel, training, held_out, recipe=recipe, audio=audio, lexicon=lexicon)
    speaker = _speaker(training)
    pace = symbols_per_frame(training, lexicon, audio)
    mean = mean_frame(training, audio)

    def voice_of(network: Text2Mel) -> Voice:
        about = {**(card or {}), "minutes": round(minutes, 2), "steps": steps, "ssrn_steps": ssrn_steps}
        return Voice(
            text2mel=network,
            ssrn=ssrn,
            audio=audio,
            speaker=speaker,
            symbols_per_frame=pace,
            mean_frame=mean,
            card=about,
        )

    def preview(step: int, network: nn.Module, measured: dict[str, float]) -> bool:
        assert isinstance(network, Text2Mel)
        for number, text in enumerate(PREVIEW_TEXTS, 1):
            path = run / "previews" / f"text2mel-{step:06d}-speech-{number}.wav"
            with torch.autocast(options.device, enabled=False):  # speaking is done in float32
                write_speech(text, voice_of(network), lexicon, path, options=SpeakOptions(attempts=1))
        return False

    last = train(
        text2mel_task,
        _train_options(options, steps, peak=2e-4 if base else 1e-3),
        run,
        name="text2mel",
        progress=progress,
        on_validate=preview,
    )
    finished = Text2Mel(text2mel.config)
    load_average(finished, last)
    save_voice(voice_of(finished), run / "voice.safetensors")
    return run / "voice.safetensors"


def run_config(dataset: Path, options: FinetuneOptions) -> dict[str, Any]:
    """What makes a run this run: a second call with the same settings, data and base goes on with it."""
    base = content_hash(options.base) if options.base else None
    return {"options": {**asdict(options), "base": base}, "dataset": _dataset_hash(dataset)}


def is_same_run(run: Path, dataset: Path, options: FinetuneOptions) -> bool:
    """Whether a run folder was made by these very settings."""
    path = run / "config.json"
    if not path.is_file():
        return False
    saved = json.loads(path.read_text(encoding="utf-8"))
    return bool(saved == json.loads(json.dumps(run_config(dataset, options))))


def content_hash(path: Path) -> str:
    """Hash what a file holds, wherever it lies: SHA-256 in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def symbols_per_frame(examples: Sequence[Example], lexicon: Lexicon, audio: AudioConfig) -> float:
    """Symbols per coarse frame over a dataset: how fast its speaker talks."""
    symbols = sum(len(encode(normalise(example.text), lexicon=lexicon)) for example in examples)
    frames = sum(len(example.mel) / audio.reduction for example in examples)
    return symbols / frames


def _examples(
    dataset: Path,
    cache: Path,
    audio: AudioConfig,
    embedder: Callable[[], Embedder],
    aligner: Callable[[], PhoneAligner] | None,
    progress: Progress,
) -> tuple[list[Example], list[Example]]:
    rows = read_dataset(dataset)
    held_out_ids = {row.id for row in read_dataset(dataset, split="val")} if (dataset / "val.txt").is_file() else set()
    examples = prepare(rows, audio, embedder, aligner=aligner, cache=cache, progress=progress)
    training = [example for example in examples if example.id not in held_out_ids]
    if len(training) < FEWEST_CLIPS:
        raise TrainingError(
            f"{len(training)} clips to train on in {dataset}", hint="fetch more: 15 minutes of speech make a good voice"
        )
    return training, [example for example in examples if example.id in held_out_ids]


def _dataset_hash(dataset: Path) -> str:
    """Hash the words, the split and every sound: a second for two hours of speech."""
    splits = (dataset / f"{name}.txt" for name in ("train", "val"))
    sounds = (utterance.wav for utterance in read_dataset(dataset))
    files = [dataset / "metadata.csv", *(path for path in splits if path.is_file()), *sounds]
    lines = (f"{path.name} {content_hash(path)}\n" for path in files)
    return hashlib.sha256("".join(lines).encode()).hexdigest()


def _speaker(examples: Sequence[Example]) -> Tensor:
    return next(iter(centroids(examples).values()))


def _train_options(options: FinetuneOptions, steps: int, *, peak: float) -> TrainOptions:
    return TrainOptions(
        steps=steps,
        learning_rate=peak,
        warmup_steps=min(500, max(1, steps // 10)),
        log_every=min(50, max(1, steps // 10)),
        validate_every=options.preview_every,
        save_every=options.preview_every,
        seed=options.seed,
        device=options.device,
        compile=steps >= 1000,  # compiling takes about a minute
    )
