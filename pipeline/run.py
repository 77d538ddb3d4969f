"""The stages in order, resumable: what `clone-pipeline fetch` and a notebook both call."""

import hashlib
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from filelock import FileLock, Timeout

from dctts.encoder.resemblyzer import SpeakerEncoder
from dctts.errors import ClonePipelineError
from dctts.lexicon import open_lexicon
from dctts.progress import SILENT, Progress
from dctts.text import normalise
from pipeline import samples as wav_samples
from pipeline.captions import CaptionTrack, read_captions
from pipeline.clips_file import read_clips, write_clips
from pipeline.dataset import DatasetOptions, DatasetSummary, drop_wordless, was_denoised, write_dataset
from pipeline.decoded import DecodedAudio
from pipeline.errors import DatasetError, FetchError, VoiceError
from pipeline.fetch import FetchOptions, fetch, load_recording
from pipeline.ffmpeg import decode
from pipeline.funnel import Funnel, add_up, stretches
from pipeline.records import Clip, Recording, Span, Speaker, Utterance
from pipeline.report import write_report
from pipeline.review_session import ReviewSession
from pipeline.reviews import apply_reviews, read_reviews
from pipeline.screen import ScreenOptions, screen
from pipeline.segment import SegmentOptions, find_spans
from pipeline.stage_store import StageFile, Stored, key_of, parse_clip, parse_span, parse_speaker, parse_utterance
from pipeline.training_note import read_training
from pipeline.transcribe import choose_transcriber
from pipeline.transcribe.captions import CaptionsTranscriber
from pipeline.voices import VoiceFolder

log = logging.getLogger(__name__)

ANALYSIS_RATE_HZ = 16_000
"""What webrtcvad, the recognisers and the speaker encoder take."""
_REVIEW_RATE_HZ = 22_050  # what the dataset holds is what is judged
_VERSION = 2  # of what the stages compute: raise it when equal settings would give other rows
_MOST_REFERENCE_S = 60.0  # of a reference clip; more tells nothing new
_PART_SPANS = 64  # some four minutes of speech: what is transcribed again, at most, after a kill


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Settings of every stage between a URL and a dataset."""

    fetch: FetchOptions = field(default_factory=FetchOptions)
    segment: SegmentOptions = field(default_factory=SegmentOptions)
    screen: ScreenOptions = field(default_factory=ScreenOptions)
    dataset: DatasetOptions = field(default_factory=DatasetOptions)
    transcriber: str = "auto"
    """auto, whisper, captions or pocketsphinx."""
    whisper_model: str = "small"
    """A name that openai-whisper knows, or a path to a checkpoint in its format."""
    device: str = "auto"
    """Where Whisper runs: auto, cpu or cuda."""
    speaker: int = 1
    """Whose voice is wanted: 1 speaks most."""
    speaker_reference: Path | None = None
    """A recording of the wanted voice, in any format that ffmpeg reads; it goes before `speaker`."""


@dataclass(frozen=True, kw_only=True)
class Failure:
    """A URL or recording that gave nothing, and why."""

    what: str
    error: ClonePipelineError


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What became of one recording."""

    recording: Recording
    funnel: Funnel
    num_kept: int


@dataclass(frozen=True, kw_only=True)
class FetchSummary:
    """What one call did, and what the voice holds now."""

    outcomes: tuple[Outcome, ...]
    """Of this call's recordings, in their order."""
    failures: tuple[Failure, ...]
    transcribers: tuple[str, ...]
    """Which transcriber was taken and why, one line for each that was."""
    funnel: Funnel
    """Over all sources of the voice."""
    num_sources: int
    num_kept: int
    num_candidates: int
    dataset: DatasetSummary
    speakers: Mapping[str, tuple[Speaker, ...]]
    """Source id → who speaks in it, for all sources of the voice."""


def build_voice_data(
    urls: Sequence[str], voice: VoiceFolder, options: RunOptions | None = None, progress: Progress = SILENT
) -> FetchSummary:
    """Go from URLs to a dataset and its report; what an earlier call did is not done again.

    Args:
        urls: of videos, playlists or channels, or paths of local files.
        voice: where everything goes.
        options: None takes the defaults.
        progress: where to draw.

    Raises:
        ClonePipelineError: none of the URLs gave anything, or no clip of the whole voice was kept. What one URL of
            several did wrong is in the summary.
    """
    options = options or RunOptions()
    with _locked(voice):
        _sweep(voice)
        options = replace(options, screen=_whose(options, voice, progress))
        recordings, failures = _fetch_all(urls, voice, options, progress)
        alone = len(recordings) + len(failures) == 1
        done: list[Recording] = []
        for recording in recordings:
            try:
                _find_clips(recording, options, progress)
                done.append(recording)
            except Exception as error:
                audio = DecodedAudio(recording)
                audio.remove()
                if alone and not isinstance(error, ClonePipelineError):
                    raise
                named = _named(error, audio)
                failures.append(Failure(what=recording.url or recording.id, error=named))
                if not alone:  # else it is the error that ends the run
                    bug = None if isinstance(error, ClonePipelineError) else error
                    log.warning("%s: %s", recording.title or recording.id, named.message, exc_info=bug)
        if not done:
            raise _nothing_done(failures)
        return _build(voice, options, progress, done, failures)


def review_voice(
    voice: VoiceFolder,
    serve: Callable[[ReviewSession], None],
    options: RunOptions | None = None,
    progress: Progress = SILENT,
) -> FetchSummary:
    """Let a person judge the clips, then build the dataset and the report from what they said.

    Args:
        voice: whose clips; nothing is fetched or screened again.
        serve: shows the session to a person, and returns when they are done.
        options: of the dataset; None takes the defaults, and lowers noise if that was done before.
        progress: where to draw.

    Raises:
        DatasetError: there are no clips, or none is kept in the end.
    """
    options = options or RunOptions(dataset=DatasetOptions(denoise=was_denoised(voice.dataset)))
    with _locked(voice):
        recordings, _, rows = _all_sources(voice)
        if not rows:
            raise DatasetError(
                f"voice {voice.name!r} has no clips to review", hint="run clone-pipeline fetch URL first"
            )
        audio = {identity: DecodedAudio(recording) for identity, recording in recordings.items()}
        session = ReviewSession(
            rows,
            recordings,
            decoded=lambda source: audio[source].wav(_REVIEW_RATE_HZ),
            reviews_jsonl=voice.reviews_jsonl,
            clips_jsonl=voice.clips_jsonl,
        )
        try:
            serve(session)
        finally:
            for one in audio.values():
                one.remove()
        return _build(voice, options, progress, [], [])


def _fetch_all(
    urls: Sequence[str], voice: VoiceFolder, options: RunOptions, progress: Progress
) -> tuple[list[Recording], list[Failure]]:
    recordings: dict[str, Recording] = {}
    failures: list[Failure] = []

    def left_out(address: str, error: FetchError) -> None:
        failures.append(Failure(what=address, error=error))

    for url in dict.fromkeys(urls):
        try:
            found = fetch(url, sources=voice.sources, options=options.fetch, progress=progress, on_failure=left_out)
            recordings.update((recording.id, recording) for recording in found)
        except ClonePipelineError as error:
            if len(urls) > 1:
                log.warning("%s: %s", url, error.message)
            failures.append(Failure(what=url, error=error))
    return list(recordings.values()), failures


def _named(error: Exception, audio: DecodedAudio) -> ClonePipelineError:
    """Put the recording's title into an error, and a bug that must not stop the others into words."""
    if isinstance(error, ClonePipelineError):
        named = type(error)(audio.name_in(error.message), hint=error.hint)
    else:
        named = ClonePipelineError(f"{type(error).__name__}: {audio.name_in(str(error))}", hint="report this as a bug")
    named.__cause__ = error
    return named


def _find_clips(recording: Recording, options: RunOptions, progress: Progress) -> Stored[Clip]:
    """Take one recording through segment, transcribe and screen, skipping what is stored."""
    audio = DecodedAudio(recording, progress)
    captions, captions_hash = _captions(recording)
    spans_key = key_of("segment", _VERSION, recording.audio_sha256, options.segment)
    # By what was asked for, not by what `auto` found: looking would load or download a model for nothing, and a
    # network that comes and goes must not throw away what is done.
    asked = (options.transcriber, options.whisper_model, options.fetch.language)
    words_key = key_of("transcribe", _VERSION, spans_key, captions_hash, *asked)
    clips_key = key_of("screen", _VERSION, words_key, options.screen)
    clips_file, speakers_file = _clips_file(recording), _speakers_file(recording)
    clips = clips_file.load(clips_key)
    if clips is not None and speakers_file.load(clips_key) is not None:
        log.info("%s: unchanged, %d clips", recording.title or recording.id, len(clips.rows))
        return clips
    spans_file = StageFile[Span](recording.folder / "stages" / "spans.jsonl", parse_span)
    spans = spans_file.load(spans_key)
    if spans is None:
        spans = spans_file.save(spans_key, find_spans(audio.wav(ANALYSIS_RATE_HZ), options.segment, progress))

    words_file = StageFile[Utterance](recording.folder / "stages" / "utterances.jsonl", parse_utterance)
    utterances = words_file.load(words_key)
    if utterances is None:
        wav = audio.wav(ANALYSIS_RATE_HZ)
        transcriber, choice = choose_transcriber(
            options.transcriber,
            captions=captions,
            model=options.whisper_model,
            device=options.device,
            language=options.fetch.language,
        )
        log.info("%s: %s", recording.title or recording.id, choice)

        def transcribe(part: Sequence[Span]) -> Iterator[Utterance]:
            return transcriber.transcribe(wav, part, source=recording.id, progress=progress)

        # Captions are given out to all the speech at once: a part alone would draw its neighbours' words.
        size = max(1, len(spans.rows)) if isinstance(transcriber, CaptionsTranscriber) else _PART_SPANS
        parts_key = key_of(words_key, type(transcriber).__name__)  # no part by one and the next by another
        rows = words_file.in_parts(parts_key, spans.rows, size, transcribe)
        utterances = words_file.save(words_key, rows, note=choice.removeprefix("transcriber: "))
    words_file.drop_parts()

    screened = screen(
        utterances.rows,
        audio.wav(ANALYSIS_RATE_HZ),
        options=options.screen,
        speaker_encoder=SpeakerEncoder(),
        sounds=captions.sounds if captions else (),
        progress=progress,
    )
    speakers_file.save(clips_key, screened.speakers)
    return clips_file.save(clips_key, drop_wordless(screened.clips, normalise), note=utterances.note)


def _whose(options: RunOptions, voice: VoiceFolder, progress: Progress) -> ScreenOptions:
    """Add whose voice is wanted to the thresholds."""
    screening = replace(options.screen, speaker=options.speaker)
    if options.speaker_reference is None:
        return screening
    wav = voice.sources / ".reference.part.wav"  # swept away should this run be killed
    try:
        decode(options.speaker_reference, wav, sample_rate_hz=ANALYSIS_RATE_HZ, progress=progress)
        samples = wav_samples.to_float(wav_samples.read(wav, 0.0, _MOST_REFERENCE_S))
    finally:
        wav.unlink(missing_ok=True)
    vector = SpeakerEncoder().embed(samples, ANALYSIS_RATE_HZ)
    return replace(screening, speaker_reference=tuple(round(float(value), 6) for value in vector))


def _build(
    voice: VoiceFolder, options: RunOptions, progress: Progress, done: Sequence[Recording], failures: list[Failure]
) -> FetchSummary:
    """Join the clips of all the voice's sources into clips.jsonl, the dataset and the report."""
    recordings, notes, rows = _all_sources(voice)
    write_clips(voice.clips_jsonl, apply_reviews(rows, read_reviews(voice.reviews_jsonl)))
    clips = read_clips(voice.clips_jsonl)  # as written, so that a rebuild from the file gives the same bytes
    audio = {identity: DecodedAudio(recording, progress) for identity, recording in recordings.items()}

    def decoded(source: str) -> Path:
        return audio[source].wav(options.dataset.sample_rate_hz)

    try:
        summary = write_dataset(
            clips,
            recordings,
            voice.dataset,
            decoded=decoded,
            normalise=normalise,
            name=voice.name,
            transcribers=notes,
            lexicon=open_lexicon(),
            options=options.dataset,
            progress=progress,
        )
    except DatasetError as error:
        if any(clip.kept for clip in clips):
            raise
        _report(voice, clips, recordings, notes, progress)  # it is what shows why nothing was kept
        hint = f"hear what was dropped in {voice.report_html}, then fetch a cleaner recording"
        raise DatasetError(error.message, hint=hint if clips else error.hint) from error
    _report(voice, clips, recordings, notes, progress)
    by_source = {identity: [clip for clip in clips if clip.source == identity] for identity in recordings}
    parts = {i: stretches(own, recordings[i].duration_s) for i, own in by_source.items()}
    return FetchSummary(
        outcomes=tuple(
            Outcome(
                recording=recording,
                funnel=add_up(parts[recording.id]),
                num_kept=sum(clip.kept for clip in by_source[recording.id]),
            )
            for recording in done
        ),
        failures=tuple(failures),
        transcribers=tuple(dict.fromkeys(notes[recording.id] for recording in done)),
        funnel=add_up(part for own in parts.values() for part in own),
        num_sources=len(recordings),
        num_kept=sum(clip.kept for clip in clips),
        num_candidates=len(clips),
        dataset=summary,
        speakers=_speakers(recordings),
    )


def refresh_report(voice: VoiceFolder, progress: Progress = SILENT) -> None:
    """Write the report again, where there is one and something it shows has changed, such as after training.

    Raises:
        ClonePipelineError: the clips cannot be read, or a fetch is working on the voice.
    """
    if not voice.report_html.exists():
        return
    with _locked(voice):
        recordings, notes, _ = _all_sources(voice)
        clips = [clip for clip in read_clips(voice.clips_jsonl) if clip.source in recordings]
        _report(voice, clips, recordings, notes, progress)


def _report(
    voice: VoiceFolder,
    clips: Sequence[Clip],
    recordings: Mapping[str, Recording],
    notes: Mapping[str, str],
    progress: Progress,
) -> None:
    audio = {identity: DecodedAudio(recording, progress) for identity, recording in recordings.items()}
    try:
        written = write_report(
            voice.report_html,
            clips,
            recordings,
            decoded=lambda source: audio[source].wav(ANALYSIS_RATE_HZ),
            name=voice.name,
            transcribers=notes,
            speakers=_speakers(recordings),
            training=read_training(voice.newest_run()),
            progress=progress,
        )
    finally:
        for one in audio.values():
            one.remove()
    log.info("report: %s", "written" if written else "unchanged")


def _speakers(recordings: Mapping[str, Recording]) -> dict[str, tuple[Speaker, ...]]:
    return {
        identity: stored.rows
        for identity, recording in recordings.items()
        if (stored := _speakers_file(recording).load()) is not None
    }


def _all_sources(voice: VoiceFolder) -> tuple[dict[str, Recording], dict[str, str], list[Clip]]:
    recordings: dict[str, Recording] = {}
    notes: dict[str, str] = {}
    rows: list[Clip] = []
    for folder in sorted(path.parent for path in voice.sources.glob("[!.]*/source.json")):
        try:
            recording = load_recording(folder)
        except ClonePipelineError as error:
            log.warning("a source is left out: %s", error.message)
            continue
        stored = _clips_file(recording).load()
        if stored is not None:  # else it was fetched and nobody spoke in it
            recordings[recording.id] = recording
            notes[recording.id] = stored.note
            rows += sorted(stored.rows, key=lambda clip: clip.start_s)
    return recordings, notes, rows


def _clips_file(recording: Recording) -> StageFile[Clip]:
    return StageFile[Clip](recording.folder / "stages" / "clips.jsonl", parse_clip)


def _speakers_file(recording: Recording) -> StageFile[Speaker]:
    return StageFile[Speaker](recording.folder / "stages" / "speakers.jsonl", parse_speaker)


def _captions(recording: Recording) -> tuple[CaptionTrack | None, str]:
    if recording.captions is None:
        return None, ""
    return read_captions(recording.captions), hashlib.sha256(recording.captions.read_bytes()).hexdigest()


def _nothing_done(failures: Sequence[Failure]) -> ClonePipelineError:
    if len(failures) == 1:
        return failures[0].error
    if not failures:
        return FetchError("no URL given", hint="give the URL of a video, a playlist or a channel, or a file")
    listed = "; ".join(f"{failure.what}: {failure.error.message}" for failure in failures)
    return FetchError(f"none of {len(failures)} gave any speech: {listed}", hint=failures[0].error.hint)


@contextmanager
def _locked(voice: VoiceFolder) -> Iterator[None]:
    """Keep a second fetch off the same voice: each would sweep away what the other is writing."""
    voice.folder.mkdir(parents=True, exist_ok=True)
    try:
        with FileLock(voice.folder / ".lock", timeout=0):
            try:
                yield
            finally:
                _leave_nothing(voice)
    except Timeout as error:
        raise VoiceError(
            f"another fetch or review is working on voice {voice.name!r}",
            hint="wait until it is done, or fetch into another --voice",
        ) from error


def _leave_nothing(voice: VoiceFolder) -> None:
    """Remove the folder of a voice that nothing was fetched for: a mistyped URL makes no voice."""
    if voice.sources.is_dir() and not any(voice.sources.iterdir()):
        voice.sources.rmdir()
    if [path.name for path in voice.folder.iterdir()] == [".lock"]:
        (voice.folder / ".lock").unlink()
        voice.folder.rmdir()


def _sweep(voice: VoiceFolder) -> None:
    """Remove unfinished files that a killed run left (`dctts.atomic.whole_file` names them)."""
    for pattern in (".*.part*", "sources/**/.*.part*"):
        for path in voice.folder.glob(pattern):
            if path.is_file():
                path.unlink()
