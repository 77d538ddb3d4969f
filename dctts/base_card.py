"""What a base voice says of itself: data and licences, steps, time, machine, measures, seed and command.

What is the same whenever a run is repeated travels in the voice file; time and machine stand only in the JSON beside
it.
"""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch

from dctts.corpus import Example
from dctts.voice import SpeakerTraits

UNKNOWN_LICENCE = "not stated"


def describe_data(
    datasets: Sequence[Path],
    training: Sequence[Example],
    traits: Mapping[str, SpeakerTraits],
    licences: Mapping[str, str],
) -> dict[str, Any]:
    """Say what a base was trained on: datasets with their licences, and clips, minutes and pitch of each speaker.

    Args:
        traits: of the speakers to name; the others are counted.
        licences: name of a dataset's folder → its licence.
    """
    speakers = {}
    for speaker in traits:
        clips = [example for example in training if example.speaker == speaker]
        speakers[speaker] = {
            "clips": len(clips),
            "minutes": _minutes(clips),
            "pitch_hz": traits[speaker].pitch_hz,
        }
    others = [example for example in training if example.speaker not in traits]
    return {
        "licences": {folder.name: licences.get(folder.name, UNKNOWN_LICENCE) for folder in datasets},
        "clips": len(training),
        "minutes": _minutes(training),
        "speakers": speakers,
        "others": {
            "speakers": len({example.speaker for example in others}),
            "clips": len(others),
            "minutes": _minutes(others),
        },
    }


def last_measures(metrics: Path) -> dict[str, dict[str, float]]:
    """Read the last held-out measures of each network of a run: network → name → value."""
    found: dict[str, dict[str, float]] = {}
    for line in metrics.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        held_out = {name.removeprefix("held_out/"): row[name] for name in row if name.startswith("held_out/")}
        if held_out:
            found[row["network"]] = {"step": row["step"], **held_out}
    return found


def training_hours(run: Path) -> float:
    """Add up how long a run was trained, kills and breaks left out, from the times in its TensorBoard events."""
    from tensorboard.backend.event_processing.event_file_loader import EventFileLoader  # a second to import

    total_s = 0.0
    for path in sorted(run.glob("tensorboard/*/events.*")):
        times = [event.wall_time for event in EventFileLoader(str(path)).Load()]
        total_s += max(times, default=0.0) - min(times, default=0.0)
    return round(total_s / 3600, 2)


def describe_machine(device: str) -> str:
    """Name what this process computes on, such as `Intel Xeon @ 2.10GHz, 2 cores, 1 thread`."""
    if device.startswith("cuda"):
        return torch.cuda.get_device_name(torch.device(device))
    threads = torch.get_num_threads()
    return f"{_processor()}, {os.cpu_count()} cores, {threads} thread{'s' * (threads != 1)}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    named = (line.partition(":")[2].strip() for line in lines if line.startswith("model name"))
    return next(named, platform.machine())


def _minutes(examples: Sequence[Example]) -> float:
    return round(sum(example.duration_s for example in examples) / 60, 1)
