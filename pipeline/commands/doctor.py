"""`clone-pipeline doctor`: is everything here, and what to do when not."""

import typer

from pipeline.commands.arguments import VoicesDir

_MARKS = {"ok": "✓", "note": "·", "missing": "✗"}


def doctor(voices_dir: VoicesDir = None) -> None:
    """Check the installation: packages, ffmpeg, JavaScript runtime, weights, device, disk.

    Exits with 1 when something the tool cannot do without is missing.
    """
    from pipeline.doctor import examine
    from pipeline.voices import find_voices_dir

    checks = examine(find_voices_dir(voices_dir))
    width = max(len(check.name) for check in checks)
    for check in checks:
        typer.echo(f"{_MARKS[check.state]} {check.name:<{width}}  {check.found}")
        if check.advice:
            typer.echo(f"  {'':<{width}}  → {check.advice}")
    missing = sum(check.state == "missing" for check in checks)
    typer.echo(f"\n{missing} missing" if missing else "\nall that is needed is here")
    if missing:
        raise typer.Exit(1)
