"""What a page says of a fine-tuning: the learning curve, which step was taken, and why."""

import base64
import json
from pathlib import Path
from typing import Any

from markupsafe import Markup, escape


def learning_section(run: Path) -> Markup:
    """Make a section for a voice's page out of a run's `selection.json` and `learning-curve.png`.

    Returns:
        HTML that needs no script, style or network, with everything escaped; empty where nothing was selected.
    """
    path, picture = run / "selection.json", run / "learning-curve.png"
    if not path.is_file() or not picture.is_file():
        return Markup()
    saved: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    chosen = next(row for row in saved["evaluations"] if row["step"] == saved["selected"])
    rows = [_row("the voice", chosen["scores"]), _row("the base, in its own voice", saved["base"])]
    said = [
        str(line) for line in (saved["stopped"] and f"Training ended early: {saved['stopped']}.", *saved["findings"])
    ]
    source = base64.b64encode(picture.read_bytes()).decode()
    return Markup(  # all that is not ours goes through `escape`
        '<section aria-labelledby="h-learning">\n<h2 id="h-learning">How it was learnt</h2>\n'
        f"<p>Taken: {escape(saved['why'])}.</p>\n"
        + "".join(f"<p>{escape(line)}</p>\n" for line in said if line)
        + '<table>\n<thead><tr><th scope="col"></th><th scope="col">wrong characters</th>'
        '<th scope="col">on new words</th><th scope="col">similarity to the target</th></tr></thead>\n'
        f"<tbody>{''.join(rows)}</tbody>\n</table>\n"
        f'<img src="data:image/png;base64,{source}" alt="Errors, similarity and loss by step; a line marks the step '
        f'that was taken, {escape(saved["selected"])}">\n</section>\n'
    )


def _row(name: str, scores: dict[str, float]) -> str:
    shares = "".join(f"<td>{100 * scores[key]:.0f} %</td>" for key in ("cer", "cer_unseen"))
    return f'<tr><th scope="row">{escape(name)}</th>{shares}<td>{scores["secs"]:.2f}</td></tr>\n'
