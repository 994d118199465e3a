"""Appends to the ledger, in which the cells of organizations are kept that name none.

Refuses to change or remove a line: whoever is placed stays where they are.
"""

import os
from collections.abc import Mapping
from pathlib import Path

from cellwright.layout import LEDGER
from cellwright.ledger import HEADER


def append(root: Path, cells: Mapping[str, str]) -> None:
    """Add a line for each organization to the ledger of a workspace; make the ledger if needed.

    All lines are written at once, and are on disk when this returns.
    """
    path = root / LEDGER
    path.parent.mkdir(parents=True, exist_ok=True)
    lines = "".join(f"{name},{cell}\n" for name, cell in sorted(cells.items()))
    with path.open("ab+") as file:
        end = file.seek(0, os.SEEK_END)
        if end == 0:
            lines = f"{HEADER}\n{lines}"
        else:
            file.seek(end - 1)
            if file.read(1) != b"\n":
                lines = "\n" + lines
        file.write(lines.encode())
        file.flush()
        os.fsync(file.fileno())
