"""Lines are added to the ledger, and none is ever changed."""

from pathlib import Path

from cellwright.edge.ledger import append
from cellwright.layout import LEDGER


def test_a_ledger_is_made_with_its_header(tmp_path: Path) -> None:
    append(tmp_path, {"b": "beta", "a": "alpha"})
    assert (tmp_path / LEDGER).read_text("utf-8") == "organization,cell\na,alpha\nb,beta\n"


def test_lines_are_added_at_the_end(tmp_path: Path) -> None:
    append(tmp_path, {"b": "beta"})
    append(tmp_path, {"a": "alpha"})
    assert (tmp_path / LEDGER).read_text("utf-8") == "organization,cell\nb,beta\na,alpha\n"


def test_a_last_line_without_an_end_is_ended(tmp_path: Path) -> None:
    (tmp_path / "organizations").mkdir()
    (tmp_path / LEDGER).write_text("organization,cell\nb,beta", "utf-8")
    append(tmp_path, {"a": "alpha"})
    assert (tmp_path / LEDGER).read_text("utf-8") == "organization,cell\nb,beta\na,alpha\n"
