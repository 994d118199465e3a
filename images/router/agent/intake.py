"""Brings what was heard of the directory into the table, several messages as one.

Refuses to make anything of the table: who follows the directory does that after it.
"""

from collections.abc import Sequence

from agent.api import Batch, Directory
from agent.config_map import ConfigMap
from agent.log import log
from agent.table import Table


class Intake:
    """Between one directory and one table; `refusals` counts the ConfigMaps that were refused."""

    def __init__(self, directory: Directory, table: Table) -> None:
        self._directory = directory
        self._table = table
        self.refusals = 0

    def take(self, batches: Sequence[Batch]) -> None:
        """Take in what came, in this order."""
        found: list[ConfigMap] = []
        version, begins = 0, False
        gone: set[str] = set()
        present: set[str] | None = None
        for batch in batches:
            names = {one.name for one in batch.found}
            found += batch.found
            version = batch.version or version
            begins = begins or batch.begins
            gone = gone - names | {batch.gone}
            if batch.present is not None:
                present = set(batch.present)
            elif present is not None:
                present |= names
        table = self._table
        coming, rules, refused = table.coming, table.rules, dict(table.refused)
        table.take(found, version, gone, present)
        collects = table.coming != coming
        if (collects or (refused and table.rules != rules)) and not begins:
            self._directory.interrupt()  # shards that the old rules refused may fit now
        for name, one in table.refused.items():
            if refused.get(name) != one:
                self.refusals += 1
                log("refused; what was good before is kept", name=name, **one._asdict())
