"""Vocoders side by side: `python -m bench.vocoders --vocoder hifigan=FILE --vocoder ours=FILE` prints a Markdown table.

Each is heard three times: from the frames of real speech (copy synthesis), from what the SSRN of a voice makes of their
coarse frames, and from the same texts as Text2Mel says them, which is what `speak` does. Nothing in these clips was
trained on, but for those of LJSpeech by the voice that ships.

- mel L1: of natural-log mels, against the real clip.
- SECS: cosine of the speaker encoder with the speaker's vector in the base voice.
- MCD: mel-cepstral distortion in dB, along the best warping.
- WER: of PocketSphinx with its general English model.
- RTF: processor seconds for a second of sound, with one thread; and seconds on the clock with two.
"""

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from time import perf_counter, process_time

import numpy as np
import soundfile
import torch
from torch import Tensor

from dctts.audio import load_wav, log_mel, loudness_normalise, magnitudes, trim_silence
from dctts.chunks import Chunk
from dctts.config import AudioConfig
from dctts.contrast import with_contrast
from dctts.corpora import read_corpus
from dctts.corpus import waveform_to_mel
from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.lexicon import open_lexicon
from dctts.refine import refine
from dctts.retry import decode_chunks
from dctts.synthesize import speech_span
from dctts.text import normalise
from dctts.vocoders.file import load_vocoder
from dctts.vocoders.interface import GriffinLim, Vocoder, Wave, vocode
from dctts.voice import Voice, as_speaker, load_voice
from pipeline.evaluation.acoustics import analyse, distance
from pipeline.listen import Listener, corpus_errors, word_errors

AUDIO = AudioConfig()
SPEAKERS = ("arctic_slt", "kathleen", "ljspeech")
REAL, SSRN, TEXT = "real frames", "SSRN", "text"


@dataclass(frozen=True, kw_only=True)
class Clip:
    """A real reading."""

    speaker: str
    text: str
    wave: Wave


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--vocoder", action="append", default=[], metavar="NAME=PATH", help="beside Griffin-Lim")
    parser.add_argument("--voice", type=Path, default=Path("data/base/base.safetensors"), help="whose SSRN")
    parser.add_argument("--shared", type=Path, default=Path("../shared"), help="recordings")
    parser.add_argument("--clips", type=int, default=20, help="of each speaker")
    parser.add_argument("--speakers", nargs="+", default=SPEAKERS)
    parser.add_argument("--json", type=Path, help="where to write the figures")
    parser.add_argument("--sounds", type=Path, help="where to write what was heard")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    vocoders: dict[str, Vocoder] = {"Griffin-Lim": GriffinLim(AUDIO)}
    for entry in arguments.vocoder:
        name, _, path = entry.partition("=")
        vocoders[name] = load_vocoder(Path(path))
    voice = load_voice(arguments.voice)
    clips = [clip for speaker in arguments.speakers for clip in held_out(arguments.shared, speaker, arguments.clips)]
    judge = Judge(voice)
    rows = [{"vocoder": "recordings", "from": "", **judge.sum_up(clips, [clip.wave for clip in clips])}]
    for source in (REAL, SSRN, TEXT):
        coarse = spoken(clips, voice) if source == TEXT else [coarse_of(clip) for clip in clips]
        frames = {
            head: [given(clip, frames, voice, source, head) for clip, frames in zip(clips, coarse, strict=True)]
            for head in ("linear", "mel")
        }
        for name, vocoder in vocoders.items():
            made, costs = synthesise(vocoder, frames[vocoder.head])
            rows.append({"vocoder": name, "from": source, **judge.sum_up(clips, made, aligned=source != TEXT), **costs})
            print(json.dumps(rows[-1]), file=sys.stderr)
            if arguments.sounds:
                keep(arguments.sounds / f"{name}-{source.split()[0]}", clips, made)
    columns = [key for key in rows[-1] if not key.startswith("secs_")]
    print("| " + " | ".join(columns) + " |\n|" + "---|" * len(columns))
    for row in rows:
        print("| " + " | ".join(_shown(row.get(key, "")) for key in columns) + " |")
    if arguments.json:
        arguments.json.write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")


def held_out(shared: Path, speaker: str, count: int) -> Iterator[Clip]:
    """Give prompts arctic_b05xx, which nothing that ships was trained on; of LJSpeech every twentieth clip."""
    rows = read_corpus(shared / "data" / speaker)
    chosen = rows[::20] if speaker == "ljspeech" else [row for row in rows if "arctic_b05" in row.id]
    for row in chosen[:: max(1, len(chosen) // count)][:count]:
        wave = loudness_normalise(trim_silence(load_wav(row.wav, AUDIO.sample_rate_hz), AUDIO))
        whole = len(wave) // (4 * AUDIO.hop_samples) * 4 * AUDIO.hop_samples
        yield Clip(speaker=speaker, text=row.text, wave=wave[:whole])


def coarse_of(clip: Clip) -> Tensor:
    """Every fourth frame of a clip: Tensor[T, F], unit mels."""
    return waveform_to_mel(torch.from_numpy(clip.wave), AUDIO)[:: AUDIO.reduction]


def spoken(clips: list[Clip], voice: Voice) -> list[Tensor]:
    """Let Text2Mel say the texts of the clips as their speakers: a Tensor[T, F] each."""
    made, lexicon = [], open_lexicon()
    for clip in clips:
        speaker = as_speaker(voice, clip.speaker)
        (take,) = decode_chunks([Chunk(text=normalise(clip.text), silence_ms=0)], speaker, lexicon, attempts=1)
        coarse = take.pieces[0].decoded.coarse
        made.append(with_contrast(coarse[speech_span(coarse)], speaker.mean_frame))
    return made


def given(clip: Clip, coarse: Tensor, voice: Voice, source: str, head: str) -> Tensor:
    """Frames for a vocoder: Tensor[M, L or F]."""
    if source != REAL:
        return refine(voice.ssrn, coarse, AUDIO, head="linear" if head == "linear" else "mel")
    linear = magnitudes(torch.from_numpy(clip.wave).unsqueeze(0), AUDIO)
    return linear[0] if head == "linear" else log_mel(linear, AUDIO)[0]


def synthesise(vocoder: Vocoder, frames: list[Tensor]) -> tuple[list[Wave], dict[str, float]]:
    """Turn the frames of each clip into sound, and time it."""
    vocode(vocoder, frames[0])
    made, wall, spent = [], {1: 0.0, 2: 0.0}, {1: 0.0, 2: 0.0}
    for threads in (2, 1):
        torch.set_num_threads(threads)
        for each in frames[:6] if threads == 2 else frames:
            begun, worked = perf_counter(), process_time()
            wave = vocode(vocoder, each)
            wall[threads] += (perf_counter() - begun) / len(wave) * AUDIO.sample_rate_hz
            spent[threads] += (process_time() - worked) / len(wave) * AUDIO.sample_rate_hz
            if threads == 1:
                made.append(wave)
    return made, {"RTF, processor": spent[1] / len(frames), "RTF, 2 threads": wall[2] / len(frames[:6])}


class Judge:
    """Whoever listens."""

    def __init__(self, voice: Voice) -> None:
        self._speakers = {name: vector.numpy() for name, vector in voice.speakers.items()}
        self._encoder, self._listener = SpeakerEncoder(), Listener()

    def sum_up(self, clips: list[Clip], waves: list[Wave], *, aligned: bool = True) -> dict[str, float | str]:
        """Give the mean of each measure over the clips; `aligned`: both have their frames in the same places."""
        errors, apart, distortions = [], [], []
        near: dict[str, list[float]] = {}
        for clip, made in zip(clips, waves, strict=True):
            level = loudness_normalise(made)
            errors.append(word_errors(clip.text, self._listener.hear(level, AUDIO.sample_rate_hz)))
            if aligned:
                apart.append(float(np.abs(_mel(clip.wave) - _mel(made)).mean()))
            real, copy = (analyse(wave, AUDIO.sample_rate_hz) for wave in (clip.wave, level))
            distortions.append(distance(real, copy).mcd_db)
            (vector,) = self._encoder.embed_batch([level], AUDIO.sample_rate_hz)
            if vector is not None:
                near.setdefault(clip.speaker, []).append(float(vector @ self._speakers[clip.speaker]))
        return {
            "mel L1": mean(apart) if aligned else "",
            "SECS": mean(one for each in near.values() for one in each),
            "MCD, dB": mean(distortions),
            "WER": corpus_errors(errors).wer,
            **{f"secs_{speaker}": mean(each) for speaker, each in near.items()},
        }


def keep(folder: Path, clips: list[Clip], waves: list[Wave]) -> None:
    """Write the first clips of each speaker, to be heard."""
    folder.mkdir(parents=True, exist_ok=True)
    for place, (clip, wave) in enumerate(zip(clips, waves, strict=True)):
        soundfile.write(folder / f"{clip.speaker}-{place:02d}.wav", loudness_normalise(wave), AUDIO.sample_rate_hz)


def _mel(wave: Wave) -> np.ndarray:
    return log_mel(magnitudes(torch.from_numpy(wave).unsqueeze(0), AUDIO), AUDIO)[0].numpy()


def _shown(value: object) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main()
