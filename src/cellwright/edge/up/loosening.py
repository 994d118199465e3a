"""Loosens a cell's quota of CPU and memory before Pulumi runs the cell's stack.

Pulumi brings the quota to what is declared after everything else. Until then old pods and new ones
need room together: limits are raised to what is declared where that is more, and those that are
declared no more are taken away. Refuses to make any limit smaller.
"""

from cellwright.edge.kubectl import Kubectl
from cellwright.edge.up.reading import Situation
from cellwright.model import FLEET_STACK
from cellwright.quota import QUOTA_NAME, loosened


def loosen_quota(situation: Situation, stack: str) -> None:
    """Let a cell's quota allow what is there and what is declared. Raises CommandError."""
    if stack == FLEET_STACK:
        return
    cell = situation.fleet.cells[stack]
    if not situation.is_there(stack, cell.cluster):
        return
    kubectl = Kubectl(situation.fleet.clusters[cell.cluster])
    path = f"/api/v1/namespaces/{cell.namespace}/resourcequotas/{QUOTA_NAME}"
    live = kubectl.find(path)
    if live is None:
        return
    declared = [
        one.body
        for one in situation.manifests[stack]
        if (one.kind, one.name) == ("ResourceQuota", QUOTA_NAME)
    ]
    if changed := loosened(declared[0] if declared else {}, live):
        patch = {"spec": {"hard": changed}}
        kubectl.patch("resourcequota", QUOTA_NAME, patch, namespace=cell.namespace)
