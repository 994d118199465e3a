"""The command line as a whole: help, exit codes, errors in a sentence."""

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cellwright.cli.main import VERBS, main
from tests.cli.conftest import Program

HEAVY = ("pulumi", "yaml", "jsonschema", "jsonschema_rs", "jinja2", "cryptography", "subprocess")


def start(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run the program as users do, in a process of its own."""
    command = [sys.executable, "-m", "cellwright", *arguments]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples(verb: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([verb, "--help"]) == 0
    shown = capsys.readouterr().out
    assert VERBS[verb].split()[0] in shown
    assert re.search(rf"^examples:\n  .*cellwright {verb}", shown, re.MULTILINE)


@pytest.mark.parametrize("verb", VERBS)
def test_every_example_is_a_command_line(verb: str) -> None:
    examples = importlib.import_module(f"cellwright.cli.{verb.replace('-', '_')}").EXAMPLES
    lines = re.findall(r"^  (?:.*&& )?cellwright ([^#\n|>]*)", examples, re.MULTILINE)
    assert lines
    for line in lines:
        arguments = [*re.sub(r"'[^']*'", "'a: b'", line).replace("'a: b'", "a:b").split(), "--help"]
        assert main(arguments) == 0, line


def test_help_names_every_verb(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--help"]) == 0
    shown = capsys.readouterr().out
    assert all(re.search(rf"^    {verb}\b", shown, re.MULTILINE) for verb in VERBS)


def test_help_and_version_load_nothing_heavy() -> None:
    code = (
        "import sys; from cellwright.cli.main import main; main(['--help']); main(['--version']); "
        f"sys.exit(str([name for name in {HEAVY} if name in sys.modules]))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "[]"


def test_a_check_of_what_has_not_changed_loads_next_to_nothing(program: Program) -> None:
    names = (*HEAVY, "cellwright.plan", "dataclasses", "typing", "pathlib", "json", "shutil")
    code = (
        "import sys; from cellwright.cli.main import main; code = main(['check']); "
        f"sys.exit(str([name for name in {names} if name in sys.modules]))"
    )
    command = [sys.executable, "-c", code]
    ends = [
        subprocess.run(command, cwd=program.root, capture_output=True, text=True, check=False)
        for _ in range(2)
    ]
    told = "no problems in 3 cells and 12 organizations\n"
    assert "jinja2" in ends[0].stderr
    assert ends[1].stderr == f"{told}[]\n"


def test_help_is_as_wide_as_asked_for(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    widths = []
    for columns in ("60", "200", "0", "wide"):
        monkeypatch.setenv("COLUMNS", columns)
        assert main(["check", "--help"]) == 0
        described = capsys.readouterr().out.partition("options:")[2].partition("examples:")[0]
        widths.append(max(map(len, described.splitlines())))
    assert widths[0] <= 58 < widths[2] == widths[3] <= 78 < widths[1] <= 198


@pytest.mark.parametrize(
    "verb", ["check", "render", "diff", "route", "place", "explain", "directory"]
)
def test_verbs_that_need_no_pulumi_do_not_load_it(verb: str) -> None:
    code = f"import sys, cellwright.cli.{verb}; sys.exit(str('pulumi' in sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == "False"


@pytest.mark.parametrize(
    "arguments",
    [(), ("nonsense",), ("check", "--format", "yaml"), ("render", "extra"), ("schema", "nothing")],
)
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...], program: Program) -> None:
    done = program(*arguments)
    assert done.code == 2
    assert done.err.startswith("usage: cellwright")


def test_without_a_workspace_it_says_so(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(program.root.parent)
    done = program("check")
    assert done.code == 1
    assert done.err.startswith("cellwright check: no Pulumi.yaml in ")
    assert program("--root", "nowhere", "check").err == (
        "cellwright check: --root nowhere: no such folder\n"
    )
    assert program("--root", str(program.root), "check").code == 0


def test_a_workspace_is_found_from_below(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(program.root / "cells")
    assert program("check").code == 0


def test_what_nobody_foresaw_leaves_a_log(
    program: Program, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fail(_: object) -> int:
        raise RuntimeError("unforeseen")

    monkeypatch.setattr("cellwright.cli.check.run", fail)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    done = program("check")
    assert done.code == 3
    assert "Traceback" not in done.out + done.err
    log = Path(done.err.split()[-1])
    assert "RuntimeError: unforeseen" in log.read_text("utf-8")


def test_an_interrupt_ends_with_130(program: Program, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupt(_: object) -> int:
        raise KeyboardInterrupt

    monkeypatch.setattr("cellwright.cli.check.run", interrupt)
    done = program("check")
    assert (done.code, done.err) == (130, "cellwright check: interrupted\n")


def test_output_that_nobody_reads_any_more_is_no_failure(program: Program) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "cellwright", "render"]
    with os.fdopen(writing, "wb") as pipe:
        done = subprocess.run(
            command, cwd=program.root, stdout=pipe, stderr=subprocess.PIPE, text=True, check=False
        )
    assert done.returncode == 1
    assert done.stderr == ""


def test_the_program_runs_as_a_process(program: Program) -> None:
    done = start("check", "--format", "json", folder=program.root)
    assert (done.returncode, json.loads(done.stdout)) == (0, [])


def test_a_terminal_without_unicode_is_no_failure(program: Program) -> None:
    program.edit("cells/alpha.yaml", "region: eu", "region: ärger")
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    command = [sys.executable, "-m", "cellwright", "check"]
    done = subprocess.run(
        command, cwd=program.root, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 1
    assert "\\xe4rger" in done.stdout


@pytest.mark.parametrize("verb", ["check", "render --stack alpha", "schema cell"])
@pytest.mark.parametrize("closed", [">&-", "2>&-", ">&- 2>&-"])
def test_closed_output_is_no_failure(program: Program, verb: str, closed: str) -> None:
    command = f"'{sys.executable}' -m cellwright {verb} {closed}"
    done = subprocess.run(
        ["sh", "-c", command], cwd=program.root, capture_output=True, text=True, check=False
    )
    assert (done.returncode, "unexpected" in done.stdout + done.stderr) == (0, False), done
