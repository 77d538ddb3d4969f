"""Whether features that were computed once are still those of what is asked for now."""

from pathlib import Path

from safetensors import SafetensorError, safe_open


def is_current(cache: Path, key: str) -> bool:
    """Tell whether a safetensors file was made for this key; one that is missing or damaged was not."""
    if not cache.is_file():
        return False
    try:
        with safe_open(cache, framework="pt") as file:
            return bool((file.metadata() or {}).get("key") == key)
    except (SafetensorError, OSError):
        return False
