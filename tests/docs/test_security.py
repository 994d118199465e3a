"""What SECURITY.md points to is there, and every threat has a test."""

import re

import pytest

from tests.docs.blocks import ROOT

TEXT = (ROOT / "SECURITY.md").read_text("utf-8")
ROWS = [line for line in TEXT.splitlines() if line.startswith("| ") and "`tests/" in line]
PATH = re.compile(r"`([\w.-]+(?:/[\w.-]+)+)`|\]\(([^)#]+)")


def test_the_paths_are_found() -> None:
    assert len(ROWS) > 10
    assert len(PATH.findall(TEXT)) > len(ROWS)


@pytest.mark.parametrize("path", sorted({one or other for one, other in PATH.findall(TEXT)}))
def test_what_is_named_is_there(path: str) -> None:
    assert (ROOT / path).is_file()


def test_every_row_of_the_table_names_its_tests() -> None:
    table = TEXT.split("| who |")[1].split("\n\n")[0].splitlines()[2:]
    assert table == ROWS
    for row in table:
        *_, shown, end = row.split("|")
        assert end == ""
        tests = re.findall(r"`(tests/[\w/]+\.py)`", shown)
        assert tests, row
        assert all("def test_" in (ROOT / test).read_text("utf-8") for test in tests)
