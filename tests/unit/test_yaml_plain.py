"""The quick reader of YAML: what it takes, the precise reader takes for the same."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright import yaml_precise as precise
from cellwright.yaml_plain import EMPTY, NotPlainError, PlainReader
from tests.workspaces import BASE

ROOT = Path(__file__).parents[2]
WRITTEN = [
    path.read_text("utf-8")
    for folder in (BASE / "cells", BASE / "organizations", ROOT / "cells")
    for path in sorted(folder.glob("*.yaml"))
]
PIECES = (
    *("a", "key", "word two", "x:y", "a/b:1", "1", "-3", "0", "007", "1Gi", "5m", "0x1", "1.5"),
    *("yes", "no", "true", "null", "~", "=", "<<", "1e3", "1:30", "2026-01-31", "''", '""', '"1"'),
    *(":", ": ", ":\n", "-", "- ", "  ", " ", "\n", "\n  ", "\n    ", "#", " # c", "'", '"'),
    *("[", "]", "{", "}", ",", ", ", "[a, b]", "{a: 1}", "{}", "[]", '["a"]', "\\", "\\n"),
    *("---", "--- ", "---\n", "...", "&a", "*a", "!t", "|", ">-\n", "\t", "%", "@", "`", "? "),
    *("é", "漢", "\u00a0", "\u0085", "\u2028", "\ufeff", "😀", "\r"),
)


def check(text: str) -> bool:
    """Return whether the quick reader took a text, and then as the precise one did."""
    try:
        quick = PlainReader().read(text)
    except NotPlainError:
        return False
    found, faults = precise.read(text)
    assert faults == []
    assert found.empty == (quick is EMPTY)
    if quick is not EMPTY:
        assert repr(found.value) == repr(quick)
    return True


@given(st.lists(st.sampled_from(PIECES), max_size=25).map("".join))
@settings(max_examples=2000)
def test_any_text_is_read_alike_or_left_to_the_precise_reader(text: str) -> None:
    check(text.partition("\n---")[0])


@given(st.sampled_from(WRITTEN), st.data())
@settings(max_examples=1000)
def test_a_changed_definition_is_read_alike_or_left_to_the_precise_reader(
    text: str, data: st.DataObject
) -> None:
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.integers(0, len(text)))
        gone = data.draw(st.integers(0, 4))
        text = text[:at] + data.draw(st.sampled_from(("", *PIECES))) + text[at + gone :]
    check(text.partition("\n---")[0])


@pytest.mark.parametrize("text", WRITTEN)
def test_definitions_as_people_write_them_are_plain(text: str) -> None:
    assert check(text)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: b", {"a": "b"}),
        ("---\na: b # c\n\n# d\nb:\n", {"a": "b", "b": None}),
        ("a:\n- b\n- 1\nc: -7", {"a": ["b", 1], "c": -7}),
        ("- a: 1\n  b:\n  - c\n  - d\n- e", [{"a": 1, "b": ["c", "d"]}, "e"]),
        (
            "a:\n  b:\n    c: {d: 1, e: x}\nf: []\n",
            {"a": {"b": {"c": {"d": 1, "e": "x"}}}, "f": []},
        ),
        ("a: 'no'\nb: \"1 # 2\"\nc: two words", {"a": "no", "b": "1 # 2", "c": "two words"}),
        (
            "a: x:y/z:1.0\nb: 10Gi\nc: true\nd: null",
            {"a": "x:y/z:1.0", "b": "10Gi", "c": True, "d": None},
        ),
        ('a: {b: "4", c: 16Gi}\nd: ["x", z]', {"a": {"b": "4", "c": "16Gi"}, "d": ["x", "z"]}),
        ('a: "größe"\n', {"a": "größe"}),
    ],
)
def test_what_is_plain(text: str, value: object) -> None:
    assert check(text)
    assert PlainReader().read(text) == value


@pytest.mark.parametrize("text", ["", "\n", "# a\n", "---\n# a\n\n"])
def test_comments_alone_are_no_document(text: str) -> None:
    assert check(text)
    assert PlainReader().read(text) is EMPTY


@pytest.mark.parametrize(
    "text",
    [
        "a: no",
        "a: Yes",
        "no: a",
        "a: ~",
        "a: 0o7",
        "a: 007",
        "a: 1.5",
        "a: 1e3",
        "a: .5",
        "a: 2026-01-31",
        "a: 1:30",
        "a: 1_000",
        "a: 12345678901234567890",
        "a: <<",
        "a: =",
        "a: b: c",
        "a: b\na: c",
        "a: {b: 1, b: 2}",
        "a: &b c",
        "a: *b",
        "a: !b c",
        "a: |\n  b",
        "a: 'b",
        'a: "\\n"',
        "a: [b",
        "a: [[b]]",
        "a: [b, ]",
        "a: [no]",
        "a: {no: b}",
        "a:b",
        "a: b\n c: d",
        "a: b\n  c",
        "a:\n  b: 1\n c: 2",
        "a:\n  - b\n c: d",
        "a: 1\n- b",
        "- a\nb: 1",
        " a: 1\nb: 2",
        "  a: 1",
        "a:\tb",
        "\ta: b",
        "a: b\t",
        "a: b #\x07",
        "? a\n: b",
        "text",
        "- - a",
        "-",
        "- ",
        "a: @b",
        "a: `b`",
        "a: %b",
        "%YAML 1.2",
        "...",
        "a: b\r",
        "a: \u2028b",
        "a: b#c",
    ],
)
def test_what_is_not_beyond_doubt_is_left_to_the_precise_reader(text: str) -> None:
    with pytest.raises(NotPlainError):
        PlainReader().read(text)


def test_a_line_that_comes_again_gives_values_of_its_own() -> None:
    reader = PlainReader()
    first = reader.read("a: [b]\nc: {d: 1}\n")
    first["a"].append("x")
    first["c"]["x"] = 1
    assert reader.read("a: [b]\nc: {d: 1}\n") == {"a": ["b"], "c": {"d": 1}}


def test_deep_nesting_is_left_to_the_precise_reader() -> None:
    text = "".join(f"{' ' * depth}a:\n" for depth in range(60))
    with pytest.raises(NotPlainError):
        PlainReader().read(text)
