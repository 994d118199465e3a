"""Whatever is written is read as the same value, by strict and by lenient readers."""

import math
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cellwright.document import read_yaml
from cellwright.writing import to_yaml

# fmt: off
SURPRISES = (
    "no", "Yes", "1e3", "0o7", "0x1", "~", "", "null", "2020-01-01", "12:30:45", "<<", "=", "y",
    "a: b", "#x", "a #b", "- a", "---", "...", "|", "> x", "\t", "a:", "&a", "*a", "!!x", "%d",
    "@x", "`", "{{ x }}", "{% %}", "[", "{", "'", '"', "\\", ".inf", "1_000", "+1", "1.",
    "a\n", "\n", "a\n\n", " a\nb", "a\nb ", "a\r\nb", "a\n  b\n", "a\n---\nb\n", "a\n# c\n",
    "a\tb\nc\n", "\u2028", "\x85", "\ufeff", "\x00", "\x7f", "\ud7ff", "\U0001f600",
)
# fmt: on
TEXTS = st.one_of(
    st.sampled_from(SURPRISES),
    st.text(st.characters(exclude_categories=("Cs",))),
    st.lists(st.sampled_from(SURPRISES)).map("".join),
)
SCALARS = st.one_of(TEXTS, st.integers(-(2**53), 2**53), st.booleans(), st.none())
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner) | st.dictionaries(TEXTS, inner), max_leaves=8
)


@given(st.dictionaries(TEXTS, VALUES, min_size=1))
def test_readers_find_what_was_written(value: dict[str, Any]) -> None:
    written = to_yaml(value)
    documents, problems = read_yaml("x.yaml", written.encode())
    assert problems == []
    assert [document.value for document in documents] == [value]
    assert yaml.safe_load(written) == value, "YAML 1.1 too"


def test_text_of_several_lines_stays_legible() -> None:
    assert to_yaml({"a": "x: 1\ny\n"}) == "a: |\n  x: 1\n  y\n"


def test_a_value_that_stands_twice_is_written_twice() -> None:
    shared = {"b": 1}
    assert to_yaml({"a": shared, "c": shared}) == "a:\n  b: 1\nc:\n  b: 1\n"


@pytest.mark.parametrize("value", [math.nan, math.inf, {1, 2}])
def test_what_json_lacks_is_refused(value: object) -> None:
    with pytest.raises((ValueError, yaml.YAMLError)):
        to_yaml({"a": value})
