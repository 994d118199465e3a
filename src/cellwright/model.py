"""The fleet as values: what templates, the directory and the plan are made from.

Everything here is complete (defaults applied) and has been checked. Refuses to check anything.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from cellwright.counts import Counts

FLEET_STACK = "fleet"
"""The stack of what all cells share; the others have the names of their cells."""
DIRECTORY_NAMESPACE = "cellwright-directory"
"""The namespace of the directory, behind the fleet's prefix."""
HOP_PORT = 8444
"""The port at which routers take the requests that other routers pass on."""
LOCAL_CLUSTER = "local"
"""The one cluster that may be whichever the kubeconfig's current context names."""
QUARANTINE = -1
"""The ring whose cells get no organizations and may be torn down."""

STANDARD = "standard"
"""The tier of an organization that names none."""


class UnknownStackError(Exception):
    """A stack was asked for that the fleet does not have; the message is its name."""


State = Literal["active", "maintenance", "suspended", "gone"]
Writes = Literal["refuse", "fork"]
"""What becomes of writes under an override: refused, or kept in its cell and nowhere else."""


@dataclass(frozen=True, slots=True)
class Resources:
    """What one container asks for and may use at most, as Kubernetes quantities."""

    cpu: str
    memory: str
    cpu_limit: str | None
    memory_limit: str


@dataclass(frozen=True, slots=True)
class Autoscale:
    """A HorizontalPodAutoscaler; `cpu_percent` is of the request."""

    min: int
    max: int
    cpu_percent: int


@dataclass(frozen=True, slots=True)
class Postgres:
    """A cell's Postgres."""

    image: str
    version: int
    storage: str
    storage_class: str | None
    shared_buffers: str
    max_connections: int
    resources: Resources
    keep_volume: bool


@dataclass(frozen=True, slots=True)
class App:
    """A cell's app: a fixed number of `replicas`, or `autoscale`.

    With `tls` it gets a certificate, and its routers speak TLS with it.
    """

    image: str
    replicas: int | None
    autoscale: Autoscale | None
    resources: Resources
    tls: bool = True


@dataclass(frozen=True, slots=True)
class Router:
    """A cell's router: where other clusters' find it, and its ports on every node, if any.

    If it `is_addressed`, its Service has the port for other routers, too, as `hop_node_port` on
    every node.
    `tls_secret` names the Secret with the certificate for clients; None means no TLS. At the same
    time it takes so many `connections` and as many requests, `share` of them from one organization,
    with so many of HAProxy's `buffers`.
    """

    image: str
    replicas: int
    resources: Resources
    host: str
    port: int
    node_port: int | None
    connections: int
    share: int
    buffers: int
    tls_secret: str | None = None
    tls_node_port: int | None = None
    is_addressed: bool = False
    hop_node_port: int | None = None


@dataclass(frozen=True, slots=True)
class Placement:
    """A cell's placement: what puts the organizations that live there into its database."""

    image: str
    resources: Resources


@dataclass(frozen=True, slots=True)
class IdRange:
    """Values that the sequences of one cell's database may give out, both ends included."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Accepts:
    """Which organizations may be placed on a cell; no `tiers` means any."""

    new: bool = True
    tiers: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cell:
    """One complete copy of the stack.

    A cell that is `draining` gets no new organizations and is to lose those that it has.
    `values` are the fleet's with the cell's own over them, for users' templates. `compute_quota`
    holds the limits of CPU and memory by their names in a ResourceQuota, if there are any.
    """

    name: str
    id: int
    ring: int
    region: str
    cluster: str
    capacity: int
    id_range: IdRange | None
    postgres: Postgres
    app: App
    router: Router
    placement: Placement
    accepts: Accepts = Accepts()
    draining: bool = False
    size: str = ""
    values: Mapping[str, Any] = field(default_factory=dict, hash=False)
    namespace_prefix: str = ""
    compute_quota: Mapping[str, str] = field(default_factory=dict, hash=False)

    @property
    def namespace(self) -> str:
        """The namespace that holds all of the cell."""
        return f"{self.namespace_prefix}cell-{self.name}"


@dataclass(frozen=True, slots=True)
class Limits:
    """How much of each router an organization may use; None is no limit, never both."""

    requests_per_second: int | None
    concurrent_requests: int | None


@dataclass(frozen=True, slots=True)
class Organization:
    """One customer; `cell` names the cell that it lives on, None if it is not placed yet.

    `weight` is its load in units of an ordinary organization's. `retry_after` is in seconds, and
    only with state maintenance. `override` names the cell that gets its requests instead, where its
    `writes` are refused or fork, and `moved` the one from which its rows were brought to `cell`.
    """

    name: str
    id: int
    cell: str | None
    path: str
    hosts: tuple[str, ...]
    residency: tuple[str, ...]
    state: State
    tier: str = STANDARD
    weight: int = 1
    retry_after: int | None = None
    limits: Limits | None = None
    override: str | None = None
    moved: str | None = None
    writes: Writes = "refuse"

    @property
    def serving_cell(self) -> str | None:
        """The cell that gets its requests."""
        return self.cell and (self.override or self.cell)


@dataclass(frozen=True, slots=True)
class Rule:
    """One step of classification.

    `header` names that of `by="header"` and `by="token"`, `cookie` that of `by="cookie"`; `cell`
    gets all that comes to `by="default"`.
    """

    by: Literal["path", "host", "header", "cookie", "token", "default"]
    header: str | None = None
    cookie: str | None = None
    cell: str | None = None


@dataclass(frozen=True, slots=True)
class Routing:
    """How a request is classified, first match wins.

    Requests of an organization that is being moved are held for up to `hold` seconds. What
    proxies in the networks `trusted_proxies` (CIDR) say about their clients is believed.
    """

    rules: tuple[Rule, ...]
    hold: int = 10
    trusted_proxies: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Cluster:
    """One Kubernetes cluster; no `context` means the kubeconfig's current one.

    `api_server` are the networks (CIDR) in which its API server is; none means that nobody said.
    """

    name: str
    context: str | None
    api_server: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Fleet:
    """All cells and organizations, by name in order, and what they share.

    `timeout` is how long a manifest may take to become ready, in seconds. `sources` are the
    networks (CIDR) from which routers of type LoadBalancer are reached; none means any. Routers
    refuse a directory in which more than `maximum_loss` percent of the organizations lose their
    place within an hour, and one of older versions unless `epoch` was raised.
    `namespace_prefix` opens the names of all its namespaces, so that fleets can share a cluster.
    """

    name: str
    rings: tuple[int, ...]
    clusters: dict[str, Cluster]
    routing: Routing
    routers_type: str
    shards: int
    timeout: int
    cells: dict[str, Cell]
    organizations: dict[str, Organization]
    tiers: tuple[str, ...] = (STANDARD,)
    sources: tuple[str, ...] = ()
    regions: tuple[str, ...] = ()
    sizes: tuple[str, ...] = ()
    values: Mapping[str, Any] = field(default_factory=dict)
    maximum_loss: int = 20
    epoch: int = 1
    namespace_prefix: str = ""
    _held: dict[str, list[Organization]] = field(
        init=False, repr=False, compare=False, default_factory=dict
    )

    def __post_init__(self) -> None:
        for one in self.organizations.values():
            if one.cell is not None:
                self._held.setdefault(one.cell, []).append(one)

    @property
    def directory_namespace(self) -> str:
        """The namespace of the directory, in each cluster."""
        return f"{self.namespace_prefix}{DIRECTORY_NAMESPACE}"

    @property
    def counts(self) -> Counts:
        """How many cells and organizations there are, and how many of these have no home yet."""
        everyone = len(self.organizations)
        return len(self.cells), everyone, everyone - sum(map(len, self._held.values()))

    def used_clusters(self) -> tuple[str, ...]:
        """Return the names of the clusters that cells are in."""
        return tuple(sorted({cell.cluster for cell in self.cells.values()}))

    def held_by(self, cell: str) -> tuple[Organization, ...]:
        """Return the organizations that live on the cell, by name."""
        return tuple(self._held.get(cell, ()))
