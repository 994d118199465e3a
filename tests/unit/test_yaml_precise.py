"""The precise reader of YAML: every value with its place, and nothing that YAML 1.2 forbids.

The cases at the end follow the kinds of cases of the YAML test suite (yaml-test-suite on
GitHub), of which libyaml passes all that are refused here as wrong.
"""

import pytest

from cellwright import yaml_precise as precise
from cellwright.spots import Fault


def faults(text: str) -> list[Fault]:
    return precise.read(text)[1]


def value(text: str) -> object:
    found, wrong = precise.read(text)
    assert wrong == []
    return found.value


def test_every_value_and_key_has_its_place() -> None:
    found, wrong = precise.read('a:\n  - b: "x"\n    😀: [1, {c: 2}]\n')
    assert wrong == []
    assert found.spots.values == {
        (): (1, 1),
        ("a",): (2, 3),
        ("a", 0): (2, 5),
        ("a", 0, "b"): (2, 8),
        ("a", 0, "😀"): (3, 8),
        ("a", 0, "😀", 0): (3, 9),
        ("a", 0, "😀", 1): (3, 12),
        ("a", 0, "😀", 1, "c"): (3, 16),
    }
    assert found.spots.keys[("a", 0, "😀")] == (3, 5)


def test_the_nearest_thing_around_stands_for_what_is_not_there() -> None:
    spots = precise.read("a:\n  b: 1\n")[0].spots
    assert spots.find(("a", "c", "d"), key=False) == (2, 3)
    assert spots.find(("a", "c"), key=True) == (2, 3)
    assert spots.find(("a", "b"), key=True) == (2, 3)
    assert spots.find(("a", "b"), key=False) == (2, 6)


def test_all_that_is_wrong_is_found_in_one_run() -> None:
    text = "a: &x no\nb: *x\na: 0o7\n1: !!str {c: 1, c: 2}\n"
    assert [(one.line, one.column, one.code) for one in faults(text)] == [
        (1, 4, "CW005"),
        (1, 4, "CW004"),
        (2, 4, "CW005"),
        (3, 1, "CW003"),
        (3, 4, "CW004"),
        (4, 1, "CW004"),
        (4, 4, "CW005"),
        (4, 17, "CW003"),
    ]


def test_a_second_document_is_refused() -> None:
    # Readers of whole files cut them at each `---` first.
    assert faults("--- a\n--- b\n")[0].code == "CW002"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("null", None),
        ("--- text", "text"),
        ("- a\n- 'b''c'\n- \"d\\n\\x41\\u00e9\\U0001F600\\/\"\n", ["a", "b'c", "d\nAé😀/"]),
        ("a: one\n  two\n\n  three", {"a": "one two\nthree"}),
        ("a: 'one\n  two\n\n\n  three'", {"a": "one two\n\nthree"}),
        ('a: "one\\\n  two"', {"a": "onetwo"}),
        (
            "a: |\n  one\n   two\n\nb: >-\n  one\n  two\n\n  three\n",
            {"a": "one\n two\n", "b": "one two\nthree"},
        ),
        ("a: |2-\n   one\nb: |+\n  one\n\n", {"a": " one", "b": "one\n\n"}),
        ("a: |\n  x\n   ", {"a": "x\n \n"}),
        ("a: [1, [b, {c: d}], ]\n", {"a": [1, ["b", {"c": "d"}]]}),
        ("{a: 1, 'b': [2], \"c\":3,\n d: , e}\n", {"a": 1, "b": [2], "c": 3, "d": None, "e": None}),
        ("a:\n  [\n  b, # c\n# d\n    e\n  ]\n", {"a": ["b", "e"]}),
        ("a: b#c\nd: e # f\n'g': x:y\n", {"a": "b#c", "d": "e", "g": "x:y"}),
        (
            "a: -1\nb: +2\nc: 0.5\nd: -0.25\ne: 9007199254740991",
            {"a": -1, "b": 2, "c": 0.5, "d": -0.25, "e": 9007199254740991},
        ),
        ("a:\n- b\n-\n  c\n- - d\n  - e\n", {"a": ["b", "c", ["d", "e"]]}),
        ("a: \"no\"\nb: 'true'\n", {"a": "no", "b": "true"}),
        ("a: http://x.example.com/?q=1&r=2#top\n", {"a": "http://x.example.com/?q=1&r=2#top"}),
        ("a: don't - worry, [it] {is} text\n", {"a": "don't - worry, [it] {is} text"}),
        ('a: "\t"\n', {"a": "\t"}),
        ("a: b\n...\n", {"a": "b"}),
    ],
)
def test_what_a_text_means(text: str, expected: object) -> None:
    assert value(text) == expected


WRONG_FOR_YAML = [
    "flow: [a,\nb]\n",  # continued lines of brackets start too far left
    "a:\n  b: {c: d,\n  e: f}\n",
    "a: [\n  b\n]\n",
    'a: "b\nc"\n',  # and those of quoted text
    "a:\n  b: 'c\n  d'\n",
    'a: "b\n\tc"\n',
    "[a, b]#c\n",  # comments that nothing stands before
    "[a,#b\n c]\n",
    'a: "b"#c\n',
    "a: >#c\n  b\n",
    "[-]\n",  # dashes in brackets
    "[-, a]\n",
    "[a, -]\n",
    "a: |\n   \n  \n # b\n",  # empty lines deeper than the text after them
    "%YAML 1.2\n---\na: b\n",  # directives
    "%TAG ! tag:x,2026:\n---\na: b\n",
    "a: b\n%YAML 1.2\n",
    "- [\n\ta,\n b\n ]\n",  # tabs
    "a:\t|\n b\n",
    "a: b\tc\n",
    "a:\n\t- b\n",
    "a: [b\n c: d\n",  # and what libyaml refuses by itself
    "a: {b: c\n",
    "a: 'b\n",
    "a: b: c\n",
    "a: - b\n",
    "a\nb: c\n",
    "- a\nb: c\n",
    "a: b\n  c: d\n",
    "a:\n    b: c\n  d: e\n",
    "a: 'b' c\n",
    "a: @b\n",
    "a: ]\n",
    "[a, , b]\n",
    "[, a]\n",
    '"\\q"\n',
    "a: |b\n  c\n",
    "a: b\n... c\n",
    "{a: b}}\n",
    "<<<<<<< HEAD\na: b\n",
    "a: b\n>>>>>>> other\n",
]


@pytest.mark.parametrize("text", WRONG_FOR_YAML)
def test_what_yaml_forbids_is_wrong(text: str) -> None:
    wrong = faults(text)
    assert wrong
    assert {one.code for one in wrong} <= {"CW002", "CW004", "CW005"}
    assert all(one.line >= 1 and one.column >= 1 and one.message for one in wrong)


READ_IN_MANY_WAYS = [
    "[?a]\n",
    "{?a: b}\n",
    "? a\n: b\n",
    "? [a]\n: b\n",
    "[a]: b\n",
    "{a: b}: c\n",
    "1: a\n",
    "true: a\n",
    "~: a\n",
    "no: a\n",
    ": a\n",
    "a: {{ b }}\n",
    "a: &b c\n",
    "a: *b\n",
    "<<: {a: b}\n",
    "a: !b c\n",
    "a: ! c\n",
    "a: !!str c\n",
    "a: \x85b\n",
    "a: b\u2028c: d\n",
    'a: "\u2029"\n',
    "\ufeffa: b\n",
    "a: b\rc: d\n",
    "a: \x00\n",
    "a: \x1b[0m\n",
    "a: \x7f\n",
    "a: \ufffe\n",
]


@pytest.mark.parametrize("text", READ_IN_MANY_WAYS)
def test_what_readers_take_for_different_things_is_wrong(text: str) -> None:
    assert faults(text)


def test_a_billion_laughs_stay_three_lines() -> None:
    lines = ["a0: &a0 lol"] + [
        f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 30)
    ]
    wrong = faults("\n".join(lines))
    assert {one.code for one in wrong} == {"CW005"}
    assert len(wrong) == 30 + 29 * 9


@pytest.mark.parametrize("text", ["[" * 100_000, "- " * 1000 + "a", "{a: " * 1000])
def test_deep_nesting_ends_the_reading(text: str) -> None:
    assert [one.code for one in faults(text)] == ["CW007"]
