"""Pictures of what a network does: attention and mels, in colours that survive colour blindness."""

from collections.abc import Mapping
from pathlib import Path

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from dctts.atomic import whole_file

COLOURS = "viridis"


def draw_attention(attention: Tensor, path: Path) -> None:
    """Draw attention Tensor[T, N]: a voice that reads shows one line from the first corner to the last."""
    figure = Figure(figsize=(6, 4), layout="constrained")
    axes = figure.subplots()
    axes.imshow(attention.float().cpu().numpy().T, origin="lower", aspect="auto", cmap=COLOURS, vmin=0, vmax=1)
    axes.set(xlabel="coarse frame (46 ms)", ylabel="symbol")
    _write(figure, path)


def draw_mels(mels: Mapping[str, Tensor], path: Path) -> None:
    """Draw mels Tensor[T, F] in [0, 1] under one another, each under its name."""
    figure = Figure(figsize=(8, 2.2 * len(mels)), layout="constrained")
    rows = figure.subplots(len(mels), 1, squeeze=False)[:, 0]
    for axes, (name, mel) in zip(rows, mels.items(), strict=True):
        axes.imshow(mel.float().cpu().numpy().T, origin="lower", aspect="auto", cmap=COLOURS, vmin=0, vmax=1)
        axes.set(title=name, ylabel="mel band")
    rows[-1].set(xlabel="frame")
    _write(figure, path)


def _write(figure: Figure, path: Path) -> None:
    FigureCanvasAgg(figure)  # the object-oriented way: pyplot would keep every figure alive and want a display
    with whole_file(path) as temporary:
        figure.savefig(temporary, dpi=100)
