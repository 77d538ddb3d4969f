"""A dataset and a base voice → a run → a voice. From random weights when there is no base."""

import hashlib
import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from time import monotonic
from typing import Any

import torch
from torch import Tensor, nn

from dctts.atomic import write_json
from dctts.budget import Costs, Plan
from dctts.checkpoint import load_average, newest
from dctts.config import AudioConfig, ssrn_config, text2mel_config
from dctts.contrast import mean_frame
from dctts.corpus import Embedder, Example, PhoneAligner, centroids, prepare
from dctts.errors import TrainingError
from dctts.finetune_plan import (
    GENTLE_SSRN_RATE,
    Deadline,
    choose_recipe,
    full_plan,
    load_plan,
    plan_within,
    teaching,
    train_options,
)
from dctts.finetune_ssrn import train_ssrn
from dctts.layers import set_dropout
from dctts.lexicon import Lexicon
from dctts.manifest import read_dataset
from dctts.progress import SILENT, Progress
from dctts.recipes import FinetuneRecipe
from dctts.rehearsal import seconds_per_step, try_hardest_batch
from dctts.replay import NO_REPLAY, Replay, replay_texts, speak_replay
from dctts.selection import PATIENCE, Original, Scorer
from dctts.selector import Selector
from dctts.ssrn import SSRN
from dctts.ssrn_task import SSRNRecipe, SSRNTask
from dctts.synthesize import SpeakOptions, write_speech
from dctts.text import encode, normalise
from dctts.text2mel import Text2Mel
from dctts.text2mel_task import Text2MelTask
from dctts.train import TrainOptions, train
from dctts.vocabulary import VOCABULARY
from dctts.voice import Voice, load_voice, save_voice

log = logging.getLogger(__name__)

AUDIO = AudioConfig()
TEXT2MEL = "text2mel"
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
    """Steps between evaluations: validation, pictures, spoken sentences, and listening to them."""
    batch_size: int | None = None
    """Clips a step of Text2Mel; None takes that of the recipe."""
    budget_s: float | None = None
    """Wall time for all of it; fewer steps are taken where all would take longer. None takes the time it takes."""

    def __post_init__(self) -> None:
        for name in ("steps", "ssrn_steps", "batch_size"):
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
    scorer: Callable[[Original], Scorer] | None = None,
    lexicon: Lexicon,
    card: dict[str, Any] | None = None,
    progress: Progress = SILENT,
) -> Path:
    """Train both networks on a dataset, or go on where the run was stopped, and write the voice.

    Args:
        dataset: in LJSpeech layout; `val.txt` names what is held out.
        run: the run's folder: `config.json`, `metrics.jsonl`, `checkpoints/`, `previews/`, at last `voice.safetensors`;
            with a scorer `selection.json`, `candidates/` and `learning-curve.png` too.
        embedder: makes the speaker encoder; called only when features must be computed.
        aligner: makes what finds phones in sound, likewise; None teaches attention by the diagonal alone.
        scorer: makes who listens to a voice made from a base: the step that speaks best is taken, and training ends
            when nothing better comes. None takes the last step, as is done with no base: a voice from random weights
            says nothing for thousands of steps.
        card: plain JSON values that travel in the voice: name, sources, licences.

    Returns:
        path of the voice.

    Raises:
        ManifestError: the dataset cannot be read.
        TrainingError: too little in it, or too little memory for its longest clips.
        CheckpointError: the base cannot be read, or the run's checkpoints belong to other settings.
        Interrupted: Ctrl-C; the same call goes on.
    """
    begun_s = monotonic()
    deadline = Deadline(begun_s=begun_s, budget_s=options.budget_s) if options.budget_s else None
    base = load_voice(options.base) if options.base else None
    training, held_out = _examples(dataset, run.parent / "features.safetensors", AUDIO, embedder, aligner, progress)
    minutes = sum(example.duration_s for example in training) / 60
    speaker = _speaker(training)
    recipe = choose_recipe(minutes, speaker, base, batch_size=options.batch_size)
    write_json(run / "config.json", run_config(dataset, options))

    torch.manual_seed(options.seed)
    ssrn = base.ssrn if base else SSRN(ssrn_config(options.size))
    text2mel = base.text2mel if base else Text2Mel(text2mel_config(options.size, len(VOCABULARY)))
    selector = Selector(
        run,
        patience=PATIENCE if options.steps is None else None,
        deadline_s=deadline.at_s if deadline else None,
    )
    # All that asks the base comes before the first step: training changes its weights in place.
    replay = _replay(base, recipe, lexicon, progress) if base else NO_REPLAY
    listener = scorer(_original(training, held_out, speaker, base)) if base and scorer else None
    evaluation_s = 0.0
    if base and listener and (not selector.has_begun or (deadline and not load_plan(run))):
        heard_s = monotonic()
        selector.begin(listener, base)
        evaluation_s = monotonic() - heard_s
    if recipe.dropout is not None:
        set_dropout(text2mel, recipe.dropout)
    ssrn_recipe = SSRNRecipe(seed=options.seed, batch_size=recipe.ssrn_batch_size)
    ssrn_task = SSRNTask(ssrn, training, held_out, recipe=ssrn_recipe, audio=AUDIO)
    taught = teaching(recipe, seed=options.seed, from_base=base is not None)
    text2mel_task = Text2MelTask(
        text2mel, training, held_out, recipe=taught, audio=AUDIO, lexicon=lexicon, replay=replay
    )
    plan = _plan(minutes, recipe, options, run, deadline, text2mel_task, ssrn_task, evaluation_s)
    log.info("%d clips, %.1f min: %d Text2Mel and %d SSRN steps", len(training), minutes, plan.steps, plan.ssrn_steps)

    if plan.ssrn_steps:
        rate = recipe.ssrn_learning_rate or GENTLE_SSRN_RATE
        ssrn, became = train_ssrn(
            ssrn_task,
            _driven(options, recipe, plan.ssrn_steps, rate, options.preview_every),
            run,
            from_base=base is not None,
            ends_early=base is not None and options.ssrn_steps is None,
            progress=progress,
        )
        if listener:
            selector.note_ssrn(**became)
    voice = Voice(
        text2mel=Text2Mel(text2mel.config),
        ssrn=ssrn,
        audio=AUDIO,
        speaker=speaker,
        symbols_per_frame=symbols_per_frame(training, lexicon, AUDIO),
        mean_frame=mean_frame(training, AUDIO),
        vocoder=base.vocoder if base else None,
        card={
            **(card or {}),
            "minutes": round(minutes, 2),
            "recipe": recipe.name,
            "steps": plan.steps,
            "ssrn_steps": plan.ssrn_steps,
        },
    )
    last = _train_text2mel(
        text2mel_task,
        _driven(options, recipe, plan.steps, recipe.learning_rate, plan.evaluate_every),
        run,
        voice,
        lexicon,
        rate_of=recipe.rate_of if base else None,
        listener=listener,
        selector=selector,
        progress=progress,
    )
    if listener:
        chosen = selector.finish(voice.text2mel)
        voice = replace(voice, card={**voice.card, "selected_step": chosen.step, "heard": asdict(chosen.scores)})
    else:
        load_average(voice.text2mel, last)
    save_voice(voice, run / "voice.safetensors")
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


def _replay(base: Voice, recipe: FinetuneRecipe, lexicon: Lexicon, progress: Progress) -> Replay:
    """Let the base say what is mixed in against forgetting, if the recipe wants any."""
    if not recipe.replay:
        return NO_REPLAY
    return Replay(examples=speak_replay(base, replay_texts(), lexicon, progress=progress), part=recipe.replay)


def _driven(
    options: FinetuneOptions, recipe: FinetuneRecipe, steps: int, learning_rate: float, every: int
) -> TrainOptions:
    return train_options(
        recipe,
        steps=max(1, steps),
        learning_rate=learning_rate,
        every=every,
        seed=options.seed,
        device=options.device,
    )


def _plan(
    minutes: float,
    recipe: FinetuneRecipe,
    options: FinetuneOptions,
    run: Path,
    deadline: Deadline | None,
    text2mel_task: Text2MelTask,
    ssrn_task: SSRNTask,
    evaluation_s: float,
) -> Plan:
    """Count the steps, and before the first one see that the hardest batch fits into memory, and all into the time."""
    full = full_plan(
        minutes, recipe, steps=options.steps, ssrn_steps=options.ssrn_steps, evaluate_every=options.preview_every
    )
    how = _driven(options, recipe, full.steps, recipe.learning_rate, full.evaluate_every)
    if newest(run / "checkpoints" / TEXT2MEL) is None:
        try_hardest_batch(text2mel_task, how, batch_size=recipe.batch_size)
    if not deadline:
        return load_plan(run) or full

    def measure() -> Costs:
        return Costs(
            ssrn_step_s=seconds_per_step(ssrn_task, how) if full.ssrn_steps else 0.0,
            step_s=seconds_per_step(text2mel_task, how),
            evaluation_s=evaluation_s,
        )

    return load_plan(run) or plan_within(run, full, deadline, measure)


def _train_text2mel(
    task: Text2MelTask,
    how: TrainOptions,
    run: Path,
    voice: Voice,
    lexicon: Lexicon,
    *,
    rate_of: Callable[[str], float] | None,
    listener: Scorer | None,
    selector: Selector,
    progress: Progress,
) -> Path:
    """Train to the last step, or to where the listener has heard enough; give the newest checkpoint."""

    def watch(step: int, network: nn.Module, measured: dict[str, float]) -> bool:
        assert isinstance(network, Text2Mel)
        with torch.autocast(how.device, enabled=False):  # speaking is done in float32
            current = replace(voice, text2mel=network)
            _speak_previews(current, lexicon, run / "previews", step)
            return listener is not None and selector.watch(step, current, listener, measured)

    last = newest(run / "checkpoints" / TEXT2MEL)
    if last is not None and listener and selector.is_over(int(last.stem)):
        return last
    return train(task, how, run, name=TEXT2MEL, progress=progress, rate_of=rate_of, on_validate=watch)


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


def _original(training: Sequence[Example], held_out: Sequence[Example], speaker: Tensor, base: Voice) -> Original:
    return Original(
        held_out=held_out,
        transcripts=[example.text for example in training],
        speaker=speaker,
        base_speakers=base.speakers or {"base": base.speaker},
    )


def _speak_previews(voice: Voice, lexicon: Lexicon, folder: Path, step: int) -> None:
    for number, text in enumerate(PREVIEW_TEXTS, 1):
        path = folder / f"{TEXT2MEL}-{step:06d}-speech-{number}.wav"
        write_speech(text, voice, lexicon, path, options=SpeakOptions(attempts=1))
