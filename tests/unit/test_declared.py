"""What is declared, one by one: defaults, homes, and places that are found again."""

import json

from cellwright.declared import Declared
from cellwright.document import Document, documents
from cellwright.ledger import read_ledger
from cellwright.model import Organization
from cellwright.problem import Place


def declared(definitions: dict[str, bytes], ledger: str = "") -> Declared:
    book = read_ledger(f"organization,cell\n{ledger}".encode())[0]
    found = Declared(definitions, book)
    for file, data in definitions.items():
        for one in documents(file, data):
            assert isinstance(one, Document)
            found.add(one)
    return found


def organization(name: str, **spec: object) -> bytes:
    whole = {"kind": "Organization", "metadata": {"name": name}, "spec": {"id": 1, **spec}}
    return json.dumps(whole).encode() + b"\n"


def test_an_organization_may_say_next_to_nothing() -> None:
    (one,) = declared({"a.jsonl": organization("acme")}).organizations
    assert one == Organization("acme", 1, None, "acme", (), (), "active", "standard", 1)


def test_a_home_is_the_definitions_or_the_ledgers() -> None:
    lines = organization("a") + organization("b", cell="x") + organization("c", cell="x")
    found = declared({"a.jsonl": lines}, "a,y\nb,x\nc,y\n")
    assert [one.cell for one in found.organizations] == ["y", "x", "x"]
    assert found.disagreements == [2]


def test_where_a_home_is_named() -> None:
    yaml = b"kind: Organization\nmetadata: {name: b}\nspec:\n  id: 1\n  cell: x\n"
    found = declared({"a.jsonl": organization("a"), "b.yaml": yaml}, "a,x\nb,x\n")
    assert found.home_place(0) == Place("organizations/assignments.csv", 2, 3)
    assert found.home_place(1) == Place("b.yaml", 5, 9)


def test_places_are_found_again_in_many_files() -> None:
    definitions = {
        f"{number}.jsonl": b"\n" * number + organization(f"o{number}") * 3 for number in range(12)
    }
    definitions["a.yaml"] = (
        b"# c\r\n---\r\nkind: Organization\r\nmetadata: {name: a}\r\nspec: {id: 2}\r\n---\r\n"
        b"kind: Organization\r\nmetadata: {name: b}\r\nspec: {id: 3, path: 'x'}\r\n"
    )
    found = declared(definitions)
    column = organization("o0").index(b'{"id"') + 1
    for number, _ in enumerate(found.organizations[:36]):
        file, line = divmod(number, 3)
        extra = len(str(file)) - 1
        expected = Place(f"{file}.jsonl", file + line + 1, column + extra)
        assert found.place(number, ("spec",)) == expected
    assert found.place(36, ("spec", "id")) == Place("a.yaml", 5, 12)
    assert found.place(37, ("spec", "path")) == Place("a.yaml", 9, 21)


def test_names_of_what_does_not_fit_are_known() -> None:
    found = declared({})
    found.miss(Document("a", 1, "", {"kind": "Cell", "metadata": {"name": "x"}}))
    assert (found.broken, found.incomplete) == ({"Cell": {"x"}}, False)
    found.miss(Document("a", 1, "", {"kind": "Cell"}))
    assert found.incomplete


def test_equal_texts_are_kept_once() -> None:
    lines = organization("a", cell="x1", residency=["eu"]) + organization(
        "b", cell="x1", residency=["eu"]
    )
    one, other = declared({"a.jsonl": lines}).organizations
    assert one.cell is other.cell
    assert one.residency is other.residency
    assert one.path is one.name
