"""What pages that are one offline file have in common: their templates, their policy, what is embedded."""

import base64
import hashlib

from jinja2 import Environment, PackageLoader, StrictUndefined


def environment() -> Environment:
    """Open the templates: escaped throughout, and a name that is missing is an error."""
    made = Environment(
        loader=PackageLoader("pipeline"),
        autoescape=True,  # titles and captions are anyone's
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["clock"] = _clock
    return made


def asset(name: str) -> str:
    """Read a style sheet or script beside the templates."""
    made = environment()
    assert made.loader is not None
    return made.loader.get_source(made, name)[0]


def csp_hash(text: str) -> str:
    """Name an inline script or style so that a page's policy lets it through, and nothing else."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()


def data_uri(kind: str, data: bytes) -> str:
    """Embed a file of a MIME type."""
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def _clock(seconds: float) -> str:
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
