"""What people read against the program: no command or flag that does not exist, none that is not told."""

import re
import shlex
from pathlib import Path

import pytest
import typer.main

from pipeline.cli import app

ROOT = Path(__file__).parents[1]
README, REFERENCE, CODE = (
    (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "docs/commands.md", "docs/code.md")
)
TOLD = README + REFERENCE
COMMANDS = typer.main.get_group(app).commands


def flags(command: str) -> set[str]:
    return {flag for parameter in COMMANDS[command].params for flag in (*parameter.opts, *parameter.secondary_opts)}


def command_lines() -> list[list[str]]:
    """Each `clone-pipeline …` line of the console blocks, as words."""
    blocks = re.findall(r"^```[a-z]*\n(.*?)^```", TOLD, re.MULTILINE | re.DOTALL)
    lines = [line.removeprefix("$ ") for block in blocks for line in block.replace("\\\n", " ").splitlines()]
    return [shlex.split(line, comments=True) for line in lines if line.startswith("clone-pipeline ")]


def test_command_lines_are_shown() -> None:
    assert len(command_lines()) >= 5


@pytest.mark.parametrize("words", command_lines(), ids=" ".join)
def test_every_command_line_that_is_shown_is_understood(words: list[str]) -> None:
    command = words[1]
    if command.startswith("-"):
        return
    assert command in COMMANDS
    used = {word.split("=")[0] for word in words[2:] if re.match("--?[a-z]", word)}
    assert used <= flags(command) | {"--help"}


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_in_the_readme(command: str) -> None:
    assert f"clone-pipeline {command}" in README


def test_every_flag_that_is_named_exists() -> None:
    known = {"--help", "--version", "--verbose"}.union(*(flags(command) for command in COMMANDS))
    # pip's and other tools' flags stand in blocks; ours stand in the text between backquotes as well
    named = set(re.findall(r"(?<![\w-])`?(--[a-z][a-z0-9-]*)", re.sub(r"^```.*?^```", "", TOLD, flags=re.M | re.S)))
    assert named - known == set()


def test_every_flag_is_told_of() -> None:
    missing = {
        f"{command} {flag}"
        for command in COMMANDS
        for flag in flags(command)
        if flag.startswith("--") and flag != "--help" and flag not in TOLD
    }
    assert missing == set()


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_and_every_flag_has_help(command: str) -> None:
    assert COMMANDS[command].help
    assert all(getattr(parameter, "help", None) for parameter in COMMANDS[command].params)


@pytest.mark.parametrize("target", re.findall(r"^\$ make ([a-z]+)", README, re.MULTILINE))
def test_every_make_target_of_the_readme_exists(target: str) -> None:
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)


def test_ci_runs_the_readmes_test_command() -> None:
    assert "$ make test" in README
    assert "make test" in (ROOT / ".ci" / "run").read_text(encoding="utf-8")


def test_every_path_of_the_file_tree_exists() -> None:
    tree = re.search(r"^```\n(pipeline/.*?)^```", CODE, re.MULTILINE | re.DOTALL)
    assert tree
    folder = Path()
    for line in tree[1].splitlines():
        # a folder starts its line, its files are indented below it
        name = line.split()[0]
        folder = Path(name) if not line.startswith(" ") else folder
        path = Path(name) if not line.startswith(" ") else folder / name
        assert (ROOT / path).exists(), path
