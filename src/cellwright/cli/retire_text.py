"""What goes with a cell that is retired, and what stays of it, as lines for people."""

from collections import Counter
from collections.abc import Iterator

from cellwright.cli.report import counted
from cellwright.edge.retiring import Reading
from cellwright.fixed import Finding
from cellwright.forbidden import placed
from cellwright.retirement import Retiree


def resource_lines(retiree: Retiree) -> Iterator[str]:
    """Yield what a stack holds and is destroyed, by kind."""
    kinds = Counter(one.kind for one in retiree.resources or () if not one.retain)
    listed = ", ".join(f"{number} {kind}" for kind, number in sorted(kinds.items()))
    yield f"{counted(sum(kinds.values()), 'object')}: {listed}"


def kept_lines(reading: Reading) -> Iterator[str]:
    """Yield what becomes of the data."""
    retiree = reading.retiree
    claims = _claims(reading)
    if retiree.ring is None:
        yield "data: its namespace is gone already"
    elif retiree.keeps_volume:
        yield f"stays: namespace {retiree.namespace} with {claims}"
    else:
        yield f"data: {claims} is deleted for good with namespace {retiree.namespace}"


def leftover_lines(reading: Reading) -> Iterator[str]:
    """Yield what is left of a retired cell, and how it is deleted for good."""
    retiree, fleet = reading.retiree, reading.situation.fleet
    if retiree.declared is not None:
        yield f"its definition is left: {_definition(reading)}"
        yield "  delete it, then `cellwright up`, which would make the cell again until then"
        span = retiree.declared.id_range
        ids = f" and its ids {span.first} to {span.last} stay" if span else " stays"
        yield f"  its id {retiree.declared.id}{ids} used for ever"
    if retiree.ring is None:
        yield f"nothing is left of it in cluster {retiree.cluster}"
        return
    context = fleet.clusters[retiree.cluster].context
    kubectl = f"kubectl --context {context}" if context else "kubectl"
    yield f"namespace {retiree.namespace} is left, with {_claims(reading)}"
    if retiree.record is not None:
        record = retiree.record
        yield f"  backup: {record.backup or 'none'} (said by {record.by} at {record.at})"
    what = "namespace,persistentvolumeclaim"
    yield f"  look:   {kubectl} get {what} --namespace {retiree.namespace}"
    yield f"  delete: {kubectl} delete namespace {retiree.namespace}"


def _claims(reading: Reading) -> str:
    if not reading.claims:
        return "no volume claim"
    listed = ", ".join(f"{one.name} ({one.storage})" for one in reading.claims)
    return f"volume claim {listed}"


def _definition(reading: Reading) -> str:
    name = reading.retiree.name
    finding = Finding("Cell", name, (), "", "", "")
    definitions = reading.situation.loaded.snapshot.definitions
    return str(placed([finding], definitions)[0].place)
