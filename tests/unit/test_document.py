"""Files to documents: where they are cut, what is too large, and what costs nothing."""

import sys

import pytest

from cellwright.document import MAX_DOCUMENT, Document, documents, read_yaml
from cellwright.problem import Place, Problem


def json_lines(data: bytes) -> tuple[list[Document], list[Problem]]:
    found = list(documents("x.jsonl", data))
    return (
        [one for one in found if isinstance(one, Document)],
        [one for one in found if isinstance(one, Problem)],
    )


def read(file: str, data: bytes) -> list[Document | Problem]:
    return list(documents(file, data))


def test_documents_know_the_line_that_they_start_in() -> None:
    data = b"# c\n---\na: 1\n---\n# only this\n--- # d\nb:\n  - 2\n---\nc: &x 3\n---\nd: 'e'\n"
    found, problems = read_yaml("x.yaml", data)
    assert [(one.line, one.value) for one in found] == [
        (2, {"a": 1}),
        (6, {"b": [2]}),
        (11, {"d": "e"}),
    ]
    assert [one.place(("b", 0)) for one in found[1:2]] == [Place("x.yaml", 8, 5)]
    assert found[2].place(("d",), key=True) == Place("x.yaml", 12, 1)
    assert [(one.place, one.code) for one in problems] == [(Place("x.yaml", 10, 4), "CW005")]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_lines_are_counted_alike_however_they_end(end: str) -> None:
    text = "a: 1\n---\nb: |\n  x\n  y\nc: [\n  1\n  ]\n".replace("\n", end)
    found, problems = read_yaml("x.yaml", text.encode())
    assert problems == []
    assert found[1].value == {"b": "x\ny\n", "c": [1]}
    assert found[1].place(("c", 0)) == Place("x.yaml", 7, 3)


@pytest.mark.parametrize(
    "text",
    ["--- \na: 1", "---\ta: 1", "---a: 1", " ---\n", "a: |\n  ---\n", "a: '\n\n  ---'\n"],
)
def test_only_a_whole_mark_at_the_start_of_a_line_cuts(text: str) -> None:
    found, problems = read_yaml("x.yaml", f"x: 1\n---\n{text}\n".encode())
    assert len(found) + len(problems) == 2


def test_json_lines_are_numbered_as_in_the_file() -> None:
    found, problems = json_lines(b'\n{"a": 1}\n\n{"a": 1, "a": 2}\r\n{"b": [1]}')
    assert [(one.line, one.value) for one in found] == [(2, {"a": 1}), (5, {"b": [1]})]
    assert found[1].place(("b", 0)) == Place("x.jsonl", 5, 8)
    assert [one.place for one in problems] == [Place("x.jsonl", 4, 10)]


def test_each_line_that_is_not_utf_8_is_a_problem_of_its_own() -> None:
    found, problems = json_lines('"é"\n'.encode() + b'"\xe9"\n1\n"\xff"\n')
    assert [one.value for one in found] == ["é", 1]
    assert [one.place for one in problems] == [Place("x.jsonl", 2, 2), Place("x.jsonl", 4, 2)]


@pytest.mark.parametrize(
    ("file", "data"),
    [
        ("x.yaml", b"a: " + b"x" * MAX_DOCUMENT),
        ("x.yaml", b"a: 'x\n" + b"  x\n" * 25_000_000),  # 100 MB that are never closed
        ("x.jsonl", b'{"a": "' + b"x" * MAX_DOCUMENT + b'"}'),
        ("x.jsonl", b"[" * 100_000_000),
    ],
    ids=["yaml", "yaml of 100 MB", "json", "json of 100 MB"],
)
def test_a_document_has_a_limit(file: str, data: bytes) -> None:
    (problem,) = read(file, data)
    assert isinstance(problem, Problem)
    assert (problem.place, problem.code) == (Place(file), "CW007")


def test_what_is_beside_a_document_that_is_too_large_is_read() -> None:
    data = b"a: 1\n---\nb: " + b"x" * MAX_DOCUMENT + b"\n---\nc: 3\n"
    found = read("x.yaml", data)
    assert [type(one) for one in found] == [Document, Problem, Document]


def test_rendered_text_has_no_limit() -> None:
    found, problems = read_yaml("x.yaml", b"a: " + b"x" * MAX_DOCUMENT)
    assert len(found) == 1
    assert problems == []


@pytest.mark.parametrize("data", [b"", b"\n", b" \r\n\t\n"])
@pytest.mark.parametrize("file", ["x.yaml", "x.jsonl"])
def test_an_empty_file_is_a_problem(file: str, data: bytes) -> None:
    (problem,) = read(file, data)
    assert isinstance(problem, Problem)
    assert problem.code == "CW006"


def test_plain_documents_need_no_precise_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cellwright.yaml_precise", None)
    (found,) = read("x.yaml", b"# c\na:\n  - {b: 1, c: x}\n")
    assert isinstance(found, Document)
    assert found.value == {"a": [{"b": 1, "c": "x"}]}
