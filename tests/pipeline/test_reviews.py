from pathlib import Path

import pytest

from pipeline.funnel import add_up, stretches
from pipeline.records import Clip, clip_id
from pipeline.reviews import apply_reviews, read_reviews, review, write_reviews


def clip(start_s: float, end_s: float, *reasons: str, text: str = "words", source: str = "talk") -> Clip:
    return Clip(
        id=clip_id(source, start_s), source=source, start_s=start_s, end_s=end_s, text=text, kept=not reasons,
        reasons=reasons, measures={"snr_db": 30.0}, witnesses={"captions": text},
    )  # fmt: skip


def test_a_verdict_and_a_text_are_laid_over_what_the_machine_found_later(tmp_path: Path) -> None:
    found = [clip(0, 2), clip(2, 4, "noisy"), clip(5, 7)]
    said = [review(found[0], kept=False, text="words"), review(found[1], kept=True, text="Other words.")]
    write_reviews(tmp_path / "reviews.jsonl", said)
    again = [Clip(**{**vars(one), "measures": {"snr_db": 12.0}}) for one in found]  # measured anew
    first, second, third = apply_reviews(again, read_reviews(tmp_path / "reviews.jsonl"))
    assert (first.kept, first.reasons) == (False, ("rejected_in_review",))
    assert (second.kept, second.text, second.reasons) == (True, "Other words.", ())
    assert second.measures == {"snr_db": 12.0, "reviewed": 1.0}
    assert second.witnesses == {"captions": "words", "human": "Other words."}
    assert third == again[2]


def test_a_rejected_clip_keeps_the_machines_reasons_behind_the_persons() -> None:
    once = review(clip(0, 2, "noisy"), kept=False, text="words")
    assert once.reasons == ("rejected_in_review", "noisy")
    assert review(once, kept=False, text="words").reasons == once.reasons


def test_a_kept_stretch_stays_as_it_was_heard_when_the_recording_is_cut_elsewhere() -> None:
    said = review(clip(2, 4), kept=True, text="As heard.")
    cut_anew = [clip(0, 2.05), clip(2.05, 3), clip(3, 6), clip(6, 8)]
    result = apply_reviews(cut_anew, [said])
    assert [(one.start_s, one.kept) for one in result] == [
        (0, True), (2, True), (2.05, False), (3, False), (6, True),
    ]  # fmt: skip
    assert result[1] == said
    assert result[3].reasons == ("covered_by_review",)


def test_the_rest_of_a_longer_cut_with_the_same_start_is_accounted_for() -> None:
    said = review(clip(2, 4), kept=True, text="As heard.")
    result = apply_reviews([clip(2, 7)], [said])
    assert [(one.start_s, one.end_s, one.kept) for one in result] == [(2, 4, True), (4, 7, False)]
    assert len({one.id for one in result}) == 2
    funnel = add_up(stretches(result, 8.0))
    assert (funnel.kept_s, funnel.not_speech_s) == (2, 3)


def test_what_overlaps_a_rejected_stretch_is_rejected_under_another_cut() -> None:
    said = review(clip(2, 4), kept=False, text="words")
    result = apply_reviews([clip(1.5, 2.2), clip(2.2, 5), clip(5, 6)], [said])
    assert [one.kept for one in result] == [True, False, True]


@pytest.mark.parametrize("reviews", [[], [review(clip(0, 2, source="gone"), kept=False, text="x")]])
def test_without_a_review_of_its_own_a_recording_stays_as_it_was(reviews: list[Clip]) -> None:
    clips = [clip(0, 2), clip(3, 4, "noisy"), clip(0, 2, source="another")]
    assert apply_reviews(clips, reviews) == clips
