"""Writes definitions.md from the schemas and problems.md from the registry of codes.

    python docs/reference/generate.py

A test compares the files with what this program would write.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from cellwright.codes import CODES, Code
from cellwright.edge.shipped import schemas
from cellwright.emit import to_yaml
from cellwright.fields import Field, fields, forms
from cellwright.layout import KINDS

HERE = Path(__file__).parent
_GROUPS = {
    "0": "Reading files",
    "1": "One definition and its schema",
    "2": "Definitions together",
    "3": "Templates and what they render",
    "4": "Changes against an earlier state",
}
_LANGUAGES = {".json": "json", ".csv": "", ".j2": "yaml", ".yaml": "yaml", ".yalm": "yaml"}


def definitions() -> str:
    """Return the page with every field of every kind."""
    known = schemas()
    lines = [
        "# Definitions",
        "",
        "Every field of every kind, from the schemas. `cellwright explain FIELD` tells the same,",
        "and `cellwright schema KIND` prints the JSON Schema. `<name>` stands for a name of your",
        "own, `[]` for each item of a list. Unknown fields are problems.",
    ]
    for kind in KINDS:
        schema = known[f"{kind.lower()}.json"]
        lines += ["", f"## {kind}", "", schema["description"], ""]
        lines += ["```yaml", *_example(known, kind).splitlines(), "```", ""]
        lines += ["| field | values | | meaning |", "|---|---|---|---|"]
        lines += [_row(one) for one in fields(known, kind)]
    lines += ["", "## Forms of text", "", "| form | meaning | pattern | example |"]
    lines += ["|---|---|---|---|"]
    lines += [_form_row(name, one) for name, one in sorted(forms(known).items())]
    return "\n".join(lines) + "\n"


def problems() -> str:
    """Return the page with every code of a problem."""
    lines = [
        "# Problems",
        "",
        "Every code, from the program itself. `cellwright explain CODE` tells the same. Examples",
        "are whole files, in a workspace with the cells `alpha` (region eu) and `beta` (region us)",
        "and the organization `acme`.",
    ]
    group = ""
    for name, code in sorted(CODES.items()):
        if name[2] != group:
            group = name[2]
            lines += ["", f"## {_GROUPS[group]}"]
        lines += ["", f"### {name}: {code.summary}", "", code.explanation]
        lines += [line for part in _examples(code) for line in part]
    return "\n".join(lines) + "\n"


def _example(known: dict[str, Any], kind: str) -> str:
    """Return a whole definition, made of the schemas' own examples."""
    by_path = {one.path: json.loads(one.example) for one in fields(known, kind) if one.example}
    keys = ("apiVersion", "kind", "metadata", "spec")
    return to_yaml({key: by_path[key] for key in keys})


def _row(one: Field) -> str:
    state = "required" if one.required else f"default `{one.default}`" if one.default else ""
    shown = one.example and not one.example.startswith("{")
    example = f" Example: `{one.example}`." if shown else ""
    return _cells(f"`{one.path}`", one.values, state, one.meaning + example)


def _form_row(name: str, schema: Any) -> str:
    example = ", ".join(f"`{one}`" for one in schema["examples"])
    return _cells(name, schema["description"], f"`{schema['pattern']}`", example)


def _cells(*cells: str) -> str:
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _examples(code: Code) -> Iterator[list[str]]:
    for word, text in (("Wrong", code.wrong), ("Right", code.right)):
        where = f", `{code.file}`" if code.file else ""
        if not text:
            yield ["", f"{word}{where}: no such file."]
        elif code.file:
            language = _LANGUAGES[Path(code.file).suffix]
            yield ["", f"{word}{where}:", "", f"```{language}", *text.splitlines(), "```"]
        else:
            yield ["", f"{word}: {text}"]


if __name__ == "__main__":
    (HERE / "definitions.md").write_text(definitions(), "utf-8")
    (HERE / "problems.md").write_text(problems(), "utf-8")
