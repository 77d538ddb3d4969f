import pytest
import torch

from dctts.chunks import Chunk
from dctts.decode import Decoded, DecodeOptions
from dctts.lexicon import Lexicon
from dctts.retry import Piece, decode_chunks, stuck_word
from dctts.text import encode_words
from dctts.voice import Voice

TEXT = "this is one sentence that nobody has taught it, and so it babbles."
LENIENT = DecodeOptions(dwell_frames=1)


def decoded(**changes: object) -> Decoded:
    values: dict[str, object] = {
        "coarse": torch.zeros(20, 80),
        "position": torch.arange(20),
        "forced_at": (0,) * 20,
        "attended": (1.0,) * 20,
        "coverage": 1.0,
        "reached_end": True,
    }
    return Decoded(**{**values, **changes})  # type: ignore[arg-type]


def piece(**changes: object) -> Piece:
    return Piece(chunk=Chunk(text="a", silence_ms=0), encoded=encode_words("a"), decoded=decoded(**changes))


def test_a_piece_fails_by_coverage_forced_rate_or_the_cap() -> None:
    assert not piece().failed
    assert not piece(forced_at=(2,) + (0,) * 19).failed
    assert piece(forced_at=(3,) + (0,) * 19).failed
    assert piece(coverage=0.94).failed
    assert piece(reached_end=False).failed


def test_reaching_the_end_counts_most() -> None:
    worse = [piece(), piece(forced_at=(1,) * 20), piece(coverage=0.5, reached_end=False)]
    scores = [one.score for one in worse]
    assert scores == sorted(scores, reverse=True)
    assert scores[1] > scores[2]


def test_the_stuck_word_is_the_one_that_was_forced_left_out_or_never_left() -> None:
    encoded = encode_words("ab cd ef")  # a b _ c d _ e f EOS
    clean = decoded(attended=(1.0,) * 9, forced_at=(0,) * 9, position=torch.tensor([0, 8]))
    assert stuck_word(encoded, clean) is None
    forced = decoded(attended=(1.0,) * 9, forced_at=(0, 0, 9, 0, 2, 0, 1, 0, 0), position=torch.tensor([0, 8]))
    assert stuck_word(encoded, forced) == "cd"
    skipped = decoded(attended=(1.0,) * 7 + (0.1, 1.0), forced_at=(0,) * 9, position=torch.tensor([0, 8]))
    assert stuck_word(encoded, skipped) == "ef"
    capped = decoded(attended=(1.0,) * 9, forced_at=(5,) + (0,) * 8, position=torch.tensor([0, 4]), reached_end=False)
    assert stuck_word(encoded, capped) == "cd"


def test_failing_chunks_are_tried_in_all_ways_and_the_best_is_kept(tiny_voice: Voice) -> None:
    chunks = [Chunk(text=TEXT, silence_ms=250)]
    lexicon = Lexicon(dictionary=dict.fromkeys(TEXT.replace(",", "").replace(".", "").split(), "AH0 B"))
    kept = [decode_chunks(chunks, tiny_voice, lexicon, attempts=attempts)[0] for attempts in (1, 2, 3, 4, 5)]
    assert [take.attempts for take in kept] == [1, 2, 3, 4, 5]
    assert kept[0].failed
    assert kept[0].remedy == ""
    scores = [take.score for take in kept]
    assert scores == sorted(scores)
    for take in kept:
        assert " ".join(one.chunk.text for one in take.pieces) == TEXT
        assert take.pieces[-1].chunk.silence_ms == 250


def test_a_second_try_happens_for_failing_chunks_alone(tiny_voice: Voice, monkeypatch: pytest.MonkeyPatch) -> None:
    from dctts import retry

    batches: list[list[tuple[int, ...]]] = []

    def fake(network: object, texts: list[tuple[int, ...]], *_: object, **__: object) -> list[Decoded]:
        batches.append(texts)
        return [decoded(reached_end=len(text) < 30 or len(batches) > 3) for text in texts]

    monkeypatch.setattr(retry, "decode", fake)
    good, bad = Chunk(text="all is well.", silence_ms=0), Chunk(text=TEXT, silence_ms=0)
    takes = decode_chunks([good, bad, good], tiny_voice, Lexicon())
    assert [len(batch) for batch in batches] == [3, 1, 1, 2]  # nothing in an empty lexicon to respell; split in two
    assert [take.attempts for take in takes] == [1, 4, 1]
    assert [take.remedy for take in takes] == ["", "split", ""]
    assert not any(take.failed for take in takes)


def test_a_take_that_passes_is_kept_even_if_one_that_failed_scored_higher(
    tiny_voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    from dctts import retry

    results = [decoded(coverage=0.94), decoded(coverage=0.96, forced_at=(1,) + (0,) * 19)]
    monkeypatch.setattr(retry, "decode", lambda *_, **__: [results.pop(0)])
    [take] = decode_chunks([Chunk(text=TEXT, silence_ms=0)], tiny_voice, Lexicon())
    assert not take.failed
    assert (take.remedy, take.attempts) == ("sharper attention", 2)


def test_trying_again_is_repeatable(tiny_voice: Voice) -> None:
    chunks = [Chunk(text=TEXT, silence_ms=250), Chunk(text="hello there.", silence_ms=0)]
    first, second = (decode_chunks(chunks, tiny_voice, Lexicon(), LENIENT) for _ in range(2))
    for one, other in zip(first, second, strict=True):
        assert (one.remedy, one.attempts) == (other.remedy, other.attempts)
        for mine, theirs in zip(one.pieces, other.pieces, strict=True):
            assert torch.equal(mine.decoded.coarse, theirs.decoded.coarse)
