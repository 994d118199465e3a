"""The verb `explain`: what a problem's code or a definition's field means."""

import argparse
import re
from collections.abc import Sequence

from cellwright.cli.report import BOLD, DIM, say, tell
from cellwright.codes import CODES, Code
from cellwright.edge.shipped import schemas
from cellwright.fields import Field, fields, find
from cellwright.layout import KINDS
from cellwright.problem import nearest

NEEDS_WORKSPACE = False
EXAMPLES = """examples:
  cellwright explain CW205                   # a problem's code
  cellwright explain cell.spec.capacity      # a field of a kind
  cellwright explain weight                  # every field of that name
"""

_CODE = re.compile(r"CW\d+", re.IGNORECASE)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    parser.add_argument("topic", metavar="CODE|FIELD", help="as in CW205 or cell.spec.ring")


def run(arguments: argparse.Namespace) -> int:
    """Print the explanation; 1 if there is no such code or field."""
    topic = arguments.topic
    if _CODE.fullmatch(topic):
        code = CODES.get(topic.upper())
        if code is None:
            tell(f"cellwright explain: no code {topic} ({nearest(topic.upper(), CODES)})")
            return 1
        _say_code(topic.upper(), code)
        return 0
    known = schemas()
    found = find(known, topic)
    if not found:
        names = {
            part
            for kind in KINDS
            for one in fields(known, kind)
            for part in (one.path.rpartition(".")[2], one.path, f"{kind.lower()}.{one.path}")
        }
        tell(f"cellwright explain: no field {topic!r} ({nearest(topic, names)})")
        return 1
    _say_fields(found)
    return 0


def _say_code(name: str, code: Code) -> None:
    say((f"{name}: {code.summary}", BOLD))
    say(code.explanation)
    for word, example in (("wrong", code.wrong), ("right", code.right)):
        say()
        where = f", in {code.file}" if code.file else ""
        say((f"{word}{where}:", DIM))
        for line in (example or "(no such file)").splitlines():
            say(f"  {line}")


def _say_fields(found: Sequence[Field]) -> None:
    for index, one in enumerate(found):
        if index:
            say()
        say((f"{one.kind} {one.path}", BOLD))
        say(f"  {one.meaning}")
        if one.required:
            needed = "required"
        else:
            needed = f"default {one.default}" if one.default else "optional"
        say(f"  {one.values}; {needed}")
        if one.form:
            say((f"  {one.form}", DIM))
        if one.example:
            say((f"  example: {one.example}", DIM))
