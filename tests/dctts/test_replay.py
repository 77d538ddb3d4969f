from dataclasses import replace

import numpy as np
import pytest
import torch

from dctts.alignment import symbol_path
from dctts.chunks import Chunk
from dctts.decode import Decoded
from dctts.lexicon import Lexicon
from dctts.replay import _phone_times, replay_texts, speak_replay
from dctts.retry import Piece, Take
from dctts.shipped import shipped
from dctts.text import encode_words
from dctts.voice import Voice


def test_what_is_replayed_is_never_what_a_voice_is_judged_by() -> None:
    judged = {line for name in ("harvard", "hard") for line in shipped(f"text/{name}.txt").read_text().splitlines()}
    texts = replay_texts()
    assert len(texts) == len(set(texts)) >= 40
    assert not judged & set(texts)
    assert max(map(len, texts)) < 100


def test_the_times_of_a_replayed_text_are_where_attention_was() -> None:
    encoded = encode_words("a cat")
    position = torch.tensor([0, 0, 1, 2, 2, 3, 4, 5, 5])
    decoded = Decoded(
        coarse=torch.zeros(9, 80),
        position=position,
        forced_at=(0,) * 6,
        attended=(1.0,) * 6,
        coverage=1.0,
        reached_end=True,
    )
    piece = Piece(chunk=Chunk(text="a cat", silence_ms=0), encoded=encoded, decoded=decoded)
    times = _phone_times(piece, 0.1)
    path = symbol_path(encoded.words, times.numpy(), len(encoded.ids), (np.arange(9) + 0.5) * 0.1)
    assert path.tolist() == position.tolist()


def test_a_base_speaks_in_each_of_its_voices_and_only_what_it_says_well_is_kept(
    tiny_voice: Voice, monkeypatch: pytest.MonkeyPatch
) -> None:
    voices = {"ann": torch.eye(256)[0], "bob": torch.eye(256)[1]}
    base = replace(tiny_voice, speakers=voices)
    asked: list[torch.Tensor] = []

    def decoded(chunks: list[Chunk], voice: Voice, lexicon: Lexicon, *, attempts: int) -> list[Take]:
        asked.append(voice.speaker)
        takes = []
        for number, chunk in enumerate(chunks):
            encoded = encode_words(chunk.text)
            count = len(encoded.ids)
            result = Decoded(
                coarse=torch.full((count, 80), 0.25),
                position=torch.arange(count),
                forced_at=(0,) * count,
                attended=(1.0,) * count,
                coverage=1.0,
                reached_end=number != 1,
            )
            piece = Piece(chunk=chunk, encoded=encoded, decoded=result)
            takes.append(Take(pieces=(piece,), remedy="", attempts=1))
        return takes

    monkeypatch.setattr("dctts.replay.decode_chunks", decoded)
    examples = speak_replay(base, ["One.", "Two.", "Three."], Lexicon())
    assert [row.text for row in examples] == ["one.", "three.", "one.", "three."]
    assert {row.speaker for row in examples} == {"base:ann", "base:bob"}
    assert all(torch.equal(a, b) for a, b in zip(asked, voices.values(), strict=True))
    assert examples[0].mel.shape == (4 * 5, 80)
    assert torch.equal(examples[2].voice, voices["bob"])


def test_a_base_that_cannot_speak_replays_nothing(tiny_voice: Voice) -> None:
    assert speak_replay(tiny_voice, ["One two three."], Lexicon()) == []
