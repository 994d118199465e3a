"""The verb `directory`: what routers are told, whether they serve it, and how it came about."""

import argparse
import re

from cellwright.cli.asking import duration
from cellwright.cli.directory_entries import get, history
from cellwright.cli.report import counted, say, tell
from cellwright.cli.results import problems_as_text, put_json
from cellwright.edge.files import read_declared
from cellwright.edge.routers import Waited, wait
from cellwright.loading import load
from cellwright.model import Fleet
from cellwright.problem import nearest

EXAMPLES = """examples:
  cellwright directory wait                    # until all have what is there now
  cellwright directory wait 4711 --timeout 2m  # a resourceVersion, as kubectl shows it
  cellwright directory get acme                # where its requests go, and since when
  cellwright directory get                     # those of all organizations
  cellwright directory history acme            # where they went before, by which change

Routers serve it, and placements put into their cells' databases who lives there. They are asked
through the API server of their cluster (pods/proxy), as kubectl does it.
Since when and by which change is what git says of the definitions and the ledger.
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    kinds = parser.add_subparsers(
        dest="what",
        required=True,
        metavar="wait|get|history",
        parser_class=argparse.ArgumentParser,
    )
    waiting = kinds.add_parser(
        "wait", help="wait until routers and placements have a version of the directory"
    )
    waiting.add_argument(
        "version",
        nargs="?",
        type=_version,
        metavar="VERSION",
        help="a resourceVersion of the directory's ConfigMaps; the newest one unless given",
    )
    waiting.add_argument(
        "--timeout",
        type=duration,
        default=60,
        metavar="DURATION",
        help="how long to wait, as 90s, 2m or 1h; 60s unless given",
    )
    waiting.add_argument("--cluster", metavar="NAME", help="only the cells of this cluster")
    getting = kinds.add_parser("get", help="tell where organizations' requests go, since when")
    getting.add_argument("organizations", nargs="*", metavar="ORG", help="all of them unless given")
    past = kinds.add_parser("history", help="tell where an organization was, by which change")
    past.add_argument("organization", metavar="ORG")
    for one in (waiting, getting, past):
        one.add_argument("--format", choices=("text", "json"), default="text")


def run(arguments: argparse.Namespace) -> int:
    """Answer; 1 if a router is behind, or an organization or a cluster is missing."""
    fleet, problems = load(read_declared(arguments.root))
    if fleet is None:
        problems_as_text(problems)
        return 1
    if arguments.what == "wait":
        return _wait(arguments, fleet)
    return get(arguments, fleet) if arguments.what == "get" else history(arguments, fleet)


def _wait(arguments: argparse.Namespace, fleet: Fleet) -> int:
    clusters = fleet.used_clusters()
    if arguments.cluster is not None:
        if arguments.cluster not in clusters:
            hint = nearest(arguments.cluster, clusters)
            tell(f"cellwright directory wait: no cell is in cluster {arguments.cluster!r} ({hint})")
            return 1
        clusters = (arguments.cluster,)
    if arguments.version is not None and len(clusters) > 1:
        tell(
            "cellwright directory wait: versions of different clusters can't be compared: "
            f"--cluster says of which it is one ({', '.join(clusters)})"
        )
        return 2
    if not clusters:
        tell("cellwright directory wait: the fleet has no cells, so no routers")
        return 1
    waited = wait(fleet, clusters, arguments.version, arguments.timeout)
    if arguments.format == "json":
        put_json(_as_json(waited))
    else:
        for one in waited.behind:
            say(str(one))
    found = f"{counted(waited.routers, 'router')} and {counted(waited.placements, 'placement')}"
    versions = ", ".join(f"{version} ({name})" for name, version in waited.versions.items())
    if waited.behind:
        late = len(waited.behind)
        wanted = f"version {versions} was wanted; " if versions else ""
        tell(f"not within {arguments.timeout} s: {wanted}{late} behind, {found} found")
        return 1
    tell(f"served by {found}: version {versions}")
    return 0


def _as_json(waited: Waited) -> dict[str, object]:
    return {
        "versions": dict(waited.versions),
        "routers": waited.routers,
        "placements": waited.placements,
        "behind": [
            {
                "cluster": one.cluster,
                "cell": one.cell or None,
                "pod": one.pod or None,
                "version": one.version,
                "seen": one.seen,
            }
            for one in waited.behind
        ],
    }


def _version(text: str) -> int:
    if not re.fullmatch(r"[1-9][0-9]{0,18}", text):
        raise argparse.ArgumentTypeError(
            f"{text!r} is no resourceVersion, which is a whole number such as 4711"
        )
    return int(text)
