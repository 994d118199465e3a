"""Text that every YAML reader takes for the same object."""

import json
from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from cellwright.emit import fill, layout, to_yaml
from cellwright.node import Hole, recipe
from cellwright.node import fill as fill_node
from tests.hostile import texts, values

objects = st.dictionaries(texts, values, min_size=1, max_size=4)


@given(objects)
def test_an_object_is_read_back_as_it_was(body: Any) -> None:
    text = to_yaml(body)
    for found in (yaml.load(text, yaml.CSafeLoader), yaml.safe_load(text)):
        assert found == body
        assert repr(found) == repr(body)  # True is not 1


@given(st.lists(st.sampled_from("ab \n\t#:-"), max_size=12).map("".join))
def test_text_of_several_lines_is_read_back_as_it_was(text: str) -> None:
    assert yaml.load(to_yaml({"a": {"b": text}, "c": [text]}), yaml.CSafeLoader) == {
        "a": {"b": text},
        "c": [text],
    }


def with_holes(draw: Any, node: Any, taken: list[Any]) -> Any:
    """Return `node` with holes for some of its parts, which go to `taken` in order."""
    if draw(st.integers(0, 3)) == 0:
        taken.append(node)
        return Hole(len(taken) - 1)
    if isinstance(node, dict):
        return {key: with_holes(draw, one, taken) for key, one in node.items()}
    if isinstance(node, list):
        return [with_holes(draw, one, taken) for one in node]
    return node


@given(objects, st.data())
def test_filled_holes_give_the_bytes_of_the_whole(body: Any, data: Any) -> None:
    taken: list[Any] = []
    node = {key: with_holes(data.draw, one, taken) for key, one in body.items()}
    how = recipe(node)
    assert (node if how is None else fill_node(how, taken)) == body
    assert fill(layout(node), taken) == to_yaml(body)


def test_the_style_is_plain() -> None:
    body = {
        "kind": "ConfigMap",
        "data": {"text": "one\n  two\n\nthree\n", "quoted": "no", "number": "64Mi", "empty": ""},
        "list": [1, {"a": True, "b": [None, []]}, [1.5, 1e22], {}],
    }
    assert to_yaml(body) == (
        "kind: ConfigMap\n"
        "data:\n"
        "  text: |\n"
        "    one\n"
        "      two\n"
        "\n"
        "    three\n"
        '  quoted: "no"\n'
        '  number: "64Mi"\n'
        '  empty: ""\n'
        "list:\n"
        "  - 1\n"
        "  - a: true\n"
        "    b:\n"
        "      - null\n"
        "      - []\n"
        "  - - 1.5\n"
        "    - 1.0e+22\n"
        "  - {}\n"
    )


@pytest.mark.parametrize(
    "text",
    ["y", "NO", "On", "null", "TRUE", "1", "1e3", "0x1", "~", "a: b", "a #", "- a", "2001-1-1"],
)
def test_what_some_readers_take_for_something_else_is_quoted(text: str) -> None:
    assert to_yaml({"a": text, text: 1}) == f"a: {json.dumps(text)}\n{json.dumps(text)}: 1\n"


def test_empty_lines_have_no_spaces() -> None:
    assert to_yaml({"a": "b\n\n\n\n\nc\n"}) == "a: |\n  b\n\n\n\n\n  c\n"
