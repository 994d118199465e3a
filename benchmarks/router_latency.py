"""Requests at a fixed rate by h2load, and how long each took.

h2load rather than wrk, whose clock counts milliseconds: at ten requests for each of them it sends
ten at once, and measures how long the last one waits for the others. Each of h2load's connections
asks for the same organizations in the same order, as many as it has requests: what random ones cost
is seen by `router_load`.
"""

import random
import subprocess
from dataclasses import dataclass
from pathlib import Path

_PERIOD = 0.01206
"""Seconds between two requests of a connection; h2load's timers count no less than 10 ms. It makes
a connection each millisecond, of which no whole number fits in: each sends at a time of its own."""

_EDGE = 0.4
"""Seconds at the begin and at the end in which not all connections are there."""


@dataclass(frozen=True, slots=True)
class Latency:
    """Milliseconds from sending a request to the end of its answer."""

    rps: float
    p50: float
    p99: float


def latency(address: str, names: list[str], folder: Path, seconds: float, rate: float) -> Latency:
    """Send so many requests per second; answers other than 200 end the program."""
    uris, log = folder / "uris", folder / "h2load.log"
    chosen = random.sample(names, int((seconds + 2 * _EDGE) / _PERIOD) + 1)
    uris.write_text("".join(f"http://x/o/{name}/notes\n" for name in chosen))
    log.unlink(missing_ok=True)
    clients = round(rate * _PERIOD)
    command = ["h2load", "--h1", "--threads=1", f"--clients={clients}", f"--rps={1 / _PERIOD}"]
    command += [f"--requests={int(rate * (seconds + 2 * _EDGE))}", f"--input-file={uris}"]
    command += [
        "--rate=1",
        "--rate-period=1ms",
        f"--log-file={log}",
        f"--base-uri=http://{address}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    if done.returncode != 0:
        raise SystemExit(f"h2load failed: {done.stdout}{done.stderr}")
    rows = [line.split("\t") for line in log.read_text().splitlines()]
    if any(status != "200" for _, status, _ in rows):
        raise SystemExit(f"{address}: requests failed")
    sent = sorted((int(at) / 1e6, int(took) / 1e3) for at, _, took in rows)
    begin, end = sent[0][0] + _EDGE, sent[-1][0] - _EDGE
    took = sorted(one for at, one in sent if begin <= at <= end)
    return Latency(len(took) / (end - begin), took[len(took) // 2], took[int(len(took) * 0.99)])
