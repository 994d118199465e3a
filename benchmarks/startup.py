"""How long the command line takes to start, beside an interpreter that does nothing.

Processor time, since nothing here waits. The programs run in turn, so that a busy moment meets all
of them; medians are printed, and their ratios to the bare interpreter. `check_again` finds its
outcome in the cache, as a run does when nothing has changed: it has nothing to parse. What the
first `check` must parse is measured as a program of its own, which loads the parsers and nothing
else, reads the same files and parses each once: definitions, schemas, types of the Kubernetes API
and templates. Its time, less that of the bare interpreter, is taken off that of `check`; what is
left is start-up, rendering, the second reading of what was rendered, and all checks. Compiled
modules are kept, as of an installed package.

    .venv/bin/python benchmarks/startup.py [--quick]
"""

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
ENTRY = "import sys; from cellwright.cli.main import main; sys.exit(main({arguments}))"
PARSE = """
import json, sys
from pathlib import Path
from jinja2.sandbox import ImmutableSandboxedEnvironment
from jsonschema_rs import Draft202012Validator, Registry
from cellwright.document import documents
root, package = Path(sys.argv[1]), Path(sys.argv[2])
for folder in ("cells", "organizations"):
    for path in (root / folder).rglob("*.*"):
        if path.suffix in (".yaml", ".jsonl"):
            list(documents(path.name, path.read_bytes()))
json.loads((package / "kubernetes/types.json").read_bytes())
found = (package / "schemas").glob("*.json")
schemas = {path.name: json.loads(path.read_bytes()) for path in found}
registry = Registry(list(schemas.items()))
for kind in ("fleet", "cell", "organization"):
    Draft202012Validator(schemas[kind + ".json"], registry=registry)
environment = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True)
environment.filters["sha256"] = str
for path in (package / "templates").rglob("*.j2"):
    environment.compile(path.read_text("utf-8"), path.name, path.name)
"""


def main() -> None:
    """Measure and print; the last line is one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="10 rounds instead of 40")
    rounds = 10 if parser.parse_args().quick else 40
    check = [sys.executable, "-c", ENTRY.format(arguments=["--root", str(ROOT), "check"])]
    package = str(ROOT / "src" / "cellwright")
    programs = {
        "pass": [sys.executable, "-c", "pass"],
        "help": [sys.executable, "-c", ENTRY.format(arguments=["--help"])],
        "module_help": [sys.executable, "-m", "cellwright", "--help"],
        "check": check,
        "check_again": check,
        "parse": [sys.executable, "-c", PARSE, str(ROOT), package],
    }
    times: dict[str, list[float]] = {name: [] for name in programs}
    for turn in range(rounds + 1):
        with tempfile.TemporaryDirectory(prefix="cellwright-startup-") as cache:
            for name, command in programs.items():
                taken = seconds(command, cache)
                if turn:  # the first one compiles modules
                    times[name].append(taken)
    median = {name: statistics.median(found) for name, found in times.items()}
    bare = median["pass"]
    parse = median["parse"] - bare
    for name, found in median.items():
        print(f"{name:12} {found * 1000:7.1f} ms  {found / bare:5.2f} times bare Python")
    figures = {
        "pass_s": round(bare, 4),
        "help_s": round(median["help"], 4),
        "help_ratio": round(median["help"] / bare, 2),
        "module_help_ratio": round(median["module_help"] / bare, 2),
        "check_s": round(median["check"], 4),
        "parse_s": round(parse, 4),
        "check_again_ratio": round(median["check_again"] / bare, 2),
        "check_start_ratio": round((median["check"] - parse) / bare, 2),
    }
    print(json.dumps(figures))


def seconds(command: list[str], cache: str) -> float:
    """Return the processor time of a command; outcomes of `check` are kept in `cache`."""
    environment = {**os.environ, "CELLWRIGHT_CACHE": cache}
    environment.pop("PYTHONDONTWRITEBYTECODE", None)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True, env=environment)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


if __name__ == "__main__":
    main()
