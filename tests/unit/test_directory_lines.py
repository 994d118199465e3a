"""The table of cells, byte for byte, and what is read of the lines of tables."""

import hashlib
from dataclasses import replace

import pytest

from cellwright.directory import Value, cell_ids, cell_table, entries, values
from cellwright.model import Cell
from tests.fleets import cell


def at(name: str, number: int, cluster: str) -> Cell:
    made = cell(name, number, cluster=cluster)
    return replace(made, router=replace(made.router, host=f"{name}.example.com", port=8443))


def test_cells_of_a_cluster_are_reached_inside_of_it_and_others_by_their_address() -> None:
    cells = [at("beta", 2, "far"), at("alpha", 1, "local")]
    near = cell_table(cells, "local")
    assert near.text == (
        "alpha\t1\trouter-hop.cell-alpha.svc.cluster.local\t8444\nbeta\t2\tbeta.example.com\t8443\n"
    )
    assert cell_table(cells, "far").text == (
        "alpha\t1\talpha.example.com\t8443\nbeta\t2\trouter-hop.cell-beta.svc.cluster.local\t8444\n"
    )
    assert near.number == 0
    assert near.checksum == hashlib.sha256(near.text.encode()).hexdigest()
    assert cell_table(cells[::-1], "local") == near, "the order of the cells does not matter"


def test_no_cells_are_an_empty_table() -> None:
    assert cell_table([], "local").text == ""


def test_ids_of_cells_are_read() -> None:
    assert list(cell_ids(cell_table([at("alpha", 7, "x")], "x").text)) == [("alpha", 7)]
    assert list(cell_ids("acme\t1\thost\t80\tmore\nb\t2\thost\t80")) == [("acme", 1), ("b", 2)]
    assert list(cell_ids("")) == []


@pytest.mark.parametrize(
    "line", ["acme", "acme\t1\thost", "\t1\thost\t80", "acme\tx\thost\t80", "a\t\u0661\tb\tc"]
)
def test_what_is_no_line_of_a_cell_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no line of the directory: "):
        list(cell_ids(f"ok\t1\thost\t80\n{line}\n"))


def test_organizations_are_read_from_all_kinds_of_lines() -> None:
    text = "131072 ,a=active:alpha:1:a,b=@c,h.x=a,@c=gone:beta:2:c:5/,\n=d fenced:alpha:3:d\n=e @d"
    assert list(entries(text))[-2:] == [("d", "fenced:alpha:3:d"), ("e", "@d")]
    assert list(values(text)) == [
        Value("active", "alpha", 1, "a"),
        Value("gone", "beta", 2, "c"),
        Value("fenced", "alpha", 3, "d"),
    ]
    assert list(values("")) == []


@pytest.mark.parametrize(
    "line",
    [
        "acme",
        "131072",
        "131072 ",
        "131072 ,,",
        "131072 ,acme,",
        "131072 ,=x,",
        "131072 ,@=x,",
        "131072 ,acme=,",
        "131072 ,acme=active:,",
        "131072 ,acme=active:alpha,",
        "131072 ,acme=active:alpha:1,",
        "131072 ,acme=active:alpha:1:,",
        "131072 ,acme=:alpha:1:acme,",
        "131072 ,acme=active::1:acme,",
        "131072 ,acme=active:alpha:x:acme,",
        "131072 ,acme=active:alpha:\u0661:acme,",
        "=acme",
        "= x",
        "=@ x",
    ],
)
def test_what_is_no_line_of_a_shard_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="no line of the directory: "):
        list(values(f"131072 ,ok=active:alpha:1:ok,\n{line}\n"))
