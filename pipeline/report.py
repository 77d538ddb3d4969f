"""`report.html`: where each minute of the recordings went, with every clip to hear and see, in one offline file."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
from markupsafe import Markup

from dctts.atomic import whole_file
from dctts.progress import SILENT, Bar, Progress
from pipeline.funnel import NOT_SPEECH, Funnel, Stretch, add_up, label, stretches
from pipeline.pages import asset, csp_hash, data_uri, environment
from pipeline.preview import mp3, spectrogram
from pipeline.records import Clip, Recording, Speaker
from pipeline.side_by_side import KINDS
from pipeline.timeline import Strip, strips
from pipeline.training_note import TrainingNote

_VERSION = 3  # of this module and its template: raise it when the same clips should give another page
_RESERVE_BYTES = 2_500  # of a row's picture, generously: 1,400 on the panel
_ROW_BYTES = 2_000  # of its text and figures: 1,700 on the panel
_SOUND_BYTES_PER_S = 5_500  # 32 kbit/s in base64: 5,360 on the panel
# Above this many reasons colours are no longer told apart; the rest shares the last one.
_NUM_COLOURS = 6
_LONGEST_SAMPLE_S = 8.0  # of a speaker: one hears who it is
_MOST_SPEAKERS = 8  # with samples; beyond it are single words that sound like nobody


@dataclass(frozen=True, kw_only=True)
class ReportOptions:
    """How much the report embeds."""

    max_bytes: int = 45_000_000
    """All candidates of a two-hour talk; of more each reason gets its share of players. Sounds and pictures are text
    until they are played or scrolled to, so that a browser opens it as it would open a page of text."""


@dataclass(frozen=True, kw_only=True)
class Row:
    """One clip as the page shows it."""

    clip: Clip
    url: str
    """Where to hear it on the page it came from, "" when it has none that is safe to link."""
    colour: str
    sound: str
    """Data URI, "" when the page had grown to its limit."""
    picture: str


@dataclass(frozen=True, kw_only=True)
class SpeakerRow:
    """One speaker of a recording as the page shows it."""

    speaker: Speaker
    sounds: tuple[str, ...]
    """Data URIs."""


def write_report(
    path: Path,
    clips: Sequence[Clip],
    recordings: Mapping[str, Recording],
    *,
    decoded: Callable[[str], Path],
    name: str,
    transcribers: Mapping[str, str] | None = None,
    speakers: Mapping[str, Sequence[Speaker]] | None = None,
    training: TrainingNote | None = None,
    options: ReportOptions | None = None,
    progress: Progress = SILENT,
) -> bool:
    """Write the report, unless the one that is there was made from the same clips.

    Args:
        path: of the html file.
        clips: every candidate, kept and dropped, of all sources.
        recordings: source id → recording, for each source of `clips`.
        decoded: source id → its mono wav at 16 kHz; asked only for sources whose clips are embedded.
        name: of the voice.
        transcribers: source id → the line that says who wrote the words.
        speakers: source id → who speaks in it, where that is known.
        training: of the voice's newest run, if it left something to see.
        options: None takes the defaults.
        progress: where to draw.

    Returns:
        Whether it was written.
    """
    options = options or ReportOptions()
    speakers = speakers or {}
    key = _key(clips, recordings, transcribers or {}, speakers, training, name, options)
    if _built_from(path) == key:
        return False
    ordered = sorted(recordings.values(), key=lambda recording: recording.id)
    parts = {
        recording.id: stretches([clip for clip in clips if clip.source == recording.id], recording.duration_s)
        for recording in ordered
    }
    funnel = add_up(part for own in parts.values() for part in own)
    colours = _colours(funnel)
    template = environment().get_template("report.html.j2")
    style, script = (asset(f"report.{kind}") for kind in ("css", "js"))
    with progress.bar("writing the report", len(clips)) as bar, whole_file(path) as part:
        page = template.generate(
            key=key,
            name=name,
            style=Markup(style),  # our own files, shown as they are
            script=Markup(script),
            style_hash=csp_hash(style),
            script_hash=csp_hash(script),
            recordings=ordered,
            links={recording.id: _safe_link(recording.url) for recording in ordered},
            transcribers=transcribers or {},
            speakers={source: _speaker_rows(own, source, decoded) for source, own in speakers.items() if own},
            training=training,
            compared=_compared(training),
            curve=data_uri("image/png", training.curve_png) if training and training.curve_png else "",
            funnel=funnel,
            funnel_rows=_funnel_rows(funnel, clips, colours),
            num_kept=sum(clip.kept for clip in clips),
            num_clips=len(clips),
            strips=_strips(ordered, parts, clips, colours),
            measures=sorted({measure for clip in clips for measure in clip.measures}),
            rows=_rows(clips, recordings, decoded, colours, options, bar),
            max_megabytes=round(options.max_bytes / 1e6),
        )
        with part.open("w", encoding="utf-8", newline="\n") as file:
            file.writelines(page)
    return True


@dataclass(frozen=True, kw_only=True)
class FunnelRow:
    """One step between the recording and what was kept."""

    label: str
    minutes: float
    share: float
    num_clips: int | None
    colour: str


def _funnel_rows(funnel: Funnel, clips: Sequence[Clip], colours: Mapping[str, str]) -> list[FunnelRow]:
    counts: dict[str, int] = {}
    for clip in clips:
        kind = "" if clip.kept else label(clip.reasons[0])
        counts[kind] = counts.get(kind, 0) + 1
    # A kind whose every second a kept clip covers too has no seconds of its own, but its clips are listed all the same.
    seconds = {kind: 0.0 for kind in sorted(counts) if kind} | dict(funnel.dropped_s)
    dropped = sorted(seconds.items(), key=lambda item: (-item[1], item[0]))
    steps = [(NOT_SPEECH, funnel.not_speech_s), *dropped, ("", funnel.kept_s)]
    return [
        FunnelRow(
            label=kind or "kept",
            minutes=value / 60,
            share=value / funnel.total_s if funnel.total_s else 0.0,
            num_clips=None if kind == NOT_SPEECH else counts.get(kind, 0),
            colour=colours.get(kind, f"c{_NUM_COLOURS - 1}"),
        )
        for kind, value in steps
    ]


def _colours(funnel: Funnel) -> dict[str, str]:
    """Give each reason a class of the style sheet, the largest losses the colours that differ most."""
    kinds = (kind for kind, _ in funnel.dropped_s)
    named = {kind: f"c{min(place, _NUM_COLOURS - 1)}" for place, kind in enumerate(kinds)}
    return {"": "kept", NOT_SPEECH: "silent"} | named


def _strips(
    recordings: Sequence[Recording],
    parts: Mapping[str, Sequence[Stretch]],
    clips: Sequence[Clip],
    colours: Mapping[str, str],
) -> dict[str, list[Strip]]:
    return {
        recording.id: strips(
            parts[recording.id], [clip for clip in clips if clip.source == recording.id], recording.duration_s, colours
        )
        for recording in recordings
    }


def _rows(
    clips: Sequence[Clip],
    recordings: Mapping[str, Recording],
    decoded: Callable[[str], Path],
    colours: Mapping[str, str],
    options: ReportOptions,
    bar: Bar,
) -> Iterator[Row]:
    """Make the rows one by one: the page may be 40 MB, its rows are never in memory together."""
    chosen = _embedded(clips, options)
    for clip in clips:
        sound = picture = ""
        if clip.id in chosen:
            samples, sample_rate_hz = _read(decoded(clip.source), clip.start_s, clip.end_s)
            if len(samples):
                sound = data_uri("audio/mpeg", mp3(samples, sample_rate_hz))
                picture = data_uri("image/webp", spectrogram(samples, sample_rate_hz))
        url = _safe_link(recordings[clip.source].url)
        yield Row(
            clip=clip,
            url=url and _at(url, clip.start_s),
            colour=colours.get("" if clip.kept else label(clip.reasons[0]), f"c{_NUM_COLOURS - 1}"),
            sound=sound,
            picture=picture,
        )
        bar.advance()


def _embedded(clips: Sequence[Clip], options: ReportOptions) -> set[str]:
    """Choose the clips to embed: all that fit; else as many of each reason as of each other, and of those kept."""
    kinds: dict[str, list[Clip]] = {}
    # By hash, so that the choice is spread over the recording and is the same on every run.
    for clip in sorted(clips, key=lambda clip: hashlib.sha256(clip.id.encode()).digest()):
        kinds.setdefault("" if clip.kept else label(clip.reasons[0]), []).append(clip)
    queues = [kinds[kind] for kind in sorted(kinds)]
    chosen: set[str] = set()
    left = options.max_bytes - _ROW_BYTES * len(clips)
    for place in range(max(map(len, queues), default=0)):
        for queue in queues:
            if place < len(queue):
                clip = queue[place]
                left -= _RESERVE_BYTES + round((clip.end_s - clip.start_s) * _SOUND_BYTES_PER_S)
                if left < 0:
                    return chosen
                chosen.add(clip.id)
    return chosen


@dataclass(frozen=True, kw_only=True)
class TakeCell:
    """One of the readings of a sentence."""

    kind: str
    secs: float
    cer: float
    sound: str
    """Data URI."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """Zero-shot, fine-tuned and real as the page shows them."""

    kinds: tuple[str, ...]
    means: tuple[tuple[float, float], ...]
    """SECS and CER of each kind."""
    rows: tuple[tuple[str, tuple[TakeCell, ...]], ...]
    """Each sentence and its readings."""


def _compared(training: TrainingNote | None) -> Compared | None:
    made = training.side_by_side if training else None
    if made is None or not made.sentences:
        return None
    rows = []
    for sentence in made.sentences:
        cells = tuple(
            TakeCell(kind=take.kind, secs=take.secs, cer=take.cer, sound=data_uri("audio/mpeg", take.sound))
            for take in sentence.takes
        )
        rows.append((sentence.text, cells))
    return Compared(kinds=KINDS, means=tuple(made.mean(kind) for kind in KINDS), rows=tuple(rows))


def _speaker_rows(speakers: Sequence[Speaker], source: str, decoded: Callable[[str], Path]) -> list[SpeakerRow]:
    rows = []
    for speaker in speakers:
        heard = speaker.samples if speaker.number <= _MOST_SPEAKERS or speaker.wanted else ()
        parts = [_read(decoded(source), at.start_s, min(at.end_s, at.start_s + _LONGEST_SAMPLE_S)) for at in heard]
        sounds = tuple(data_uri("audio/mpeg", mp3(samples, rate)) for samples, rate in parts if len(samples))
        rows.append(SpeakerRow(speaker=speaker, sounds=sounds))
    return rows


def _read(wav: Path, start_s: float, end_s: float) -> tuple[npt.NDArray[np.float32], int]:
    with soundfile.SoundFile(wav) as file:
        start = min(round(start_s * file.samplerate), file.frames)
        file.seek(start)
        return file.read(max(0, round(end_s * file.samplerate) - start), dtype="float32"), file.samplerate


def _safe_link(url: str) -> str:
    """Let through what a browser only opens: `javascript:` and `file:` come from pages as easily as `https:`."""
    return url if url.lower().startswith(("https://", "http://")) else ""


def _at(url: str, start_s: float) -> str:
    """Link to a moment, where the site is known to understand it."""
    return f"{url}&t={int(start_s)}s" if "youtube.com/watch?" in url else url


def _key(
    clips: Sequence[Clip],
    recordings: Mapping[str, Recording],
    transcribers: Mapping[str, str],
    speakers: Mapping[str, Sequence[Speaker]],
    training: TrainingNote | None,
    name: str,
    options: ReportOptions,
) -> str:
    pages = [
        [value for key, value in sorted(asdict(recording).items()) if key not in ("folder", "audio", "captions")]
        for recording in recordings.values()
    ]
    made_of: list[Any] = [_VERSION, name, [asdict(clip) for clip in clips], pages, dict(transcribers), asdict(options)]
    made_of += [{source: [asdict(one) for one in own] for source, own in speakers.items()}]
    if training:
        made_of += [training.run, training.why, training.findings, hashlib.sha256(training.curve_png).hexdigest()]
        made_of += [hashlib.sha256(repr(training.side_by_side).encode()).hexdigest()]
    return hashlib.sha256(json.dumps(made_of, sort_keys=True).encode()).hexdigest()[:32]


def _built_from(path: Path) -> str:
    """Read the key out of a report's first lines."""
    try:
        with path.open(encoding="utf-8") as file:
            head = file.read(500)
    except (OSError, UnicodeDecodeError):
        return ""
    return head.partition('name="built-from" content="')[2].partition('"')[0]
