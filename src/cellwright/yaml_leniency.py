"""What libyaml lets pass although YAML 1.2 forbids it, or reads in its own way.

Works on the text between the scalars that libyaml found, and on the lines that scalars and
flow collections continue on. Found with the YAML test suite: its cases of these kinds are
rewritten in the tests. Refuses to look at values.
"""

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from cellwright.spots import Fault

_BETWEEN = re.compile(r"#[^\n]*|[\t?-]")
_BLOCK_HEADER = re.compile(r"[|>](?:[1-9][+-]?|[+-][1-9]?)?(?: +(?:#[^\n]*)?)?(?:\n|\Z)")
_LEADING_BLANKS = re.compile(r"[|>][+-]?(?: [^\n]*)?\n((?: *\n)+)( *)[^ \n]")
_CONTINUED = re.compile(r"\n([ \t]*)(?=[^ \t\n])")
_TAB_HINT = "use spaces"
_DASH_HINT = "write the items without dashes, or the dash in quotes"


class Span(NamedTuple):
    """A scalar or flow collection: from `start` up to `end`, of `style`, inside column `indent`.

    The style is libyaml's: a quote, `|`, `>` or nothing. `indent` is the column of the block
    around it, -1 for none.
    """

    start: int
    end: int
    style: str
    indent: int


def too_lenient(text: str, scalars: Sequence[Span], flows: Sequence[Span]) -> list[Fault]:
    """Return what YAML 1.2 does not allow in text that libyaml took; spans come in order."""
    found = [
        *_between(text, scalars, flows),
        *(fault for span in scalars for fault in _in_scalar(text, span)),
        *(fault for span in flows for fault in _continued(text, span, scalars)),
    ]
    return [_fault(text, *one) for one in sorted(set(found))]


_Found = tuple[int, str, str, str]


def _between(text: str, scalars: Sequence[Span], flows: Sequence[Span]) -> Iterator[_Found]:
    flow_starts = [span.start for span in flows]
    start = 0
    for end, after in [*((span.start, span.end) for span in scalars), (len(text), 0)]:
        for match in _BETWEEN.finditer(text, start, end):
            at, sign = match.start(), match[0][0]
            index = bisect_right(flow_starts, at) - 1
            if sign == "#":
                if at and text[at - 1] not in " \t\n":
                    yield at, "CW002", "a comment right after other text", "put a space before #"
            elif sign == "\t":
                yield at, "CW004", "a tab between words", _TAB_HINT
            elif sign == "?":
                yield at, "CW004", "the sign ? for a key", "write `key: value`"
            elif index >= 0 and at < flows[index].end:
                yield at, "CW002", "a dash inside of brackets", _DASH_HINT
        start = after


def _in_scalar(text: str, span: Span) -> Iterator[_Found]:
    body = text[span.start : span.end]
    if span.style in ("|", ">"):
        if not _BLOCK_HEADER.match(body):
            message = f"{span.style} is followed by something else than a line of text"
            yield span.start, "CW002", message, "start the text on the next line"
        blank = _LEADING_BLANKS.match(text, span.start)
        if blank and max(map(len, blank[1].split("\n"))) > len(blank[2]) > span.indent:
            message = "an empty line has more spaces than the first line of text"
            yield span.start, "CW002", message, "take them out"
    elif span.style:
        yield from _continued(text, span, [])
    elif body == "-":
        yield span.start, "CW002", "a dash inside of brackets", _DASH_HINT
    elif "\t" in body:
        yield span.start + body.index("\t"), "CW004", "a tab inside of text", "use quotes and \\t"
    elif "\n" in body:
        yield from _continued(text, span, [])


def _continued(text: str, span: Span, scalars: Sequence[Span]) -> Iterator[_Found]:
    """Find lines of a span that start too far left, or with a tab."""
    starts = [one.start for one in scalars]
    for match in _CONTINUED.finditer(text, span.start, span.end):
        at = match.end()
        index = bisect_right(starts, at) - 1
        inside = index >= 0 and at < scalars[index].end and scalars[index].start != at
        if text[at] == "#" and not span.style and not inside:
            continue  # a comment may stand anywhere
        if "\t" in match[1]:
            yield at, "CW004", "a tab at the start of a continued line", _TAB_HINT
        elif len(match[1]) <= span.indent:
            what = "a closing bracket" if text[at] in "]}" else "a continued line"
            hint = f"start it after column {span.indent + 1}"
            yield at, "CW002", f"{what} that starts too far left", hint


def _fault(text: str, at: int, code: str, message: str, hint: str) -> Fault:
    line = text.count("\n", 0, at) + 1
    return Fault(line, at - text.rfind("\n", 0, at), "", code, message, hint)
