"""`card.md`: what a dataset is, where it came from and what may be done with it."""

from collections.abc import Mapping, Sequence

from pipeline.coverage import Coverage, describe_coverage
from pipeline.records import Clip, Recording

_CAPTIONS = {"manual": "written by a person", "automatic": "automatic", "none": "none"}


def write_card(
    *,
    name: str,
    recordings: Sequence[Recording],
    clips: Sequence[Clip],
    num_train: int,
    num_val: int,
    transcribers: Mapping[str, str],
    settings: Mapping[str, object],
    coverage: Coverage | None = None,
) -> str:
    """Write the card as Markdown.

    Args:
        name: of the voice.
        recordings: every source of the voice.
        clips: every candidate, kept and dropped.
        num_train: kept clips to train on.
        num_val: kept clips held out.
        transcribers: source id → the line that says who wrote the words.
        settings: what the wav files were made with, name → value.
        coverage: what the kept texts hold; None leaves the section out.
    """
    kept = [clip for clip in clips if clip.kept]
    lines = [
        f"# Voice dataset: {escape(name)}",
        "",
        f"{len(kept)} clips, {minutes(kept):.1f} minutes, {num_train} to train on and {num_val} held out by sentence, "
        f"from {sum(recording.duration_s for recording in recordings) / 60:.1f} minutes of recordings "
        f"({len(clips)} candidates).",
        "",
        "**Use your own voice, or one whose owner has given you leave.** The licences below are what the pages said; "
        "whether they cover a cloned voice is for you to find out. A voice that is not yours needs its owner's "
        "consent, and speech made with it should be marked as made by a machine.",
        "",
        "## Layout",
        "",
        "LJSpeech: `metadata.csv` holds `id|text|normalised text`, `wavs/<id>.wav` the sound, `train.txt` and "
        "`val.txt` one id a line. An id is `<source>-<start in milliseconds>`.",
        "",
        "## Sources",
    ]
    for recording in recordings:
        own = [clip for clip in kept if clip.source == recording.id]
        lines += [
            "",
            f"### {escape(recording.title) or recording.id}",
            "",
            f"- source: `{recording.id}`",
            f"- URL: {escape(recording.url) or 'not known'}",
            f"- channel: {escape(recording.channel) or 'not known'}",
            f"- licence: {escape(recording.licence) or 'not stated by the page'}",
            f"- published: {escape(recording.uploaded) or 'not stated by the page'}",
            f"- length: {recording.duration_s / 60:.1f} minutes; kept {minutes(own):.1f} minutes in {len(own)} clips",
            f"- captions: {_CAPTIONS[recording.captions_kind]}, language {escape(recording.language) or 'not known'}",
            f"- words: {escape(transcribers.get(recording.id, 'not known'))}",
            f"- SHA-256 of the audio: `{escape(recording.audio_sha256)}`",
        ]
    if coverage:
        lines += _coverage(coverage)
    lines += ["", "## Settings", "", *(f"- {key}: {escape(str(value))}" for key, value in settings.items()), ""]
    return "\n".join(lines)


def _coverage(coverage: Coverage) -> list[str]:
    """Say what is thin, and how often every phoneme, length and kind of sentence was found."""
    heard = [sorted(coverage.of(kind), key=lambda one: one.count) for kind in ("phoneme", "length", "form")]
    return [
        "",
        "## Coverage",
        "",
        "What the kept texts hold, phonemes as the CMU dictionary gives them. What is thin is said worst: "
        "`clone-pipeline prompts` writes the sentences worth recording next.",
        "",
        *(f"- {escape(line)}" for line in describe_coverage(coverage)),
        "",
        "| found | times, the rarest first |",
        "|---|---|",
        *(
            f"| {title} | {', '.join(f'{one.name} {one.count}' for one in amounts)} |"
            for title, amounts in zip(("phonemes", "sentence lengths", "kinds of sentence"), heard, strict=True)
        ),
    ]


def minutes(clips: Sequence[Clip]) -> float:
    """Add up the length of clips, pauses that were left out of them not counted."""
    return sum(clip.duration_s for clip in clips) / 60


def escape(text: str) -> str:
    """Make a page's text one line that Markdown shows as it stands: a title is not ours and may hold anything."""
    line = " ".join("".join(char if char.isprintable() else " " for char in text).split())
    return "".join(f"\\{char}" if char in "\\`*_{}[]()<>#!|~" else char for char in line)
