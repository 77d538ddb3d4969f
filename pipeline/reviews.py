"""What a person said of clips, kept beside `clips.jsonl` and laid over every rebuild.

`reviews.jsonl` holds each reviewed clip as the person left it, in the format of `clips.jsonl`. It is a witness of a
stretch of sound, not of a row: when a later run cuts the recording elsewhere, a stretch that was kept is put in as it
was heard, and what overlaps one that was dropped is dropped.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from pipeline.clips_file import read_clips, write_clips
from pipeline.records import Clip, clip_id

HUMAN = "human"
"""The witness who listened."""
REVIEWED = "reviewed"
"""A measure of 1 on every clip that a person judged."""
REJECTED = "rejected_in_review"
COVERED = "covered_by_review"
"""Its sound is in a clip that was reviewed under an earlier cut."""
_SAME_CUT_S = 0.02
_TOUCH_S = 0.1
"""Less overlap is two cuts meeting in one pause."""


def read_reviews(path: Path) -> list[Clip]:
    """Read what was reviewed; [] when nothing was.

    Raises:
        DatasetError: the file cannot be read.
    """
    return read_clips(path) if path.exists() else []


def write_reviews(path: Path, reviews: Iterable[Clip]) -> None:
    """Write all reviews, whole or not at all."""
    write_clips(path, sorted(reviews, key=lambda clip: (clip.source, clip.start_s)))


def review(clip: Clip, *, kept: bool, text: str) -> Clip:
    """Put a person's verdict and text on a clip; of a dropped one the machine's reasons stay behind the person's."""
    others = tuple(reason for reason in clip.reasons if reason != REJECTED)
    return replace(
        clip,
        kept=kept,
        text=text,
        reasons=() if kept else (REJECTED, *others),
        measures={**clip.measures, REVIEWED: 1.0},
        witnesses={**clip.witnesses, HUMAN: text},
    )


def apply_reviews(clips: Sequence[Clip], reviews: Sequence[Clip]) -> list[Clip]:
    """Lay what a person said over what the machine found.

    Args:
        clips: candidates, by source and start; unreviewed.
        reviews: reviewed clips; those of sources that have no candidates any more are left out.

    Returns:
        The candidates, in order of source and start; without reviews, `clips` as they were.
    """
    sources = list(dict.fromkeys(clip.source for clip in clips))
    result: list[Clip] = []
    for source in sources:
        own = [clip for clip in clips if clip.source == source]
        said = [one for one in reviews if one.source == source]
        result += _apply(own, said) if said else own
    return result


def _apply(clips: Sequence[Clip], reviews: Sequence[Clip]) -> list[Clip]:
    by_id = {one.id: one for one in reviews}
    result, rest, placed = [], [], set()
    for clip in clips:
        one = by_id.get(clip.id)
        if one and abs(one.start_s - clip.start_s) + abs(one.end_s - clip.end_s) < _SAME_CUT_S:
            result.append(review(clip, kept=one.kept, text=one.text))
            placed.add(one.id)
        else:
            rest.append(clip)
    stray = [one for one in reviews if one.id not in placed]  # the recording is cut elsewhere now
    kept = [one for one in stray if one.kept]
    for clip in rest:
        covering = [one for one in kept if _overlap_s(one, clip) > _TOUCH_S]
        if covering:
            result += _left_of(clip, covering)
        elif any(_overlap_s(one, clip) >= 0.5 * _shorter_s(one, clip) for one in stray if not one.kept):
            result.append(_dropped(clip, REJECTED))
        else:
            result.append(clip)
    return sorted([*result, *kept], key=lambda clip: (clip.start_s, clip.end_s))


def _left_of(clip: Clip, covering: Sequence[Clip]) -> list[Clip]:
    """Keep the time of a clip accounted for where reviewed clips took a part of it: the rest is a dropped clip."""
    if all(one.id != clip.id for one in covering):
        return [_dropped(clip, COVERED)]
    start_s = max(one.end_s for one in covering)  # the reviewed clip has its name: it goes by where the rest starts
    if clip.end_s - start_s <= _TOUCH_S:
        return []
    return [_dropped(replace(clip, id=clip_id(clip.source, start_s), start_s=start_s), COVERED)]


def _dropped(clip: Clip, reason: str) -> Clip:
    return replace(clip, kept=False, reasons=(reason, *clip.reasons))


def _overlap_s(one: Clip, other: Clip) -> float:
    return min(one.end_s, other.end_s) - max(one.start_s, other.start_s)


def _shorter_s(one: Clip, other: Clip) -> float:
    return min(one.end_s - one.start_s, other.end_s - other.start_s)
