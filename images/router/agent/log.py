"""The agent's log: one JSON object per line on standard output, as HAProxy's access log is."""

import json
import time


def log(message: str, **fields: str | float | None) -> None:
    """Write one line."""
    moment = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    print(json.dumps({"time": moment, "message": message, **fields}), flush=True)  # noqa: T201
