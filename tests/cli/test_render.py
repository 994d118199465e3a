"""`render` as a stream and into a folder."""

import re
from pathlib import Path

import yaml

from tests.cli.conftest import Program


def files(folder: Path) -> dict[str, str]:
    found = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*.yaml")}
    return {name: path.read_text("utf-8") for name, path in sorted(found.items())}


def test_the_stream_holds_every_stack(program: Program) -> None:
    done = program("render")
    assert done.code == 0
    documents = list(yaml.safe_load_all(done.out))
    namespaces = {one["metadata"]["name"] for one in documents if one["kind"] == "Namespace"}
    assert namespaces == {"cell-alpha", "cell-beta", "cell-gamma", "cellwright-directory"}


def test_one_cell_alone(program: Program) -> None:
    documents = list(yaml.safe_load_all(program("render", "--cell", "alpha").out))
    names = {one["metadata"]["name"] for one in documents if one["kind"] == "Namespace"}
    assert names == {"cell-alpha"}


def test_no_secret_is_written(program: Program) -> None:
    documents = list(yaml.safe_load_all(program("render").out))
    values = [
        value
        for one in documents
        if one["kind"] == "Secret"
        for value in one["stringData"].values()
    ]
    assert values
    named = re.compile(r"…?\((secret|valid secrets)( [a-z0-9/.-]+)?\)…?")
    assert {value for value in values if not named.fullmatch(value)} == set()
    assert "cellwright.dev/secret:" not in program("render").out


def test_a_folder_holds_one_file_per_manifest_and_no_stale_one(program: Program) -> None:
    assert program("render", "--out", "out").code == 0
    first = files(program.root / "out")
    assert "alpha/00-namespace-cell-alpha.yaml" in first
    assert {name.split("/")[0] for name in first} == {"alpha", "beta", "fleet", "gamma"}
    (program.root / "cells/gamma.yaml").unlink()
    program.edit("organizations/customers.yaml", "cell: gamma\n  residency: [us]", "cell: beta")
    program.edit("organizations/trials.jsonl", "gamma", "beta")
    program.write("out/gamma/mine.yaml", "mine")
    done = program("render", "--out", "out")
    assert done.code == 0, done.out
    left = [name for name in files(program.root / "out") if name.startswith("gamma/")]
    assert left == ["gamma/mine.yaml"]


def test_a_second_run_changes_nothing(program: Program) -> None:
    program("render", "--out", "out")
    before = files(program.root / "out")
    assert " 0 written, " in program("render", "--out", "out").err
    assert files(program.root / "out") == before


def test_a_folder_with_files_of_others_is_left_as_it_is(program: Program) -> None:
    program.write("out/alpha/00-namespace-cell-alpha.yaml", "mine")
    done = program("render", "--out", "out")
    assert done.code == 1
    assert "was not written by cellwright" in done.err
    assert files(program.root / "out") == {"alpha/00-namespace-cell-alpha.yaml": "mine"}


def test_a_cell_that_is_not_there(program: Program) -> None:
    done = program("render", "--cell", "nowhere")
    assert (done.code, done.out) == (1, "")
    assert "no cell 'nowhere'" in done.err


def test_a_problem_stops_it(program: Program) -> None:
    program.edit("cells/alpha.yaml", "region: eu", "region: mars")
    done = program("render", "--out", "out")
    assert done.code == 1
    assert "CW205" in done.out
    assert not (program.root / "out").exists()


def test_a_folder_that_can_not_be_written(program: Program) -> None:
    program.write("out", "a file")
    done = program("render", "--out", "out")
    assert done.code == 1
    assert done.err.startswith("cellwright render: out")
