"""TEMPORARY until merged."""

from cellwright.edge.kubectl import Kubectl
from cellwright.edge.cluster import _is_ready


def waiting(kubectl, namespaces):
    return {}


def not_ready(kubectl, namespace):
    return [
        o["metadata"]["name"]
        for o in kubectl.ours(("deployments", "statefulsets"))
        if o["metadata"]["namespace"] == namespace and not _is_ready(o)
    ]
