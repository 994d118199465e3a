"""Both readers of a line of JSON: what they take, and that they agree."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright import json_plain, json_precise
from cellwright.json_plain import NotPlainError

LINE = (
    '{"apiVersion": "cellwright/v1", "kind": "Organization", "metadata": {"name": "new"}, '
    '"spec": {"id": 2001, "hosts": ["new.example.com"], "state": "active"}}'
)
PIECES = (
    *("{", "}", "[", "]", ":", ",", '"a"', '"b":', '"a":', "1", "0", "-1", "1.5", "2.0", "1e2"),
    *("true", "false", "null", "NaN", "-Infinity", "None", '"\\u0061"', '"\\ud83d"', '"\\n"'),
    *(" ", "\t", "\r", '"é"', "01", "+1", '"\x01"', "9007199254740993", '""', '{"a":1}', "[1, 2]"),
    *("\u2028", "'a'", "#", "\\", '"'),
)
values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**13), 10**13)
    | st.text(st.characters(exclude_categories=("Cs",)), max_size=8),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=4), inner, max_size=4)
    ),
    max_leaves=12,
)


def standard(line: str) -> Any:
    """Read as the standard library does, which is right but for what readers disagree about."""

    def pairs(found: list[tuple[str, Any]]) -> dict[str, Any]:
        if len(dict(found)) != len(found):
            raise ValueError
        return dict(found)

    def constant(name: str) -> Any:
        raise ValueError(name)

    return json.loads(line, object_pairs_hook=pairs, parse_constant=constant)


def check(line: str) -> None:
    value, _, faults = json_precise.read(line)
    try:
        quick = json_plain.read(line)
    except NotPlainError:
        pass
    else:
        assert faults == []
        assert repr(value) == repr(quick)
    try:
        expected = standard(line)
    except ValueError:
        assert faults
    else:
        assert repr(value) == repr(expected) or {one.code for one in faults} & {"CW002", "CW004"}


@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
@settings(max_examples=1000)
def test_any_text_is_read_alike(line: str) -> None:
    check(line)


@given(st.data())
@settings(max_examples=1000)
def test_a_changed_line_is_read_alike(data: st.DataObject) -> None:
    line = LINE
    for _ in range(data.draw(st.integers(1, 2))):
        at = data.draw(st.integers(0, len(line)))
        gone = data.draw(st.integers(0, 4))
        line = line[:at] + data.draw(st.sampled_from(("", *PIECES))) + line[at + gone :]
    check(line)


@given(values, st.booleans())
def test_what_is_written_is_what_is_read(value: Any, ascii_only: bool) -> None:
    line = json.dumps(value, ensure_ascii=ascii_only)
    assert json_precise.read(line)[0] == value
    assert json_precise.read(line)[2] == []
    if "\\u" not in line:
        assert json_plain.read(f"{line} \r\n") == value


def test_every_value_and_key_has_its_place() -> None:
    _, spots, faults = json_precise.read(' {"é": [1, {"a": "b"}], "c" : null}')
    assert faults == []
    assert spots.values == {
        (): (1, 2),
        ("é",): (1, 8),
        ("é", 0): (1, 9),
        ("é", 1): (1, 12),
        ("é", 1, "a"): (1, 18),
        ("c",): (1, 31),
    }
    assert spots.keys == {("é",): (1, 3), ("é", 1, "a"): (1, 13), ("c",): (1, 25)}


@pytest.mark.parametrize(
    "line",
    [
        '{"a": 1, "a": 2}',
        '{"a": {"b": 1, "b": 1}}',
        "[1.5]",
        "[1e2]",
        "[9007199254740992]",
        "NaN",
        "[" * 60 + "]" * 60,
        '"\\ud800"',
        " 1",
        "{",
        "1 2",
        "",
        '{"a": 1}}',
        "[1,]",
        '"a',
    ],
)
def test_what_is_not_beyond_doubt_is_left_to_the_precise_reader(line: str) -> None:
    with pytest.raises(NotPlainError):
        json_plain.read(line)


def test_all_that_is_wrong_is_found_in_one_run() -> None:
    line = '{"a": 2.0, "a": 99999999999999999, "b": "\\ud800", "c": {"d": 1, "d": 2}} x'
    assert [(one.column, one.code) for one in json_precise.read(line)[2]] == [
        (7, "CW004"),
        (12, "CW003"),
        (17, "CW004"),
        (41, "CW002"),
        (65, "CW003"),
        (74, "CW002"),
    ]
