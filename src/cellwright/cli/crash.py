"""What is told when something went wrong that nobody foresaw."""

import tempfile
import traceback

from cellwright.cli.report import tell


def crashed(error: Exception) -> int:
    """Tell the error and where its details are; return the exit code."""
    with tempfile.NamedTemporaryFile(
        "w", prefix="cellwright-", suffix=".log", delete=False, encoding="utf-8"
    ) as log:
        traceback.print_exception(error, file=log)
    tell(f"cellwright: unexpected: {error!r}; the details are in {log.name}")
    return 3
