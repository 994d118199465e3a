"""What the router costs at a million organizations, and how quickly changes get through.

Everything runs on this machine: wrk, h2load, the origin (an HAProxy that answers by itself), two
routers with their agents in containers, and the API server's stand-in. So throughputs are shares of
the same cores; ratios come from runs that take turns, and CPU time per request stands beside them.

    .venv/bin/python benchmarks/router.py [--quick]

Needs wrk and h2load (Debian's wrk and nghttp2-client), docker and the router's image (ROUTER_IMAGE,
else the one that `make` builds); nginx is measured where it is installed, Envoy where PyPI can be
reached.
"""

import argparse
import gc
import http.client
import json
import random
import shutil
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from router_envoy import ADDRESS as ENVOY
from router_envoy import envoy
from router_fleet import (
    CONSTANT,
    ORIGIN,
    Fleet,
    fleet,
    inside,
    shard_map,
    wait_for,
)
from router_latency import latency
from router_load import load
from router_nginx import ADDRESS as NGINX
from router_nginx import nginx
from router_replacement import replacement


@dataclass(frozen=True, slots=True)
class Size:
    """How much is measured."""

    organizations: int
    rounds: int
    seconds: int
    changes: int


WHOLE = Size(1_000_000, 5, 3, 120)
QUICK = Size(20_000, 3, 2, 20)


@dataclass(slots=True)
class Series:
    """Requests per second and CPU microseconds per request, run by run."""

    rps: list[float] = field(default_factory=list)
    microseconds: list[float] = field(default_factory=list)

    def line(self, name: str) -> str:
        """Return both medians."""
        rps, each = statistics.median(self.rps), statistics.median(self.microseconds)
        return f"{name:28} {rps:8.0f} requests/s   {each:6.1f} us of CPU each"


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="20,000 organizations, few runs")
    size = QUICK if parser.parse_args().quick else WHOLE
    for program in ("wrk", "h2load", "docker"):
        if shutil.which(program) is None:
            sys.exit(f"{program} is not installed")
    with tempfile.TemporaryDirectory(prefix="cellwright-bench-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        with fleet(folder, size.organizations) as running:
            gc.freeze()  # the API server's stand-in is in this process
            figures: dict[str, object] = {"start_s": _starts(running, 5)}
            figures["mb"] = round(inside(running.alpha.haproxy).megabytes())
            print(f"HAProxy with {size.organizations} organizations: {figures['mb']} MB")
            figures |= _throughput(running, folder, size)
            figures |= _latency(running, folder, size)
            figures |= _one_change(running, size.changes)
            running.beta.remove()
            figures |= replacement(running, size.rounds)
    print(json.dumps({**figures, "entries": size.organizations}))


def _starts(running: Fleet, times: int) -> float:
    """Start HAProxy from the files on disk; return the seconds to the first answer."""
    pod = running.alpha
    wait_for(lambda: not _lags(running), "the files on disk follow")
    seconds = []
    path = f"/o/{running.organizations.names[0]}/notes"
    for _ in range(times):
        pod.remove(pod.haproxy)
        begin = time.monotonic()
        pod.start_haproxy()
        wait_for(lambda: _status(pod.address, path) == 200, "the first answer")
        seconds.append(time.monotonic() - begin)
        spent = inside(pod.haproxy).cpu()
    found = statistics.median(seconds)
    print(f"start from disk to the first answer: {found:.2f} s, HAProxy's CPU {spent:.2f} s")
    return round(found, 2)


def _lags(running: Fleet) -> bool:
    table = running.alpha.folder / "run" / "table"
    mark = running.alpha.table()["checksum"]
    with (table / "table.map").open() as file:
        return file.readline().split()[1] != mark


def _throughput(running: Fleet, folder: Path, size: Size) -> dict[str, object]:
    with ExitStack() as stack:
        organizations = running.organizations
        peers = {
            "nginx": (NGINX, stack.enter_context(nginx(folder / "nginx", organizations.by_path()))),
            "Envoy": (ENVOY, stack.enter_context(envoy(folder / "envoy", organizations.by_path()))),
        }
        alpha, constant = inside(running.alpha.haproxy), inside(running.constant)
        runs: dict[str, tuple[str, Callable[[], float]]] = {
            "router": (f"{running.alpha.address}:8080", alpha.cpu),
            "with a constant": (f"{CONSTANT}:8080", constant.cpu),
        }
        for name, (address, peer) in peers.items():
            if peer is None:
                print(f"{name} can't be had: left out")
            else:
                runs[f"{name} with a map"] = (address, peer.cpu)
                print(f"{name}: start {peer.started:.1f} s, {peer.megabytes():.0f} MB")
        series = {name: Series() for name in runs}
        for _ in range(3 * size.rounds):  # one pair differs from another by more than the look-up
            for name, (address, spent) in runs.items():
                before = spent()
                found = load(address, running.paths, size.seconds)
                each = 1e6 * (spent() - before) / (found.rps * size.seconds)
                series[name].rps.append(found.rps)
                series[name].microseconds.append(each)
                if found.failed:
                    sys.exit(f"{name}: {found.failed} requests failed")
    for name, one in series.items():
        print(one.line(name))
    ours = series.pop("router")
    ratios = {name: _ratio(ours, one) for name, one in series.items()}
    for name, ratio in ratios.items():
        print(f"router / {name}: {ratio:.3f} of the requests per second, median of the pairs")
    return {"rps_ratio": round(ratios["with a constant"], 3)}


def _ratio(one: Series, other: Series) -> float:
    return statistics.median(a / b for a, b in zip(one.rps, other.rps, strict=True))


def _latency(running: Fleet, folder: Path, size: Size) -> dict[str, object]:
    """Compare with the origin alone at half of the router's throughput."""
    router, seconds = f"{running.alpha.address}:8080", size.seconds
    rate = load(router, running.paths, seconds).rps / 2
    names = running.organizations.names
    pairs = [
        [latency(one, names, folder, seconds, rate) for one in (router, f"{ORIGIN}:9000")]
        for _ in range(size.rounds)
    ]
    p50 = statistics.median(ours.p50 - theirs.p50 for ours, theirs in pairs)
    p99 = statistics.median(ours.p99 - theirs.p99 for ours, theirs in pairs)
    alone50 = statistics.median(theirs.p50 for _, theirs in pairs)
    alone99 = statistics.median(theirs.p99 for _, theirs in pairs)
    print(
        f"at {statistics.median(ours.rps for ours, _ in pairs):.0f} requests/s the router adds "
        f"{p50:.3f} ms (p50), {p99:.3f} ms (p99) to the origin's {alone50:.3f} and {alone99:.3f} ms"
    )
    return {"added_p50_ms": round(p50, 3), "added_p99_ms": round(p99, 3)}


def _one_change(running: Fleet, changes: int) -> dict[str, object]:
    """Change one organization after the other; until both routers give the new answer."""
    seconds = []
    table = running.organizations
    chosen = random.Random(3)  # noqa: S311 (no secret)
    for _ in range(changes):
        name = chosen.choice(table.names)
        table.set_state(name, "suspended")
        seconds.append(_until_seen(running, name, 403))
        table.set_state(name, "active")
        time.sleep(chosen.uniform(0.1, 0.4))
        running.api.put(shard_map(table, table.shard(name)))
    seconds.sort()
    p99 = seconds[min(len(seconds) - 1, int(len(seconds) * 0.99))]
    middle = statistics.median(seconds)
    print(f"{changes} changes: median {middle * 1000:.0f} ms, p99 {p99 * 1000:.0f} ms")
    return {"one_org_p99_ms": round(p99 * 1000)}


def _until_seen(running: Fleet, name: str, status: int) -> float:
    changed = shard_map(running.organizations, running.organizations.shard(name))
    path = f"/o/{name}/notes"
    begin = time.monotonic()
    running.api.put(changed)
    for pod in (running.alpha, running.beta):
        wait_for(lambda pod=pod: _status(pod.address, path) == status, f"{name}: {status}")
    return time.monotonic() - begin


def _status(address: str, path: str) -> int:
    connection = http.client.HTTPConnection(address, 8080, timeout=10)
    try:
        connection.request("GET", path)
        return connection.getresponse().status
    finally:
        connection.close()


if __name__ == "__main__":
    main()
