import base64
import json
import re
from pathlib import Path

from pipeline.learning import learning_section

SCORES = {"cer": 0.25, "cer_unseen": 0.4, "secs": 0.81}


def test_a_run_without_a_selection_has_no_section(tmp_path: Path) -> None:
    assert learning_section(tmp_path) == ""


def test_the_section_shows_the_curve_the_step_and_why_and_trusts_no_text(tmp_path: Path) -> None:
    document = {
        "evaluations": [{"step": 500, "scores": SCORES}, {"step": 1000, "scores": {**SCORES, "cer": 0.9}}],
        "base": {**SCORES, "cer": 0.11},
        "selected": 500,
        "why": "step 500 of 1000: <script>alert(1)</script>",
        "stopped": "the time was up",
        "findings": ["overfitted & how"],
    }
    (tmp_path / "selection.json").write_text(json.dumps(document))
    (tmp_path / "learning-curve.png").write_bytes(b"picture")
    page = learning_section(tmp_path)
    assert "<script>" not in page
    assert "&lt;script&gt;" in page
    assert "the time was up" in page
    assert "overfitted &amp; how" in page
    assert re.findall(r"<td>(\d+) %", page) == ["25", "40", "11", "40"]
    assert base64.b64encode(b"picture").decode() in page
