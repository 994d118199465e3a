"""An organization's entry as routers are told it and as files of definitions say it."""

import json
from collections.abc import Mapping

import pytest

from cellwright.entry import Entries, Entry, Home, UnreadableError, home_in, home_of
from cellwright.layout import LEDGER
from cellwright.ledger import HEADER
from cellwright.model import Organization

ACME = """\
apiVersion: cellwright/v1
kind: Organization
metadata: {name: acme}
spec: {id: 1001, cell: alpha}
"""
FILE = "organizations/acme.yaml"


def _read(shards: Mapping[str, str], *organizations: str) -> list[Entry]:
    said = Entries(organizations)
    for name, text in shards.items():
        said.read(name, text)
    return list(said)


SHARDS = {
    "one": "131072 ,a.example.com=acme,ac=@acme,\n=duff gone:beta:7:duff:100/20\n",
    "two": "200000 ,@acme=active:alpha:1001:acme,\n",
    "three": "260000 ,b.example.com=acme,left.example.com=nobody,\n",
}


def test_entries_are_put_together_from_all_shards() -> None:
    hosts = ("a.example.com", "b.example.com")
    home = Home("alpha", "active")
    acme = Entry("acme", 1001, home, "ac", hosts, ("two", "one", "three"))
    duff = Entry("duff", 7, Home("beta", "gone"), "duff", (), ("one",))
    assert sorted(_read(SHARDS)) == [acme, duff]
    assert _read(SHARDS, "acme", "nobody") == [acme]
    assert _read({"two": SHARDS["two"]}) == [Entry("acme", 1001, home, "", (), ("two",))]


@pytest.mark.parametrize("text", ["acme\n", "131072 ,acme=active:alpha:x:acme,\n"])
def test_what_is_no_shard(text: str) -> None:
    with pytest.raises(ValueError, match="no line of the directory"):
        _read({"one": text})


def test_the_home_is_the_directorys() -> None:
    one = Organization("acme", 1, "alpha", "acme", (), (), "suspended")
    assert home_of(one) == Home("alpha", "suspended")
    homeless = Organization("acme", 1, None, "acme", (), (), "active")
    assert (home_of(homeless), str(home_of(homeless))) == (Home("", "active"), "no cell yet")


def test_a_document_among_others_whose_names_are_alike() -> None:
    others = "---\n".join(ACME.replace("acme", name) for name in ("acme-inc", "my-acme", "acme2"))
    files = {FILE: f"{others}---\n{ACME.replace('alpha', 'beta')}", "organizations/b.jsonl": ""}
    assert home_in(files, "acme") == Home("beta", "active")
    assert home_in({FILE: others}, "acme") is None
    assert home_in({}, "acme") is None


def test_a_document_that_names_it_is_not_its_own() -> None:
    other = ACME.replace("acme", "other").replace("alpha", "beta, hosts: [acme.example.com]")
    assert home_in({FILE: f"{other}---\n{ACME}"}, "acme") == Home("alpha", "active")
    assert home_in({FILE: other}, "acme") is None


@pytest.mark.parametrize("end", ["\u2028", "\u0085", "\x0b"])
def test_only_a_line_feed_ends_a_json_line(end: str) -> None:
    override = {"cell": "beta", "reason": f"a{end}b"}
    line = {
        "apiVersion": "cellwright/v1",
        "kind": "Organization",
        "metadata": {"name": "acme"},
        "spec": {"id": 1001, "cell": "alpha", "override": override},
    }
    files = {"organizations/b.jsonl": json.dumps(line, ensure_ascii=False) + "\n"}
    assert home_in(files, "acme") == Home("beta", "active")


def test_a_json_line_and_the_ledger() -> None:
    line = {
        "apiVersion": "cellwright/v1",
        "kind": "Organization",
        "metadata": {"name": "acme"},
        "spec": {"id": 1},
    }
    files = {"organizations/all.jsonl": f"{{broken\n{json.dumps(line)}\n"}
    assert home_in(files, "acme") == Home("", "active")
    files[LEDGER] = f"{HEADER}\nacme-inc,beta\nacme,alpha\n"
    assert home_in(files, "acme") == Home("alpha", "active")


def test_an_organization_that_is_called_like_a_column_of_the_ledger() -> None:
    name = "organization"
    files = {FILE: ACME.replace("acme", name).replace(", cell: alpha", "")}
    files[LEDGER] = f"{HEADER}\n{name},beta\n"
    assert home_in(files, name) == Home("beta", "active")


@pytest.mark.parametrize(
    "text",
    [
        ACME.replace("{name: acme}", "{name: acme"),
        ACME.replace("spec: {id: 1001, cell: alpha}", ""),
        ACME.replace("id: 1001, ", ""),
        ACME.replace("spec: {id: 1001, cell: alpha}", "spec: nothing"),
        ACME.replace("cell: alpha", "cell: {}"),
        ACME.replace("cell: alpha", "cell: 5"),
        ACME.replace("cell: alpha", "cell: 'alpha:7'"),
        ACME.replace("cell: alpha", "cell: alpha, hosts: 5"),
        ACME.replace("cell: alpha", r'cell: "a\tb\nc"'),
    ],
)
def test_definitions_that_nobody_can_read(text: str) -> None:
    with pytest.raises(UnreadableError):
        home_in({FILE: text}, "acme")


def test_what_a_schema_of_today_would_not_allow_is_read() -> None:
    text = ACME.replace("id: 1001", "id: 1001, colour: red")
    assert home_in({FILE: text}, "acme") == Home("alpha", "active")
