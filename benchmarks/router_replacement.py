"""Every organization gets another value, while wrk asks and every answer is looked at."""

import statistics
import threading
import time
from collections.abc import Callable

from router_fleet import SHARDS, Fleet, Pod, answered, inside, shard_map, wait_for
from router_load import outcome, start

CALM = 8
"""Seconds in which nothing changes, before everything does."""

ROUND = 30
"""Seconds of requests for each time that everything changes, more than it takes."""


def replacement(running: Fleet, times: int) -> dict[str, object]:
    """Give every organization another value, while wrk asks and every answer is looked at."""
    pod = running.alpha
    wrk = start(f"{pod.address}:8080", running.paths, times * ROUND, check=True)
    rates = _Rates(lambda: answered(pod))
    rounds = [_round(running, rates) for _ in range(times)]
    rates.stop()
    found = outcome(wrk)
    took, mean, lowest = (statistics.median(one) for one in zip(*rounds, strict=True))
    print(
        f"all replaced, medians of {times}: {took:.1f} s, throughput {mean:.0%}, lowest second "
        f"{lowest:.0%}; {found.failed} failed, {found.wrong} wrong; "
        f"HAProxy has {inside(pod.haproxy).megabytes():.0f} MB now"
    )
    return {
        "replace_s": round(took, 1),
        "replace_failed": found.failed,
        "replace_wrong": found.wrong,
        "replace_lowest": round(lowest, 2),
    }


def _round(running: Fleet, rates: "_Rates") -> tuple[float, float, float]:
    """Return the seconds, and the mean and lowest throughput as shares of the calm before."""
    pod = running.alpha
    running.organizations.renumber()
    maps = [shard_map(running.organizations, shard) for shard in range(SHARDS)]
    processes = {"HAProxy": inside(pod.haproxy), "agent": inside(pod.agent)}
    rates.taken()
    time.sleep(CALM)
    quiet = rates.taken()
    calm = statistics.median(quiet)
    before = {name: process.cpu() for name, process in processes.items()}
    old = pod.table()["checksum"]
    begin = running.api.put(*maps)
    wanted = running.api.version
    # Each look costs the agent a millisecond.
    wait_for(lambda: _has(pod, wanted, old), "the new table is served", pause=0.1)
    took = time.monotonic() - begin
    time.sleep(1)  # until the last second of it is over
    busy = rates.taken()
    spent = {name: process.cpu() - before[name] for name, process in processes.items()}
    mean, lowest = statistics.mean(busy) / calm, min(busy) / calm
    print(
        f"all replaced in {took:.1f} s; CPU: "
        + ", ".join(f"{name} {one:.1f} s" for name, one in spent.items())
        + f"; throughput {mean:.0%} of {calm:.0f}/s, lowest second {lowest:.0%}, "
        f"before it {min(quiet) / calm:.0%}"
    )
    return took, mean, lowest


def _has(pod: Pod, version: int, before: str) -> bool:
    table = pod.table()
    heard = int(table["resource_version"] or 0) >= version
    return heard and table["served"] is True and table["checksum"] != before


class _Rates:
    """Requests per second, second by second."""

    def __init__(self, count: Callable[[], int]) -> None:
        self._count = count
        self._rates: list[float] = []
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        last, then = self._count(), time.monotonic()
        while not self._stopping.wait(1):
            now, count = time.monotonic(), self._count()
            self._rates.append((count - last) / (now - then))
            last, then = count, now

    def taken(self) -> list[float]:
        """Return the rates since the last call."""
        found, self._rates = self._rates, []
        return found

    def stop(self) -> None:
        """End the thread."""
        self._stopping.set()
        self._thread.join()
