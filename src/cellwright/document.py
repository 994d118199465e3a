"""Strict YAML and JSON lines: bytes to documents that know the place of each value.

Most documents are read by the quick readers, which refuse what is not beyond doubt; the precise
ones read the rest, and are asked for places when there is a problem. Refuses to know what a
definition is.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from io import BytesIO

from cellwright import json_plain
from cellwright.problem import Path, Place, Problem
from cellwright.spots import Spots
from cellwright.yaml_plain import EMPTY, NotPlainError, PlainReader

Value = None | bool | int | float | str | list["Value"] | dict[str, "Value"]

MAX_DOCUMENT = 1024 * 1024
"""The largest definition in characters, or on one line in bytes."""

_NEXT = re.compile(r"^(?=---(?:[ \t\r\n]|\Z))", re.MULTILINE)
_NEXT_BYTES = re.compile(rb"^(?=---(?:[ \t\r\n]|\Z))", re.MULTILINE)
_LARGE_HINT = "a definition is a page at most; is a --- between two of them missing?"


@dataclass(slots=True, eq=False)
class Document:
    """One definition as written. `text` starts with line `line` of the file."""

    file: str
    line: int
    text: str
    value: Value
    _spots: Spots | None = None

    def place(self, path: Path, *, key: bool = False) -> Place:
        """Return where `path` stands, or the nearest thing around it; of its key if asked."""
        if self._spots is None:
            self._spots = _spots(self)
        line, column = self._spots.find(path, key=key)
        return Place(self.file, self.line - 1 + line, column)


def read_yaml(file: str, data: bytes) -> tuple[list[Document], list[Problem]]:
    """Return the documents of a YAML file and what is wrong with it.

    A document that is not strict gives a problem instead of a value; empty documents
    (comments only) give nothing.
    """
    read: list[Document] = []
    problems: list[Problem] = []
    for one in _yaml(file, data, None):
        if isinstance(one, Problem):
            problems.append(one)
        else:
            read.append(one)
    return read, problems


def documents(file: str, data: bytes) -> Iterator[Document | Problem]:
    """Yield the definitions of a file and what is wrong with it, in order, one at a time."""
    if problem := empty_or_marked(file, data):
        return iter([problem])
    if is_json(file):
        return json_documents(file, BytesIO(data))
    return _yaml(file, data, MAX_DOCUMENT)


def is_json(file: str) -> bool:
    """Return whether a file holds JSON lines."""
    return file.endswith(".jsonl")


def text_at(data: bytes, start: int, *, json: bool) -> str:
    """Return the text of a document again, which starts at byte `start` of its file."""
    if json:
        end = data.find(b"\n", start)
        return data[start:].decode() if end < 0 else data[start : end + 1].decode()
    following = _NEXT_BYTES.search(data, start + 1)
    return _unix(data[start : following.start() if following else len(data)].decode())


def undecodable(file: str, before: int, data: bytes, error: UnicodeDecodeError) -> Problem:
    """Return the problem of bytes that are not UTF-8, after `before` lines of their file."""
    good = data[: error.start]
    line = good.count(b"\n") + 1 + before
    column = len(good[good.rfind(b"\n") + 1 :].decode()) + 1
    message = f"byte 0x{data[error.start]:02x} is not UTF-8"
    return Problem(Place(file, line, column), "", "CW002", message, "save the file as UTF-8")


def empty_or_marked(file: str, data: bytes) -> Problem | None:
    """Return the problem of a file without any text, or with a byte order mark."""
    if not data or data.isspace():
        hint = "delete it if nothing is declared there"
        return Problem(Place(file), "", "CW006", "the file is empty", hint)
    return byte_order_mark(file, data)


def byte_order_mark(file: str, data: bytes) -> Problem | None:
    """Return the problem of a file that starts with a byte order mark, if it does."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        message = "the file is UTF-16"
        return Problem(Place(file), "", "CW002", message, "save it as UTF-8 without a mark")
    if not data.startswith(b"\xef\xbb\xbf"):
        return None
    message = "the file starts with a byte order mark"
    return Problem(Place(file), "", "CW002", message, "save it as UTF-8 without one")


def _yaml(file: str, data: bytes, most: int | None) -> Iterator[Document | Problem]:
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        yield undecodable(file, 0, data, error)
        return
    reader = PlainReader()
    line = 1
    for part in _NEXT.split(_unix(text)):
        if most is not None and len(part) > most:
            yield _too_large(file, line, len(part))
        else:
            try:
                value = reader.read(part)
                if value is not EMPTY:
                    yield Document(file, line, part, value)
            except NotPlainError:
                yield from _precisely(file, line, part)
        line += part.count("\n")


def _precisely(file: str, line: int, text: str) -> Iterator[Document | Problem]:
    from cellwright import yaml_precise  # noqa: PLC0415 - libyaml is loaded for few files

    found, faults = yaml_precise.read(text)
    yield from (fault.problem(file, line - 1) for fault in faults)
    if not faults and not found.empty:
        yield Document(file, line, text, found.value, found.spots)


def json_documents(
    file: str, lines: Iterable[bytes], first: int = 1
) -> Iterator[Document | Problem]:
    """Yield what `documents` does, of some lines of a file; the first has the number `first`."""
    is_open = False  # whether an object began in a line before and did not end
    for number, raw in enumerate(lines, start=first):
        if len(raw) > MAX_DOCUMENT:
            yield _too_large(file, number, len(raw))
            continue
        try:
            line = raw.decode()
        except UnicodeDecodeError as error:
            yield undecodable(file, number - 1, raw, error)
            continue
        try:
            yield Document(file, number, line, json_plain.read(line))
            is_open = False
        except json_plain.NotPlainError:
            if not line.strip(json_plain.SPACE):
                continue
            from cellwright import json_precise  # noqa: PLC0415 - needed for few lines

            value, spots, faults = json_precise.read(line)
            if not faults:
                yield Document(file, number, line, value, spots)
            elif not is_open:
                yield from (fault.problem(file, number - 1) for fault in faults)
            is_open = (is_open and bool(faults)) or json_precise.ends_early(faults)


def _spots(document: Document) -> Spots:
    if is_json(document.file):
        from cellwright import json_precise  # noqa: PLC0415 - needed where there is a problem

        return json_precise.read(document.text)[1]
    from cellwright import yaml_precise  # noqa: PLC0415 - libyaml is loaded for few files

    return yaml_precise.read(document.text)[0].spots


def _too_large(file: str, line: int, size: int) -> Problem:
    message = f"a document of {size} characters, more than {MAX_DOCUMENT}"
    return Problem(Place(file, line), "", "CW007", message, _LARGE_HINT)


def _unix(text: str) -> str:
    return text.replace("\r\n", "\n") if "\r" in text else text
