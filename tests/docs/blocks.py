"""Command lines in the project's Markdown files, and the output that is shown for them.

A fenced block marked `console` holds commands (`$ …`, continued after a backslash) and what they
print. `…` stands for any text in a line, and alone on a line for any lines. The word after
`console` says what the block needs: `cluster`, `docker` or `make`; `elsewhere` stands on blocks for
machines that no test has.
"""

import re
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGES = (
    "README.md",
    "CONTRIBUTING.md",
    "SECURITY.md",
    *(str(p.relative_to(ROOT)) for p in ROOT.glob("docs/**/*.md")),
)
ANY = "…"
_FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)


@dataclass(frozen=True)
class Step:
    """One command, where it stands, and the lines that it is shown to print."""

    line: int
    command: str
    output: tuple[str, ...]


@dataclass(frozen=True)
class Block:
    """One fenced block: its marks (`console`, `cluster`), its text and its first line."""

    page: str
    line: int
    marks: tuple[str, ...]
    text: str

    @property
    def steps(self) -> list[Step]:
        """The block's commands, if it is marked `console`."""
        found: list[Step] = []
        lines = iter(enumerate(self.text.splitlines(), start=self.line))
        for number, line in lines:
            if line.startswith("$ "):
                command = line[2:]
                while command.endswith("\\"):
                    command += "\n" + next(lines)[1]
                found.append(Step(number, command, ()))
            else:
                assert found, f"{self.page}:{number}: output before any command"
                last = found[-1]
                found[-1] = Step(last.line, last.command, (*last.output, line))
        return found


def blocks(page: str) -> list[Block]:
    """Return every fenced block of a page."""
    text = (ROOT / page).read_text("utf-8")
    return [
        Block(page, text.count("\n", 0, one.start()) + 2, tuple(one["info"].split()), one["body"])
        for one in _FENCE.finditer(text)
    ]


def fits(shown: tuple[str, ...], printed: list[str]) -> bool:
    """Return whether printed lines are those that are shown; `…` stands for any lines."""
    parts = [
        r"(?:.*\n)*?"
        if line == ANY
        else r".*".join(map(re.escape, line.rstrip().split(ANY))) + r"\n"
        for line in shown
    ]
    whole = "".join(f"{line.rstrip()}\n" for line in printed)
    return re.fullmatch("".join(parts), whole) is not None
