"""What libyaml's errors mean, in the words of someone who has to mend the file.

Refuses to guess a place that libyaml did not name, but for lines without a colon, which it
notices only later.
"""

import re
from collections.abc import Callable

import yaml

from cellwright.spots import Fault, Spot

_KEY = re.compile(r"^(?:- +)*[^\s#-][^#]*?:(?:\s|\Z)")
_QUOTE_HINT = "put text with this sign in quotes"


def explained(text: str, error: yaml.MarkedYAMLError) -> Fault:
    """Return the fault that libyaml's error stands for."""
    mark = error.problem_mark or error.context_mark
    at = (mark.line + 1, mark.column + 1) if mark else (1, 1)
    opened = error.context_mark
    start = (opened.line + 1, opened.column + 1) if opened else at
    lines = text.split("\n")
    for said, explain in _MEANINGS.items():
        if said in (error.problem or ""):
            return explain(lines, at, start)
    reason = " ".join(f"{error.context or ''} {error.problem or ''}".split())
    return _fault(at, reason)


def _second_colon(lines: list[str], at: Spot, start: Spot) -> Fault:
    del start
    number = at[0] - 1
    line = lines[number]
    if _KEY.match(line[: at[1] - 1].lstrip()):
        return _fault(at, "a second colon in one line", "put text with a colon in quotes")
    above = number - 1
    while above >= 0 and (not lines[above].strip() or lines[above].lstrip().startswith("#")):
        above -= 1
    before = lines[above] if above >= 0 else ""
    if above >= 0 and not _KEY.match(before.lstrip()):
        column = len(before) - len(before.lstrip()) + 1
        return _fault((above + 1, column), "a line without a colon", "write `key: value`")
    column = len(line) - len(line.lstrip()) + 1
    hint = "the line above has a value already: indent both alike, or take that value out"
    return _fault((at[0], column), "a line that is indented too far", hint)


def _no_colon(lines: list[str], at: Spot, start: Spot) -> Fault:
    del lines, at
    return _fault(start, "a line without a colon", "write `key: value`")


def _bad_start(lines: list[str], at: Spot, start: Spot) -> Fault:
    del start
    line = lines[at[0] - 1]
    sign = line[at[1] - 1]
    if sign == "\t":
        return Fault(*at, "", "CW004", "a tab in the indentation", "indent with spaces")
    return _fault(at, f"text can't start with {sign}", _QUOTE_HINT)


def _tab(lines: list[str], at: Spot, start: Spot) -> Fault:
    del lines, start
    return Fault(*at, "", "CW004", "a tab in the indentation", "indent with spaces")


def _wrong_indent(lines: list[str], at: Spot, start: Spot) -> Fault:
    line = lines[at[0] - 1] if at[0] <= len(lines) else ""
    if line[: at[1] - 1].strip():
        sign = line[at[1] - 1 : at[1]]
        hint = "put the whole text in quotes"
        return _fault(at, f"unexpected {sign} after the end of a value", hint)
    if line[at[1] - 1 :].startswith(":"):
        return _fault(at, "a colon without a key in front of it")
    if line[at[1] - 1 :].startswith("- "):
        return _fault(at, "a list item among keys", "a block holds keys or items, not both")
    hint = f"the block starts in line {{line}} with column {start[1]}"
    message = "a line that is indented neither like the block above it nor like one around it"
    return _fault(at, message, hint, start[0])


def _open_quote(lines: list[str], at: Spot, start: Spot) -> Fault:
    del at
    sign = lines[start[0] - 1][start[1] - 1]
    return _fault(start, f"the quote {sign} is never closed", "close it at the end of the text")


def _open_bracket(lines: list[str], at: Spot, start: Spot) -> Fault:
    sign = lines[start[0] - 1][start[1] - 1]
    close = "]" if sign == "[" else "}"
    hint = f"a comma or {close} is missing before line {{line}}, column {at[1]}"
    return _fault(start, f"what {sign} opens is not closed properly", hint, at[0])


def _no_value(lines: list[str], at: Spot, start: Spot) -> Fault:
    del start
    line = lines[at[0] - 1] if at[0] <= len(lines) else ""
    sign = line[at[1] - 1 : at[1]]
    if line.startswith("..."):
        return _fault(at, "the end of a document that did not start", "take the dots out")
    if not sign:
        return _fault(at, "the file ends inside of brackets", "close what was opened")
    return _fault(at, f"a value can't start with {sign}", _QUOTE_HINT)


def _dash_after_key(lines: list[str], at: Spot, start: Spot) -> Fault:
    del lines, start
    return _fault(at, "a list item in the line of its key", "start the list on the next line")


def _escape(lines: list[str], at: Spot, start: Spot) -> Fault:
    del start
    shown = lines[at[0] - 1][at[1] - 1 : at[1] + 1]
    hint = "double every backslash, or use single quotes"
    return _fault(at, f"the escape {shown} is not one of YAML's", hint)


def _block_header(lines: list[str], at: Spot, start: Spot) -> Fault:
    del lines, at
    return _fault(start, "a sign for text of several lines, followed by text", _QUOTE_HINT)


def _document_end(lines: list[str], at: Spot, start: Spot) -> Fault:
    del lines, start
    message = "text after the end of what came before"
    return _fault(at, message, "a definition is one mapping; `---` starts another")


def _name(lines: list[str], at: Spot, start: Spot) -> Fault:
    del at
    sign = lines[start[0] - 1][start[1] - 1]
    return _fault(start, f"text can't start with {sign}", _QUOTE_HINT)


_MEANINGS: dict[str, Callable[[list[str], Spot, Spot], Fault]] = {
    "mapping values are not allowed": _second_colon,
    "could not find expected ':'": _no_colon,
    "cannot start any token": _bad_start,
    "tab character": _tab,
    "did not find expected key": _wrong_indent,
    "did not find expected '-' indicator": _wrong_indent,
    "found unexpected end of stream": _open_quote,
    "found unexpected document indicator": _open_quote,
    "did not find expected ',' or": _open_bracket,
    "did not find expected node content": _no_value,
    "block sequence entries are not allowed": _dash_after_key,
    "mapping keys are not allowed": _name,
    "escape": _escape,
    "did not find expected comment or line break": _block_header,
    "did not find expected <document start>": _document_end,
    "did not find expected alphabetic": _name,
    "undefined tag handle": _name,
}


def _fault(at: Spot, message: str, hint: str = "", other: int = 0) -> Fault:
    return Fault(*at, "", "CW002", message, hint, other)
