"""How long the command line takes to start, beside an interpreter that does nothing.

The programs run in turn, so that a busy moment meets all of them; medians are printed, and their
ratios to the bare interpreter. The work of `check` (reading, parsing, rendering, checking the demo
fleet) is measured inside one process, all modules loaded, and taken off: what is left is start-up.
`check_again` finds its outcome in the cache, as a run does when nothing has changed.

    .venv/bin/python benchmarks/startup.py [--quick]
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENTRY = "import sys; from cellwright.cli.main import main; sys.exit(main({arguments}))"
WORK = """
import sys, time
from pathlib import Path
from cellwright.cli import check
from cellwright.edge.files import read
from cellwright.plan import plan
plan(read(Path(sys.argv[1])))
start = time.perf_counter()
plan(read(Path(sys.argv[1])))
print(time.perf_counter() - start)
"""


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 rounds instead of 40")
    rounds = 10 if parser.parse_args().quick else 40
    check = [sys.executable, "-c", ENTRY.format(arguments=["--root", str(ROOT), "check"])]
    programs = {
        "pass": [sys.executable, "-c", "pass"],
        "help": [sys.executable, "-c", ENTRY.format(arguments=["--help"])],
        "module_help": [sys.executable, "-m", "cellwright", "--help"],
        "check": check,
        "check_again": check,
    }
    times: dict[str, list[float]] = {name: [] for name in programs}
    work = []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(prefix="cellwright-startup-") as cache:
            for name, command in programs.items():
                times[name].append(seconds(command, cache))
            work.append(float(output([sys.executable, "-c", WORK, str(ROOT)], cache)))
    median = {name: statistics.median(found) for name, found in times.items()}
    busy = statistics.median(work)
    bare = median["pass"]
    for name, found in median.items():
        print(f"{name:12} {found * 1000:7.1f} ms  {found / bare:5.2f} times bare Python")
    print(f"{'check, work':12} {busy * 1000:7.1f} ms")
    figures = {
        "pass_s": round(bare, 4),
        "help_s": round(median["help"], 4),
        "help_ratio": round(median["help"] / bare, 2),
        "module_help_ratio": round(median["module_help"] / bare, 2),
        "check_s": round(median["check"], 4),
        "check_work_s": round(busy, 4),
        "check_again_ratio": round(median["check_again"] / bare, 2),
        "check_start_ratio": round((median["check"] - busy) / bare, 2),
    }
    print(json.dumps(figures))


def seconds(command: list[str], cache: str) -> float:
    """Return how long a command takes."""
    start = time.perf_counter()
    output(command, cache)
    return time.perf_counter() - start


def output(command: list[str], cache: str) -> str:
    """Return what a command prints; outcomes of `check` are kept in `cache`."""
    environment = {**os.environ, "CELLWRIGHT_CACHE": cache}
    done = subprocess.run(command, check=True, capture_output=True, text=True, env=environment)
    return done.stdout


if __name__ == "__main__":
    main()
