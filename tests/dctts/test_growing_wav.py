import io
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from numpy.typing import NDArray

from dctts.errors import AudioError, TextError
from dctts.growing_wav import wav_header, write_growing

PIECES = [np.full(100, 0.5, np.float32), np.full(50, -0.25, np.float32)]


def test_a_finished_file_is_an_ordinary_wav(tmp_path: Path) -> None:
    assert write_growing(PIECES, tmp_path / "new" / "a.wav", 22_050) == 150
    samples, rate = soundfile.read(tmp_path / "new" / "a.wav")
    assert rate == 22_050
    np.testing.assert_allclose(samples, np.concatenate(PIECES), atol=1e-4)
    soundfile.write(tmp_path / "b.wav", samples, 22_050, subtype="PCM_16")
    assert (tmp_path / "new" / "a.wav").read_bytes()[:44] == (tmp_path / "b.wav").read_bytes()[:44]


def test_on_a_pipe_the_length_is_unknown() -> None:
    pipe = io.BytesIO()
    write_growing(PIECES, pipe, 22_050)
    assert pipe.getvalue()[:44] == wav_header(22_050)
    assert pipe.getvalue()[4:8] == pipe.getvalue()[40:44] == b"\xff\xff\xff\xff"
    assert len(pipe.getvalue()) == 44 + 2 * 150


def test_what_was_written_is_there_before_the_next_piece_is_made(tmp_path: Path) -> None:
    sizes = []

    def pieces() -> Iterator[NDArray[np.float32]]:
        for piece in PIECES:
            yield piece
            sizes.append((tmp_path / "a.wav").stat().st_size)

    write_growing(pieces(), tmp_path / "a.wav", 22_050)
    assert sizes == [44 + 200, 44 + 300]


def test_what_fails_before_the_first_sound_leaves_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(b"old")

    def pieces() -> Iterator[NDArray[np.float32]]:
        raise TextError("nothing to say")
        yield np.zeros(1, np.float32)

    with pytest.raises(TextError):
        write_growing(pieces(), tmp_path / "a.wav", 22_050)
    assert (tmp_path / "a.wav").read_bytes() == b"old"


def test_a_pipe_that_nobody_reads_is_an_error_in_two_lines() -> None:
    class Closed(io.BytesIO):
        def write(self, _: object) -> int:
            raise BrokenPipeError(32, "Broken pipe")

    with pytest.raises(AudioError, match="cannot write standard output"):
        write_growing(PIECES, Closed(), 22_050)
