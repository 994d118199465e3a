"""Logs as JSON lines on stdout: what a cluster's log collector reads without configuration.

No line holds a header, a query string, a body or a statement's values: users' data and secrets
stay out of the log by never being handed to it.
"""

import json
import logging
import sys
from datetime import UTC, datetime
from typing import Any


class JsonLines(logging.Formatter):
    """One JSON object for each record; `extra={"fields": {...}}` adds members."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the record as one line."""
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["exception"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False, default=str)


def configure() -> None:
    """Send every library's records of level INFO and above to stdout."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    # A line for each connection handed out, and one for each plug-in, say nothing of use.
    for name in ("psycopg.pool", "alembic.runtime.plugins"):
        logging.getLogger(name).setLevel(logging.WARNING)
