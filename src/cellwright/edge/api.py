"""Takes the types of the Kubernetes API from a cluster, through `kubectl`."""

import json
from typing import Any

from cellwright.api_reduce import reduce
from cellwright.edge.failure import CommandError
from cellwright.edge.process import run

_TIMEOUT = 60.0  # seconds, for one document


def cluster_types(context: str | None) -> dict[str, Any]:
    """Return the reduced types of a cluster; without a `context`, of the current one.

    Raises CommandError for a cluster that can't be asked or answers with something else.
    """
    listed = _get(context, "/openapi/v3")
    try:
        paths = [str(one["serverRelativeURL"]) for _, one in sorted(listed["paths"].items())]
        version = str(_get(context, "/version")["gitVersion"])
    except KeyError as error:
        raise CommandError(f"kubectl get --raw: the cluster's answer has no {error}") from None
    return reduce(version, [_get(context, path) for path in paths])


def _get(context: str | None, path: str) -> Any:
    command = ["kubectl", *(["--context", context] if context else []), "get", "--raw", path]
    output = run(command, timeout=_TIMEOUT).output
    try:
        return json.loads(output)
    except ValueError:
        raise CommandError(f"kubectl get --raw {path}: the answer is not JSON") from None
