import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

from dctts.errors import ClonePipelineError
from dctts.shipped import shipped
from dctts.text import normalise

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", ["text/harvard.txt", "text/hard.txt"])
def test_fixed_texts_are_there_and_can_be_said(name: str) -> None:
    lines = shipped(name).read_text(encoding="utf-8").splitlines()
    assert len(set(lines)) == 20
    assert all(normalise(line) for line in lines)


def test_what_is_not_shipped_is_named() -> None:
    with pytest.raises(ClonePipelineError, match="no/such"):
        shipped("no/such")


@pytest.mark.slow
def test_a_built_wheel_carries_its_data_and_runs_from_any_folder(tmp_path: Path) -> None:
    wheels = tmp_path / "wheels"
    build = [sys.executable, "-m", "pip", "wheel", "--no-deps", "--quiet", "-w", str(wheels), str(ROOT)]
    subprocess.run(build, check=True)
    (wheel,) = wheels.iterdir()
    names = zipfile.ZipFile(wheel).namelist()
    assert not [name for name in names if name.startswith(("tests/", "data/"))]
    data = {path.relative_to(ROOT / "data").as_posix() for path in (ROOT / "data").rglob("*.*")}
    assert {"text/harvard.txt"} <= data <= {name.removeprefix("dctts/_data/") for name in names}
    assert {"pipeline/demo/talk.txt", "pipeline/templates/report.html.j2"} <= set(names)

    elsewhere = tmp_path / "elsewhere"
    venv.create(elsewhere, with_pip=False)
    (site,) = elsewhere.glob("lib/*/site-packages")
    zipfile.ZipFile(wheel).extractall(site)
    # the dependencies come from this environment, the code only from the wheel
    (site / "dependencies.pth").write_text("\n".join(path for path in sys.path if "site-packages" in path), "utf-8")
    script = "import dctts.shipped as s, pipeline.cli; print(s.__file__); print(s.shipped('text/harvard.txt'))"
    done = subprocess.run(
        [elsewhere / "bin" / "python", "-c", script],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
        env={key: value for key, value in os.environ.items() if key != "PYTHONPATH"},
    )
    assert all(str(site) in line for line in done.stdout.split())
