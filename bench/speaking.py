"""What one second of speech costs: `python -m bench.speaking` prints a Markdown table, --json writes the figures too.

Contenders take turns within one process and every row is a median of such rounds, so that a busy machine slows all of
them. RTF is seconds of work for a second of sound. Weights are random unless --voice gives a trained one: the cost does
not depend on their values. Texts are decoded to the length that LJSpeech's reader takes, 0.76 symbols a coarse frame.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter, process_time

import librosa
import numpy as np
import torch
from torch import Tensor

from dctts.audio import load_wav, magnitudes
from dctts.config import AudioConfig, ssrn_config, text2mel_config
from dctts.decode import DecodeOptions, decode
from dctts.lexicon import open_lexicon
from dctts.refine import refine
from dctts.retry import PAUSES
from dctts.ssrn import SSRN
from dctts.stream import stream
from dctts.synthesize import SpeakOptions, speak
from dctts.text import encode
from dctts.text2mel import Text2Mel, attend
from dctts.vocabulary import VOCABULARY
from dctts.vocoders.griffin_lim import STREAM_BLOCK_FRAMES, PhaseRetrieval, griffin_lim
from dctts.voice import Voice, load_voice, save_voice

AUDIO = AudioConfig()
FRAME_S = 1 / AUDIO.coarse_frames_per_s
PACE = 0.76
SENTENCE = (
    "The examination and testimony of the experts enabled the commission to conclude that five shots were fired. "
)
STEADY = DecodeOptions(
    length_factor=1.0,
    spare_frames=0,
    end_frames=10**6,
    quiet_frames=10**6,
    dwell_frames=10**6,
    pause_dwell_frames=10**6,
)
"""Stops at the length that the pace predicts, whatever random weights say."""
Work = Callable[[], float]
"""Does something once and gives the seconds of sound it made."""


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--voice", type=Path, help="a trained voice.safetensors, instead of random weights")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="recordings for the phase retrieval")
    arguments = parser.parse_args()
    if arguments.voice:
        voices = {"voice": replace(load_voice(arguments.voice), symbols_per_frame=PACE)}
    else:
        voices = {size: random_voice(size) for size in ("paper", "small")}
    rows: list[dict[str, object]] = []
    torch.set_num_threads(1)
    for name, voice in voices.items():
        rows += measure(f"Text2Mel, {name}, 1 thread", text2mel_work(voice), arguments.rounds)
        rows += measure(f"SSRN, {name}, 1 thread", {"one chunk": ssrn_work(voice)}, arguments.rounds)
    rows += phase_rows(arguments.shared, arguments.rounds)
    torch.set_num_threads(2)
    for name, voice in voices.items():
        rows += measure(f"text → wav, {name}, 2 threads", speak_work(voice), arguments.rounds)
        rows += seconds(f"first sound of a stream, {name}", partial(first_sound_s, voice), arguments.rounds)
        rows += growth(name, voice)
        rows += cold(name, voice, arguments.rounds)
    print("| | | median | min – max | on the processor |\n|---|---|---|---|---|")
    for row in rows:
        print("| {what} | {which} | {median} {unit} | {min} – {max} | {cpu} |".format(**row))
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def measure(what: str, contenders: dict[str, Work], rounds: int) -> list[dict[str, object]]:
    """Let contenders take turns; one untimed round comes first."""
    wall: dict[str, list[float]] = {which: [] for which in contenders}
    spent: dict[str, list[float]] = {which: [] for which in contenders}
    for number in range(rounds + 1):
        for which, work in contenders.items():
            begun, worked = perf_counter(), process_time()
            sound_s = work()
            if number:
                wall[which].append((perf_counter() - begun) / sound_s)
                spent[which].append((process_time() - worked) / sound_s)
    return [row(what, which, wall[which], spent[which], "RTF") for which in contenders]


def seconds(what: str, take_s: Callable[[], float], rounds: int, unit: str = "s") -> list[dict[str, object]]:
    """Measure something that times itself."""
    take_s()
    times, spent = [], []
    for _ in range(rounds):
        worked = _process_s()
        times.append(take_s())
        spent.append(_process_s() - worked)
    return [row(what, "", times, spent, unit)]


def row(what: str, which: str, times: Sequence[float], spent: Sequence[float], unit: str) -> dict[str, object]:
    """Sum up the rounds of one contender."""
    print(f"{what} {which}: {median(times):.4f} {unit}", file=sys.stderr)
    figures = {"median": median(times), "min": min(times), "max": max(times), "cpu": median(spent)}
    return {"what": what, "which": which, "unit": unit, **{name: float(f"{x:.3g}") for name, x in figures.items()}}


def random_voice(size: str) -> Voice:
    """Make a voice of a named size that was never trained."""
    torch.manual_seed(0)
    return Voice(
        text2mel=Text2Mel(text2mel_config(size, len(VOCABULARY))).eval(),
        ssrn=SSRN(ssrn_config(size)).eval(),
        audio=AUDIO,
        speaker=torch.full((256,), 1 / 16),
        symbols_per_frame=PACE,
    )


def text2mel_work(voice: Voice) -> dict[str, Work]:
    """Ours at three batch sizes, and the network run again for every frame."""
    text = encode(SENTENCE, lexicon=open_lexicon())

    def ours(batch: int) -> float:
        made = decode(
            voice.text2mel, [text] * batch, voice.speaker, symbols_per_frame=PACE, pauses=PAUSES, options=STEADY
        )
        return sum(len(one.coarse) for one in made) * FRAME_S

    return {
        "one text": lambda: ours(1),
        "4 texts": lambda: ours(4),
        "16 texts": lambda: ours(16),
        "plain: whole past again each frame": lambda: plain(voice, text, grid=None, steps=int(len(text) / PACE)),
        "plain: 210 frames again each frame": lambda: plain(voice, text, grid=210, steps=6),
    }


@torch.inference_mode()
def plain(voice: Voice, text: list[int], *, grid: int | None, steps: int) -> float:
    """Decode as the public implementations do: all frames again for each one.

    With `grid`, always over so many frames and the text too, as Kyubyong/dc_tts; without, over the frames so far, the
    text once, which is the most that can be had without remembering layers' inputs.
    """
    network, symbols = voice.text2mel, torch.tensor([text])
    mask = torch.ones_like(symbols, dtype=torch.bool)
    condition = network.condition(voice.speaker.unsqueeze(0))
    frames = torch.zeros(1, (grid or steps) + 1, AUDIO.num_mels)
    encoded = network.text_encoder(symbols, mask, condition)
    for time in range(steps):
        keys, values = network.text_encoder(symbols, mask, condition) if grid else encoded
        queries = network.audio_encoder(frames[:, : grid or time + 1])
        attended = attend(queries, keys, mask) @ values
        logits = network.audio_decoder(torch.cat([attended, queries], dim=-1), condition)
        frames[:, time + 1] = logits[:, time].sigmoid()
    return steps * FRAME_S


def ssrn_work(voice: Voice) -> Work:
    """Eight seconds of speech, a long chunk."""
    coarse = torch.rand(172, AUDIO.num_mels)

    def work() -> float:
        return len(refine(voice.ssrn, coarse, AUDIO)) / 4 * FRAME_S

    return work


def phase_rows(shared: Path, rounds: int) -> list[dict[str, object]]:
    """Ours against librosa's, on real magnitudes where there are any."""
    paths = sorted((shared / "data/ljspeech/wavs").glob("*.ogg"))[5:60:11]
    if paths:
        waves = [load_wav(path, AUDIO.sample_rate_hz) for path in paths]
    else:
        waves = [np.random.default_rng(0).normal(0, 0.1, 22_050 * 6).astype(np.float32)]
    wanted: list[Tensor] = [magnitudes(torch.from_numpy(wave).unsqueeze(0), AUDIO)[0] for wave in waves]

    def streamed(frames: Tensor) -> np.ndarray:
        return PhaseRetrieval(AUDIO, block=STREAM_BLOCK_FRAMES).push(frames, last=True)

    def librosas(frames: Tensor) -> np.ndarray:
        return librosa.griffinlim(
            np.ascontiguousarray(frames.numpy().T), n_iter=32, hop_length=256, n_fft=1024, momentum=0.99, random_state=0
        )

    ways: dict[str, Callable[[Tensor], np.ndarray]] = {"librosa, 32 rounds": librosas}
    ways["ours, 32 rounds"] = partial(griffin_lim, config=AUDIO)
    ways |= {"ours, 16 rounds": partial(griffin_lim, config=AUDIO, iterations=16), "ours, streamed": streamed}

    def work(way: Callable[[Tensor], np.ndarray]) -> Work:
        return lambda: sum(way(frames).shape[0] for frames in wanted) / AUDIO.sample_rate_hz

    rows = measure("phase retrieval, 1 thread", {name: work(way) for name, way in ways.items()}, rounds)
    for one, way in zip(rows, ways.values(), strict=True):
        one["which"] = (
            f"{one['which']}, {convergence_db([way(frames) for frames in wanted], wanted, way is librosas):.1f} dB"
        )
    return rows


def convergence_db(waves: list[np.ndarray], wanted: list[Tensor], centred: bool) -> float:
    """Mean spectral convergence; librosa's frames are centred on their hop, ours as HiFi-GAN pads them."""
    ratios = []
    for wave, frames in zip(waves, wanted, strict=True):
        if centred:
            got = torch.from_numpy(np.ascontiguousarray(np.abs(librosa.stft(wave, n_fft=1024, hop_length=256)).T))
        else:
            got = magnitudes(torch.from_numpy(wave).unsqueeze(0), AUDIO)[0]
        count = min(len(got), len(frames))
        ratios.append(float(torch.linalg.norm(got[:count] - frames[:count]) / torch.linalg.norm(frames[:count])))
    return 20 * float(np.log10(np.mean(ratios)))


def speak_work(voice: Voice) -> dict[str, Work]:
    """A sentence alone, and sixteen together."""
    lexicon, options = open_lexicon(), SpeakOptions(decode=STEADY, attempts=1)

    def work(text: str) -> float:
        return sum(len(spoken.wave) for spoken in speak(text, voice, lexicon, options=options)) / AUDIO.sample_rate_hz

    return {"one sentence": lambda: work(SENTENCE), "16 sentences": lambda: work(SENTENCE * 16)}


def first_sound_s(voice: Voice) -> float:
    """Seconds from text to the first piece of sound, the voice being loaded."""
    lexicon, options = open_lexicon(), SpeakOptions(decode=STEADY, attempts=1)
    begun = perf_counter()
    next(stream(SENTENCE, voice, lexicon, options=options))
    return perf_counter() - begun


def growth(name: str, voice: Voice) -> list[dict[str, object]]:
    """Cost of texts from 100 to 3,200 characters: milliseconds a character should stay the same."""
    lexicon, options = open_lexicon(), SpeakOptions(decode=STEADY, attempts=1)
    lengths = (100, 200, 400, 800, 1600, 3200)
    times: dict[int, list[float]] = {length: [] for length in lengths}
    spent: dict[int, list[float]] = {length: [] for length in lengths}
    for _ in range(3):
        for length in lengths:
            text = (SENTENCE * (length // len(SENTENCE) + 1))[:length]
            begun, worked = perf_counter(), process_time()
            for _ in speak(text, voice, lexicon, options=options):
                pass
            times[length].append((perf_counter() - begun) / length * 1000)
            spent[length].append((process_time() - worked) / length * 1000)
    return [
        row(f"text → wav, {name}, 2 threads", f"{length} characters", times[length], spent[length], "ms/character")
        for length in lengths
    ]


def cold(name: str, voice: Voice, rounds: int) -> list[dict[str, object]]:
    """`clone-pipeline speak` of one short sentence, from the start of the program to its end."""
    with tempfile.TemporaryDirectory() as folder:
        save_voice(voice, Path(folder) / "bench" / "voice.safetensors")
        command = [
            sys.executable,
            "-m",
            "pipeline",
            "speak",
            "Hello there.",
            "--voice",
            "bench",
            "--voices-dir",
            folder,
        ]

        def run_s() -> float:
            begun = perf_counter()
            subprocess.run([*command, "-o", f"{folder}/out.wav"], check=True, capture_output=True)
            return perf_counter() - begun

        return seconds(f"speak “Hello there.”, cold, {name}", run_s, rounds)


def _process_s() -> float:
    """Seconds on the processor, of this program and those it waited for."""
    return sum(os.times()[:4])


if __name__ == "__main__":
    main()
