"""Takes the types of the Kubernetes API from a cluster."""

from typing import Any

from cellwright.api_reduce import reduce
from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.model import Cluster


def cluster_types(cluster: Cluster) -> dict[str, Any]:
    """Return the reduced types of a cluster.

    Raises CommandError for a cluster that can't be asked or answers with something else.
    """
    kubectl = Kubectl(cluster)
    kubectl.greet()
    listed = kubectl.document("/openapi/v3")
    try:
        paths = [str(one["serverRelativeURL"]) for _, one in sorted(listed["paths"].items())]
        version = str(kubectl.document("/version")["gitVersion"])
    except KeyError as error:
        raise CommandError(f"kubectl get --raw: the cluster's answer has no {error}") from None
    return reduce(version, [kubectl.document(path) for path in paths])
