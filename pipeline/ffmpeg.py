"""ffmpeg as a subprocess: find it, decode any recording to a mono wav, tell how long a file is.

Media files are hostile input. ffmpeg may open nothing but the one file it is given (no URL inside a playlist, no
concat script that names other files), reads no keyboard, and gets its arguments as a list, never through a shell.
"""

import contextlib
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

import imageio_ffmpeg

from dctts.atomic import whole_file
from dctts.errors import AudioError
from dctts.progress import SILENT, Progress

# Containers and bare codecs that a video site or a microphone gives. Left out on purpose: hls, dash and concat, which
# name further files to read, and tty, subtitles and images, which would call a text file a video.
_DEMUXERS = (
    "aac,ac3,aiff,amr,ape,asf,au,avi,caf,dts,eac3,flac,flv,gsm,loas,matroska,mov,mp3,mpeg,mpegts,"
    "ogg,rm,tta,voc,w64,wav,wv"
)
# Anchored: a title that says "Duration: 99:00:00" is printed behind its own key.
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+),", re.MULTILINE)
_AUDIO_STREAM = re.compile(r"^  Stream #\d+:\d+.*: Audio:", re.MULTILINE)
_HINT = "give an audio or video file; does it play in a media player?"


def find_ffmpeg() -> Path:
    """Return the ffmpeg on PATH, else the binary inside the imageio-ffmpeg wheel.

    Raises:
        AudioError: neither is there.
    """
    if on_path := shutil.which("ffmpeg"):
        return Path(on_path)
    try:
        return Path(imageio_ffmpeg.get_ffmpeg_exe())
    except RuntimeError as error:
        raise AudioError("no ffmpeg found", hint="install ffmpeg, or: pip install imageio-ffmpeg") from error


def decode(source: Path, wav: Path, *, sample_rate_hz: int, progress: Progress = SILENT) -> None:
    """Decode the first audio stream of `source` to a mono 16-bit wav, in constant memory.

    Args:
        source: any audio or video file.
        wav: where to write it, whole or not at all; past 4 GiB it is an RF64 wav, which soundfile reads.
        sample_rate_hz: rate of the wav.
        progress: where to draw the seconds decoded.

    Raises:
        AudioError: no such file, not audio, or no sound in it; the message ends with ffmpeg's own last line.
    """
    total_s = duration_s(source)
    with whole_file(wav) as temporary, progress.bar(f"decode {source.name}", total_s) as bar:
        output = ["-map", "0:a:0", "-ac", "1", "-ar", str(sample_rate_hz), "-c:a", "pcm_s16le"]
        # bitexact: the encoder's name and the talk's title in the header would make the bytes depend on the version.
        output += ["-map_metadata", "-1", "-flags", "+bitexact", "-fflags", "+bitexact", "-rf64", "auto", "-f", "wav"]
        done_s = 0.0
        for position_s in _run(source, [*output, "-y", _file_url(temporary)]):
            bar.advance(max(0.0, position_s - done_s))
            done_s = max(done_s, position_s)
        if temporary.stat().st_size <= 128:  # nothing but the header, with the room an RF64 one needs
            raise AudioError(f"no sound in {source}", hint=_HINT)


def decode_part(source: Path, wav: Path, *, start_s: float, length_s: float, sample_rate_hz: int) -> None:
    """Decode a stretch of the first audio stream to a mono 16-bit wav, seeking to it instead of decoding up to it.

    Args:
        source: any audio or video file.
        wav: where to write it; empty when the recording ends before.
        start_s: from the start of the recording.
        length_s: how much.
        sample_rate_hz: rate of the wav.

    Raises:
        AudioError: no such file, or not audio.
    """
    output = ["-t", f"{length_s:.3f}", "-map", "0:a:0", "-ac", "1", "-ar", str(sample_rate_hz), "-c:a", "pcm_s16le"]
    for _ in _run(source, [*output, "-f", "wav", "-y", _file_url(wav)], before=["-ss", f"{start_s:.3f}"]):
        pass


def duration_s(source: Path) -> float:
    """Tell how long a recording is, in seconds, by its container; one that does not say is decoded and counted.

    Raises:
        AudioError: no such file, not audio or video, or no audio stream in it.
    """
    if not source.is_file():
        raise AudioError(f"no such file: {source}", hint=_HINT)
    probe = subprocess.run(
        _command(source, []), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False
    )
    said = probe.stderr.decode("utf-8", errors="replace")
    if not _AUDIO_STREAM.search(said):
        reason = "it has no audio stream" if "\n  Stream #" in said else _last_line(said, source)
        raise AudioError(f"cannot read {source} as audio: {reason}", hint=_HINT)
    if found := _DURATION.search(said):
        hours, minutes, seconds = found.groups()
        total_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
        if total_s > 0:
            return total_s
    return max(_run(source, ["-map", "0:a:0", "-f", "null", "-"]), default=0.0)


def _command(source: Path, output: list[str], before: Sequence[str] = ()) -> list[str]:
    only_this_file = ["-protocol_whitelist", "file,pipe", "-format_whitelist", _DEMUXERS]
    return [
        str(find_ffmpeg()),
        "-hide_banner",
        "-nostdin",
        "-nostats",
        *only_this_file,
        *before,
        "-i",
        _file_url(source),
        *output,
    ]


def _file_url(path: Path) -> str:
    # The prefix keeps a name such as "-y.wav" or "concat:a|b" a name.
    return f"file:{path.absolute()}"


def _run(source: Path, output: list[str], before: Sequence[str] = ()) -> Iterator[float]:
    """Run ffmpeg to its end, yielding the seconds written so far about twice a second."""
    with tempfile.TemporaryFile() as errors:  # a broken file can complain for gigabytes: neither memory nor a full pipe
        command = _command(source, ["-progress", "pipe:1", "-loglevel", "error", *output], before)
        process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=errors)
        try:
            assert process.stdout is not None
            for line in process.stdout:
                key, _, value = line.strip().partition(b"=")
                if key == b"out_time_us":
                    with contextlib.suppress(ValueError):  # N/A before the first packet
                        yield int(value) / 1e6
            returned = process.wait()
        finally:
            process.kill()  # Ctrl-C, or the caller stopped listening
            process.wait()
            if process.stdout:
                process.stdout.close()
        if returned:
            raise AudioError(f"cannot read {source} as audio: {_last_line(_tail(errors), source)}", hint=_HINT)


def _tail(file: IO[bytes], size: int = 4096) -> str:
    file.seek(max(0, file.seek(0, 2) - size))
    return file.read().decode("utf-8", errors="replace")


def _last_line(said: str, source: Path) -> str:
    lines = [line.strip() for line in said.splitlines() if line.strip()]
    lines = [line for line in lines if "At least one output file must be specified" not in line]
    last = lines[-1] if lines else "ffmpeg says nothing"
    return last.replace(_file_url(source) + ": ", "").removeprefix("Error opening input: ").rstrip(".")
