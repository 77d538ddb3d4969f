"""What this machine has of what the tool needs, found without loading any of it where that is possible."""

import importlib.util
import os
import platform
import shutil
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Literal

import torch

from dctts.errors import ClonePipelineError
from pipeline.bases import list_bases
from pipeline.ffmpeg import find_ffmpeg

PACKAGES = (
    "yt-dlp", "webvtt-py", "openai-whisper", "pocketsphinx", "webrtcvad-wheels", "pydub", "pyloudnorm", "Resemblyzer",
    "torch", "librosa", "soundfile", "safetensors", "typer", "jinja2",
)  # fmt: skip
_LOW_DISK_GB = 2.0


@dataclass(frozen=True, kw_only=True)
class Check:
    """One thing that was looked for."""

    name: str
    state: Literal["ok", "note", "missing"]
    """note: works, but the user may want to know; missing: the tool cannot do without."""
    found: str
    advice: str = ""
    """What to do, "" when nothing."""


def examine(voices_dir: Path) -> list[Check]:
    """Look at everything the three commands lean on.

    Args:
        voices_dir: where voices live; its disk is the one that fills.
    """
    return [
        Check(name="python", state="ok", found=f"{platform.python_version()} on {platform.platform(terse=True)}"),
        *(_package(name) for name in PACKAGES),
        _ffmpeg(),
        _javascript(),
        _whisper_weights(),
        _bundled("PocketSphinx's model", "pocketsphinx", "model"),
        _bundled("speaker encoder's weights", "resemblyzer", "pretrained.pt"),
        _base_voice(),
        _device(),
        _cpu(),
        _disk(voices_dir),
    ]


def whisper_cache() -> Path:
    """Where openai-whisper keeps the weights it has downloaded (whisper.load_model, 20250625)."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "whisper"


def _package(name: str) -> Check:
    try:
        return Check(name=name, state="ok", found=version(name))
    except PackageNotFoundError:
        return Check(name=name, state="missing", found="not installed", advice="pip install clone-pipeline again")


def _ffmpeg() -> Check:
    try:
        path = find_ffmpeg()
    except ClonePipelineError as error:
        return Check(name="ffmpeg", state="missing", found=error.message, advice=error.hint or "")
    return Check(name="ffmpeg", state="ok", found=str(path))


def _javascript() -> Check:
    beside = Path(sys.executable).parent / ("deno.exe" if os.name == "nt" else "deno")
    for path in (beside if beside.is_file() else None, *map(shutil.which, ("deno", "node", "bun", "qjs"))):
        if path:
            return Check(name="JavaScript runtime", state="ok", found=str(path))
    return Check(
        name="JavaScript runtime",
        state="note",
        found="none, which YouTube needs for all formats",
        advice="pip install deno",
    )


def _whisper_weights() -> Check:
    folder = whisper_cache()
    found = sorted(path.stem for path in folder.glob("*.pt")) if folder.is_dir() else []
    if found:
        return Check(name="Whisper's weights", state="ok", found=f"{', '.join(found)} in {folder}")
    return Check(
        name="Whisper's weights",
        state="note",
        found=f"none in {folder}",
        advice="downloaded when first used; without a network, captions or PocketSphinx write the words",
    )


def _bundled(name: str, package: str, inside: str) -> Check:
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations or []) if spec else []:
        if (Path(folder) / inside).exists():
            return Check(name=name, state="ok", found=str(Path(folder) / inside))
    return Check(
        name=name, state="missing", found=f"no {inside} in the {package} package", advice=f"pip install {package} again"
    )


def _base_voice() -> Check:
    told = [f"{base.name} ({', '.join(base.speakers) or 'one voice'})" for base in list_bases()]
    if told:
        return Check(name="base voice", state="ok", found="; ".join(told))
    return Check(
        name="base voice",
        state="note",
        found="none",
        advice="finetune starts from random weights and needs hours of speech; pretrain makes a base",
    )


def _device() -> Check:
    if torch.cuda.is_available():
        memory = torch.cuda.get_device_properties(0).total_memory / 2**30
        return Check(name="device", state="ok", found=f"cuda: {torch.cuda.get_device_name(0)}, {memory:.0f} GB")
    return Check(name="device", state="ok", found=f"cpu: {os.cpu_count()} cores, torch uses {torch.get_num_threads()}")


def _cpu() -> Check:
    try:
        flags = set(Path("/proc/cpuinfo").read_text(encoding="utf-8").partition("flags")[2].partition("\n")[0].split())
    except OSError:
        flags = set()
    has = [name for name in ("avx2", "avx512f", "avx512_bf16", "amx_bf16") if name in flags]
    if "amx_bf16" in flags or "avx512_bf16" in flags:
        return Check(name="bf16", state="ok", found=f"in hardware ({', '.join(has)})")
    known = f" ({', '.join(has)})" if has else ""
    return Check(
        name="bf16", state="note", found=f"not in hardware{known}", advice="training on this CPU takes float32"
    )


def _disk(voices_dir: Path) -> Check:
    existing = next(path for path in (voices_dir, *voices_dir.parents) if path.exists())
    free = shutil.disk_usage(existing).free / 1e9
    found = f"{free:.1f} GB free for {voices_dir}"
    if free < _LOW_DISK_GB:
        advice = "an hour of talk takes up to 0.5 GB while it is worked on: free some, or use --voices-dir"
        return Check(name="disk", state="note", found=found, advice=advice)
    if not os.access(existing, os.W_OK):
        return Check(name="disk", state="missing", found=f"no leave to write in {existing}", advice="use --voices-dir")
    return Check(name="disk", state="ok", found=found)
