"""How well a base speaks like people it was told five seconds of: its own readers, and others it never heard.

    python -m bench.zero_shot ../shared/data --output zero-shot

The folder holds corpora in LJSpeech layout and, in `librispeech/test-other`, files called `<speaker>-….ogg`. Readers of
the base are scored on their held-out clips; all others, BDL first, never were in its training. Writes `zero-shot.json`
and `zero-shot.png`, and prints a table in Markdown.

Judges are Resemblyzer and, where `--judge NAME=MODULE:CLASS` names some, others: what can be called without arguments
and then has `embed_batch(waves, sample_rate_hz)`. Twenty sentences take two and a half minutes of one core.
"""

import argparse
import importlib
import re
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from rich.console import Console

from dctts.atomic import write_json
from dctts.audio import load_wav, trim_silence
from dctts.config import AudioConfig
from dctts.corpus import Embedder
from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.lexicon import open_lexicon
from dctts.manifest import read_dataset
from dctts.voice import load_voice
from pipeline.bars import progress_for
from pipeline.bases import PREFIX, Base, find_base_voice
from pipeline.evaluation.material import fixed_texts
from pipeline.evaluation.reference_curve import draw_reference_curve
from pipeline.evaluation.zero_shot import OWN, UNSEEN, Person, ZeroShot, ZeroShotOptions
from pipeline.listen import Listener
from pipeline.reference import Judges

REFERENCE_S = 10.0
"""Set aside of each person to be told; all the rest is to be scored against."""
MOST_CLIPS = 15
HELD_OUT = r"^arctic_b05"
"""Clips the readers are told and scored by, where they read them: the base that ships never learnt from these."""


def people(folder: Path, readers: Sequence[str], strangers: Sequence[str], audio: AudioConfig) -> list[Person]:
    """Find clips of the base's readers, and of people it never heard."""
    found = []
    for name in [*readers, *strangers]:
        corpus = folder / name
        if (corpus / "metadata.csv").is_file():
            rows = [row for row in read_dataset(corpus) if re.search(HELD_OUT, row.id)] or read_dataset(corpus)
            found.append(person(name, OWN if name in readers else UNSEEN, [row.wav for row in rows], audio))
    flat = sorted((folder / "librispeech" / "test-other").glob("*-*.ogg"))
    for speaker in sorted({path.name.partition("-")[0] for path in flat}):
        clips = [path for path in flat if path.name.startswith(f"{speaker}-")]
        found.append(person(f"LibriSpeech {speaker}", UNSEEN, clips, audio))
    return found


def person(name: str, group: str, paths: Sequence[Path], audio: AudioConfig) -> Person:
    """Set ten seconds of clips aside as reference."""
    waves = [trim_silence(load_wav(path, audio.sample_rate_hz), audio) for path in paths[: 3 * MOST_CLIPS]]
    # The longest first, as long as they are needed: a reference is one stretch of speech, not a row of words.
    order = sorted(range(len(waves)), key=lambda k: (abs(len(waves[k]) / audio.sample_rate_hz - REFERENCE_S), k))
    told: list[int] = []
    while sum(len(waves[k]) for k in told) < REFERENCE_S * audio.sample_rate_hz and len(order) - len(told) > 3:
        told.append(order[len(told)])
    clips = [wave for k, wave in enumerate(waves) if k not in told][:MOST_CLIPS]
    return Person(name=name, group=group, reference=tuple(waves[k] for k in told), clips=tuple(clips))


def judge(named: str) -> tuple[str, Embedder]:
    """Open a judge given as NAME=MODULE:CLASS."""
    name, _, place = named.partition("=")
    module, _, function = place.partition(":")
    made: Embedder = getattr(importlib.import_module(module), function)()
    return name, made


def table(document: dict[str, Any]) -> list[str]:
    """Put the figures into a Markdown table, a line a person and one a group."""

    def shown(score: Any, percent: bool = False) -> str:
        if score is None:
            return "–"
        value = score["value"] if isinstance(score, dict) else score
        return f"{100 * value:.0f} %" if percent else f"{value:.2f}"

    names = list(document["groups"][0]["judges"])
    head = ["", *(f"SECS {name} (recorded)" for name in names), "nearer than to the base's readers"]
    head += ["gain over the nearest", "EER (recorded)", "WER (its nearest reader)", "F0 off, semitones"]
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    for row in [*document["people"], *document["groups"]]:
        scores = row["judges"]
        first = scores[names[0]]
        cells = [row["name"] if "name" in row else f"**all {row['group']}**"]
        cells += [f"{shown(scores[name]['secs'])} ({shown(scores[name]['secs_real'])})" for name in names]
        cells += [f"{shown(first['margin_positive'], True)}, margin {shown(first['margin'])}"]
        cells += [f"{shown(first['gain'])}", f"{shown(first['eer'], True)} ({shown(first['eer_real'], True)})"]
        cells += [f"{shown(row['wer'], True)} ({shown(row['wer_nearest'], True)})"]
        cells += ["–" if row["f0_semitones"] is None else f"{row['f0_semitones']:+.1f}"]
        lines.append("| " + " | ".join(cells) + " |")
    return [*lines, f"The base's own voice on the same sentences: WER {shown(document['base']['wer'], True)}."]


def main() -> None:
    """Measure, write and print."""
    texts = fixed_texts("harvard")
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    parser.add_argument("--base", type=Path, help="a base's voice.safetensors; else the one that ships")
    parser.add_argument("--strangers", nargs="*", default=["arctic_bdl"], help="corpora the base never heard")
    parser.add_argument(
        "--readers", nargs="*", help="corpora the base was trained on; else those called as its speakers"
    )
    parser.add_argument("--judge", action="append", default=[], type=judge, metavar="NAME=MODULE:CLASS")
    parser.add_argument("--sentences", type=int, choices=range(1, len(texts) + 1), default=len(texts), metavar="N")
    parser.add_argument("--curve-sentences", type=int, default=3)
    parser.add_argument("--output", type=Path, default=Path("zero-shot"))
    arguments = parser.parse_args()
    path = arguments.base or find_base_voice(PREFIX).base.path
    base, encoder, begun_s = load_voice(path), SpeakerEncoder(), time.process_time()
    readers = arguments.readers if arguments.readers is not None else sorted(base.speakers)
    everybody = people(arguments.data, readers, arguments.strangers, base.audio)
    judges = Judges(encoder=encoder, hearing=Listener(quick=True), lexicon=open_lexicon(), audio=base.audio)
    options = ZeroShotOptions(curve_texts=arguments.curve_sentences)
    measured = ZeroShot(
        base, Base(name=path.stem, path=path), judges, {"Resemblyzer": encoder, **dict(arguments.judge)}, options
    ).measure(everybody, texts[: arguments.sentences], progress_for(Console(stderr=True)))
    write_json(arguments.output / "zero-shot.json", measured)
    unseen = next(one for one in measured["groups"] if one["group"] == UNSEEN)
    real = {name: scores["secs_real"]["value"] for name, scores in unseen["judges"].items()}
    if measured["curve"]:
        draw_reference_curve(measured["curve"], real, arguments.output / "zero-shot.png")
    print("\n".join(table(measured)))
    for point in measured["curve"]:
        print(f"{point['seconds']:g} s of reference, {point['judge']}: {point['value']:.3f}")
    print(
        f"{time.process_time() - begun_s:.0f} s of processor time, {np.round(REFERENCE_S):g} s set aside of each person"
    )


if __name__ == "__main__":
    main()
