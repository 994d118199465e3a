"""From files to a fleet: many lines at once give what one after the other gives."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright import bulk, loading
from cellwright.document import MAX_DOCUMENT
from cellwright.edge.files import read
from cellwright.loading import load
from cellwright.snapshot import Snapshot
from tests.workspaces import BASE

SNAPSHOT = read(BASE)
FILE = "organizations/all.jsonl"


def with_file(text: str) -> Snapshot:
    return replace(SNAPSHOT, definitions={**SNAPSHOT.definitions, FILE: text.encode()})


def both(text: str) -> tuple[Any, Any]:
    """Load some lines each by itself, and many at once."""
    each = load(with_file(text))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(loading, "MANY_BYTES", 0)
        patch.setattr(bulk, "_LINES", 3)
        return each, load(with_file(text))


def line(number: int, **spec: Any) -> str:
    whole = {
        "apiVersion": "cellwright/v1",
        "kind": "Organization",
        "metadata": {"name": f"o{number}"},
        "spec": {"id": 5000 + number, **spec},
    }
    return json.dumps(whole)


SPECS = st.fixed_dictionaries(
    {},
    optional={
        "cell": st.sampled_from(["alpha", "beta", "gamma"]),
        "hosts": st.lists(st.sampled_from(["a.b", "c.d", "e.f"]), unique=True, max_size=2),
        "residency": st.lists(st.sampled_from(["eu", "us"]), unique=True, min_size=1),
        "tier": st.sampled_from(["standard", "premium"]),
        "state": st.sampled_from(["active", "suspended"]),
        "weight": st.integers(1, 5),
        "path": st.sampled_from(["p", "q"]),
        "limits": st.fixed_dictionaries({"concurrentRequests": st.sampled_from([1, 2.0])}),
        "override": st.just({"cell": "beta", "reason": "r"}),
        "moved": st.fixed_dictionaries(
            {"from": st.sampled_from(["alpha", "x"]), "reason": st.just("r")}
        ),
    },
)
CHANGES = (
    *('"id": 5', '"id": -5', '"id": 5.0', '"id": 5e3', '"id": 9007199254740993', '"id": "5"'),
    *('"id": 5, "id": 5', '"id": 5, "weight": 2.0', '"id": 5, "cell": "alpha", "cell": "beta"'),
    *('"id": 5, "x": 1', '"\\u0069d": 5', '"id": NaN', '"id": 5, "tier": "a:b"', "", '"id": 5}}'),
    *('"id": 5, "path": "\\ud83d"', '"id": 5, "path": "é"', '"id": 5,', '"id" :5 ', '"id": 5}} {'),
)


@given(st.lists(SPECS, max_size=8), st.data())
@settings(max_examples=300)
def test_many_lines_at_once_are_taken_as_one_by_one(
    specs: list[Mapping[str, Any]], data: st.DataObject
) -> None:
    lines = [line(number, **spec) for number, spec in enumerate(specs)]
    for _ in range(data.draw(st.integers(0, 2))):
        index = data.draw(st.integers(0, len(lines)))
        if index == len(lines):
            lines.append(data.draw(st.sampled_from(["", "  ", "{", "[1]", "null", line(0)])))
        else:
            change = data.draw(st.sampled_from(CHANGES))
            lines[index] = lines[index].replace(f'"id": {5000 + index}', change)
    text = data.draw(st.sampled_from(["\n", "\r\n"])).join(lines)
    each, many = both(text)
    assert each == many


def test_a_line_that_is_too_long_is_refused_among_many_too() -> None:
    text = "\n".join(line(number, cell="alpha") for number in range(3)) + " " * MAX_DOCUMENT
    each, many = both(text)
    assert each == many
    assert [one.code for one in many[1]] == ["CW007"]


def test_lines_without_a_doubt_are_not_read_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    nested = {
        "moved": {"from": "beta", "reason": "r"},
        "override": {"cell": "beta", "reason": "r"},
        "limits": {"concurrentRequests": 1},
    }
    text = "\n".join(line(number, cell="alpha", **nested) for number in range(2000))
    monkeypatch.setattr(loading, "MANY_BYTES", len(text))
    monkeypatch.setattr(loading, "json_documents", None)
    fleet, problems = load(with_file(text))
    assert problems == []
    assert fleet is not None
    assert len(fleet.organizations) == 2001


@pytest.mark.parametrize(
    "spec",
    [
        *('{"id": 5, "id": 6}', '{"id": 5.0}', '{"id": 5, "weight": 1.0}', '{"id": 5e3}'),
        '{"id": 5, "limits": {"concurrentRequests": 1.0}}',
        '{"id": 5, "moved": {"from": "a", "from": "b", "reason": "r"}}',
    ],
)
def test_what_msgspec_lets_pass_is_in_doubt(spec: str) -> None:
    raw = line(1).replace('{"id": 5001}', spec).encode()
    values = bulk.decoded([raw])
    assert values is not None
    assert not bulk.is_beyond_doubt([raw], values)


def test_text_with_colons_is_in_doubt_and_then_read() -> None:
    text = line(1).replace('"name"', '"description": "a: b", "name"')
    values = bulk.decoded([text.encode()])
    assert values is not None
    assert not bulk.is_beyond_doubt([text.encode()], values)
    each, many = both(text)
    assert each == many
    assert each[1] == []


def test_a_mark_at_the_start_is_a_problem_however_large_the_file() -> None:
    each, many = both("\ufeff" + line(1))
    assert each == many
    assert [one.code for one in each[1]] == ["CW002"]
