"""What a plan comes to, kept as bytes."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.outcome import decode, encode, outcome
from cellwright.problem import Place, Problem
from tests.hostile import texts

problems = st.builds(
    Problem, st.builds(Place, texts, st.integers(1), st.integers(1)), texts, texts, texts, texts
)
made = st.builds(
    outcome,
    st.lists(problems, max_size=3).map(tuple),
    st.none() | st.tuples(st.integers(0), st.integers(0), st.integers(0)),
    st.dictionaries(texts, texts, max_size=4),
)


@given(made)
def test_an_outcome_is_read_back_as_it_was(one: object) -> None:
    again = decode(encode(one))  # type: ignore[arg-type]
    assert again == one


@given(st.dictionaries(texts, texts, max_size=4))
def test_files_are_parts_of_the_stream(files: dict[str, str]) -> None:
    one = outcome((), (1, 1, 0), files)
    assert one.files() == files
    assert bytes(one.stream).decode() == "".join(
        f"---\n# {path}\n{text}" for path, text in files.items()
    )


@given(st.data())
def test_damaged_bytes_are_no_outcome(data: st.DataObject) -> None:
    whole = encode(outcome((), (1, 2, 0), {"a": "b: c\n"}))
    at = data.draw(st.integers(0, len(whole) - 1))
    byte = data.draw(st.integers(1, 255))
    changed = bytes((*whole[:at], whole[at] ^ byte, *whole[at + 1 :]))
    assert decode(changed) is None
    assert decode(whole[:at]) is None
    assert decode(whole + b"x") is None


@pytest.mark.parametrize("data", [b"", b"x", b"cellwright outcome 1\n"])
def test_other_bytes_are_no_outcome(data: bytes) -> None:
    assert decode(data) is None
