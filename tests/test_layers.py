"""Which module may import which, as code: read with ast, nothing is run."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
STAGES = ("fetch", "segment", "transcribe", "screen", "dataset", "report")
"""They meet in run.py through records. A stage's own helpers (captions, ffmpeg, align, …) may be shared."""
PURE = (
    *("dctts.errors", "dctts.config", "dctts.manifest", "dctts.atomic", "dctts.progress"),
    *("pipeline.errors", "pipeline.records"),
)
"""Standard library and one another only: everybody imports them."""
HEAVY = ("torch", "whisper", "librosa", "yt_dlp", "numpy", "scipy", "matplotlib", "soundfile", "pocketsphinx", "numba")


def module_name(path: Path) -> str:
    return ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it; not what only the type checker sees."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    typing_only = {
        id(inner)
        for node in ast.walk(tree)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test)
        for inner in ast.walk(node)
    }
    found: set[str] = set()
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {node.module, *(f"{node.module}.{alias.name}" for alias in node.names)}
    return found


MODULES = {
    module_name(path): imports(path)
    for folder in ("dctts", "pipeline")
    for path in sorted((ROOT / folder).rglob("*.py"))
}


def belongs(module: str, package: str) -> bool:
    return module == package or module.startswith(package + ".")


def test_the_rules_are_read_from_real_imports() -> None:
    assert belongs("pipeline.run", "pipeline")
    assert "dctts.errors" in MODULES["pipeline.errors"]


@pytest.mark.parametrize("module", [name for name in MODULES if belongs(name, "dctts")])
def test_the_voice_model_knows_nothing_of_where_data_comes_from(module: str) -> None:
    assert not {name for name in MODULES[module] if belongs(name, "pipeline")}


@pytest.mark.parametrize("stage", STAGES)
def test_stages_never_import_one_another_nor_who_runs_them(stage: str) -> None:
    others = [f"pipeline.{name}" for name in STAGES if name != stage]
    others += ["pipeline.run", "pipeline.cli", "pipeline.commands", "pipeline.demo"]
    own = [name for name in MODULES if belongs(name, f"pipeline.{stage}")]
    assert own, f"no module pipeline.{stage}"
    for module in own:
        assert not {name for name in MODULES[module] if any(belongs(name, other) for other in others)}, module


@pytest.mark.parametrize("module", [name for name in MODULES if name not in ("pipeline.__main__", "pipeline.cli")])
def test_nobody_imports_the_command_line(module: str) -> None:
    assert not {name for name in MODULES[module] if belongs(name, "pipeline.cli")}


@pytest.mark.parametrize("module", [name for name in MODULES if belongs(name, "pipeline")])
def test_only_commands_import_what_runs_the_stages(module: str) -> None:
    if module not in ("pipeline.run", "pipeline.cli") and not belongs(module, "pipeline.commands"):
        assert not {name for name in MODULES[module] if belongs(name, "pipeline.run")}


@pytest.mark.parametrize("module", [name for name in PURE if name in MODULES])
def test_contracts_import_the_standard_library_and_one_another_only(module: str) -> None:
    ours = {name for name in MODULES[module] if name.split(".")[0] in ("dctts", "pipeline")}
    assert all(any(belongs(name, pure) for pure in PURE) for name in ours)
    theirs = {name.split(".")[0] for name in MODULES[module] - ours}
    assert theirs <= sys.stdlib_module_names


@pytest.mark.parametrize("package", ["dctts", "pipeline"])
def test_packages_are_empty_rooms(package: str) -> None:
    assert MODULES[package] == set()


def test_the_command_line_loads_nothing_heavy() -> None:
    script = f"import sys, pipeline.cli; print(*(name for name in {HEAVY} if name in sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == ""
