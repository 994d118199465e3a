"""The Pulumi program: `pulumi up --stack fleet`, or `--stack` and the name of a cell."""

from pathlib import Path

from cellwright.edge.program import main

main(Path(__file__).parent)
