"""The verb `types`: what the API of a cluster knows, for the checks of its manifests."""

import argparse
from pathlib import Path

from cellwright.api_reduce import dump
from cellwright.cli.report import say, tell
from cellwright.cli.results import problems_as_text
from cellwright.edge.api import cluster_types
from cellwright.edge.files import read
from cellwright.loading import load
from cellwright.model import Cluster
from cellwright.problem import nearest

EXAMPLES = """examples:
  cellwright types --cluster eu-1                    # writes schemas/kubernetes/eu-1.json
  cellwright types --context kind-dev --out types.json
"""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add what the verb takes."""
    whose = parser.add_mutually_exclusive_group(required=True)
    whose.add_argument("--cluster", metavar="NAME", help="one of the fleet's clusters")
    whose.add_argument("--context", metavar="NAME", help="a context of the kubeconfig")
    parser.add_argument(
        "--out",
        type=Path,
        metavar="FILE",
        help="where to write them (with --cluster: schemas/kubernetes/NAME.json)",
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the types; 1 if there is no such cluster or it can't be asked."""
    out, cluster = arguments.out, Cluster(arguments.context or "", arguments.context)
    if arguments.cluster:
        fleet, problems = load(read(arguments.root))
        if fleet is None:
            problems_as_text(problems)
            return 1
        if arguments.cluster not in fleet.clusters:
            hint = nearest(arguments.cluster, fleet.clusters)
            tell(f"cellwright types: no cluster {arguments.cluster!r} is declared ({hint})")
            return 1
        cluster = fleet.clusters[arguments.cluster]
        out = out or arguments.root / "schemas" / "kubernetes" / f"{arguments.cluster}.json"
    if out is None:
        tell("cellwright types: --context needs --out")
        return 2
    types = cluster_types(cluster)
    out.parent.mkdir(parents=True, exist_ok=True)
    out.write_text(dump(types), "utf-8")
    kinds = sum(len(one) for one in types["kinds"].values())
    say(f"{out}: {kinds} kinds of Kubernetes {types['kubernetes']}")
    return 0
