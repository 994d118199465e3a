"""Completion scripts, asked by the shell itself where there is one."""

import subprocess
from pathlib import Path

import pytest

from cellwright.cli.main import VERBS
from tests.cli.conftest import Program


def completed(script: Path, *words: str) -> list[str]:
    """Return what bash offers for the last of these words."""
    line = " ".join(f"'{word}'" for word in words)
    asked = (
        f"source {script}; COMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; "
        '_shtab_cellwright; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    done = subprocess.run(["bash", "-c", asked], check=True, capture_output=True, text=True)
    return done.stdout.split()


@pytest.fixture
def script(program: Program) -> Path:
    """The script for bash, in a file."""
    path = program.root / "completion.bash"
    path.write_text(program("completion", "bash").out, "utf-8")
    return path


def test_bash_completes_verbs_options_and_words(script: Path) -> None:
    assert set(completed(script, "cellwright", "")) == set(VERBS)
    assert completed(script, "cellwright", "ren") == ["render"]
    assert "--out" in completed(script, "cellwright", "render", "--")
    assert completed(script, "cellwright", "check", "--format", "s") == ["sarif"]
    assert completed(script, "cellwright", "schema", "o") == ["organization"]
    assert completed(script, "cellwright", "new", "") == ["cell", "organization"]
    assert completed(script, "cellwright", "directory", "") == ["wait", "get", "history"]
    assert "--timeout" in completed(script, "cellwright", "directory", "wait", "--")


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_get_every_verb(program: Program, shell: str) -> None:
    done = program("completion", shell)
    assert done.code == 0
    assert all(verb in done.out for verb in VERBS)
