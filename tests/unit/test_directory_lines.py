"""The table of cells, byte for byte, and what is read of the lines of tables."""

import hashlib
from dataclasses import replace

import pytest

from cellwright.directory import Entry, cell_table, entries, shard_number, shard_tables
from cellwright.model import Cell
from tests.fleets import cell, organization


def at(name: str, number: int, cluster: str) -> Cell:
    made = cell(name, number, cluster=cluster)
    return replace(made, router=replace(made.router, host=f"{name}.example.com", port=8443))


def test_cells_of_a_cluster_are_reached_inside_of_it_and_others_by_their_address() -> None:
    cells = [at("beta", 2, "far"), at("alpha", 1, "local")]
    near = cell_table(cells, "local")
    assert near.text == (
        "alpha\t1\trouter.cell-alpha.svc.cluster.local\t80\nbeta\t2\tbeta.example.com\t8443\n"
    )
    assert cell_table(cells, "far").text == (
        "alpha\t1\talpha.example.com\t8443\nbeta\t2\trouter.cell-beta.svc.cluster.local\t80\n"
    )
    assert near.number == 0
    assert near.checksum == hashlib.sha256(near.text.encode()).hexdigest()
    assert cell_table(cells[::-1], "local") == near, "the order of the cells does not matter"


def test_no_cells_are_an_empty_table() -> None:
    assert cell_table([], "local").text == ""


def test_lines_begin_with_what_is_read_of_them() -> None:
    names = [organization(name, "alpha", id=number) for number, name in enumerate("abc", 1)]
    homeless = organization("d", None, id=4)
    tables = shard_tables([*names, homeless], 4)
    found = {one for table in tables for one in entries(table.text)}
    assert found == {Entry("a", 1, "alpha"), Entry("b", 2, "alpha"), Entry("c", 3, "alpha")}
    for table in tables:
        assert all(shard_number(one.name, 4) == table.number for one in entries(table.text))
    assert [one.id for one in entries(cell_table([at("alpha", 7, "x")], "x").text)] == [7]


def test_a_line_may_grow_and_the_last_one_needs_no_end() -> None:
    text = "acme\t1\talpha\tactive\tacme\t\t100/20\tmore\nb\t2\tbeta\tgone"
    assert list(entries(text)) == [Entry("acme", 1, "alpha"), Entry("b", 2, "beta")]
    assert list(entries("")) == []


@pytest.mark.parametrize(
    "line",
    [
        "acme",
        "acme\t1\talpha",
        "\t1\talpha\tactive",
        "acme\tx\talpha\tactive",
        "a\t\u0661\tb\tc",
    ],
)
def test_what_is_no_line_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no line of the directory: "):
        list(entries(f"ok\t1\talpha\tactive\n{line}\n"))
