"""Where the files that ship with the code lie: `data/` of a checkout, `dctts/_data/` of an installed wheel."""

from pathlib import Path

from dctts.errors import ClonePipelineError

_PLACES = (Path(__file__).parent / "_data", Path(__file__).parents[1] / "data")


def shipped(path: str) -> Path:
    """Find a file or folder of `data/`, such as `text/harvard.txt`.

    Raises:
        ClonePipelineError: this installation lacks it.
    """
    for place in _PLACES:
        if (place / path).exists():
            return place / path
    raise ClonePipelineError(f"not part of this installation: data/{path}", hint="install clone-pipeline again")
