"""From what is declared without a problem to one fleet.

Defaults of the fleet and its cells are applied here, those of organizations where they are
taken in (`declared`). Refuses to look for problems (`schema` and `consistency` did).
"""

from collections.abc import Mapping
from dataclasses import replace
from operator import attrgetter
from typing import Any

from cellwright.consistency import hop_node_port, http_node_port, tls_node_port
from cellwright.declared import Declared, capacity, name, seconds, spec
from cellwright.document import Document
from cellwright.model import (
    HOP_PORT,
    STANDARD,
    Accepts,
    App,
    Autoscale,
    Cell,
    Cluster,
    Fleet,
    IdRange,
    Placement,
    Postgres,
    Resources,
    Router,
    Routing,
    Rule,
)
from cellwright.quota import compute_quota
from cellwright.router_room import SHARE, Room, room
from cellwright.workloads import merged

_SMALL = {"cpu": "10m", "memory": "64Mi", "cpuLimit": "500m", "memoryLimit": "256Mi"}
"""What a placement gets unless its cell or size says otherwise."""


def parse(declared: Declared) -> Fleet:
    """Return the fleet that is declared without a problem."""
    fleet = declared.fleets[0]
    shared = spec(fleet)
    timeout = shared.get("rollout", {}).get("timeout", "5m")
    prefix = shared.get("namespacePrefix")
    by_name = attrgetter("name")
    cells = sorted((_limited(shared, _cell(shared, cell)) for cell in declared.cells), key=by_name)
    organizations = sorted(declared.organizations, key=by_name)
    return Fleet(
        name=name(fleet),
        rings=tuple(shared["rings"]),
        clusters={
            key: Cluster(key, body.get("context"), tuple(body.get("apiServer", ())))
            for key, body in shared["clusters"].items()
        },
        routing=_routing(shared.get("routing", {})),
        routers_type=shared.get("routers", {}).get("type", "ClusterIP"),
        shards=shared.get("directory", {}).get("shards", 64),
        timeout=seconds(timeout),
        cells={cell.name: cell for cell in cells},
        organizations={one.name: one for one in organizations},
        tiers=tuple(shared.get("tiers", (STANDARD,))),
        sources=tuple(shared.get("routers", {}).get("sourceRanges", ())),
        regions=tuple(shared["regions"]),
        sizes=tuple(shared["sizes"]),
        values=shared.get("values", {}),
        maximum_loss=shared.get("directory", {}).get("maximumLoss", 20),
        epoch=shared.get("directory", {}).get("epoch", 1),
        namespace_prefix=f"{prefix}-" if prefix else "",
    )


def _routing(body: Mapping[str, Any]) -> Routing:
    rules = body.get("rules", [{"by": "path"}, {"by": "host"}])
    found = []
    for rule in rules:
        header = rule.get("header", "Authorization" if rule["by"] == "token" else None)
        found.append(Rule(rule["by"], header, rule.get("cookie"), rule.get("cell")))
    proxies = tuple(body.get("trustedProxies", ()))
    return Routing(tuple(found), seconds(body.get("hold", "10s")), proxies)


def _cell(shared: Mapping[str, Any], document: Document) -> Cell:
    own, called = spec(document), name(document)
    size, images = shared["sizes"][own["size"]], shared["images"]
    parts = {part: merged(size[part], own.get(part, {})) for part in size}
    postgres, app, router = parts["postgres"], parts["app"], parts["router"]
    placement = merged(size.get("placement", {}), own.get("placement", {}))
    routers = shared.get("routers", {})
    on_nodes = routers.get("type") == "NodePort"
    tls_secret = router.get("tls", {}).get("secret")
    address = own.get("routerAddress", {})
    span = own.get("idRange")
    takes = _room(router)
    accepts = own.get("accepts", {})
    prefix = f"{shared['namespacePrefix']}-" if "namespacePrefix" in shared else ""
    return Cell(
        name=called,
        id=own["id"],
        ring=own["ring"],
        region=own["region"],
        cluster=own["cluster"],
        capacity=capacity(document),
        id_range=IdRange(span["first"], span["last"]) if span else None,
        postgres=Postgres(
            image=images["postgres"],
            version=postgres.get("version", 17),
            storage=postgres["storage"],
            storage_class=postgres.get("storageClass"),
            shared_buffers=postgres.get("sharedBuffers", "128MB"),
            max_connections=postgres.get("maxConnections", 100),
            resources=_resources(postgres["resources"]),
            keep_volume=postgres.get("onDelete", "keep-volume") == "keep-volume",
        ),
        app=_app(app, images["app"]),
        router=Router(
            image=images["router"],
            replicas=router["replicas"],
            resources=_resources(router["resources"]),
            host=address.get("host", f"router-hop.{prefix}cell-{called}.svc.cluster.local"),
            port=address.get("port", HOP_PORT),
            node_port=http_node_port(routers, own["id"]) if on_nodes else None,
            tls_secret=tls_secret,
            tls_node_port=tls_node_port(routers, own["id"]) if on_nodes and tls_secret else None,
            connections=takes.connections,
            share=takes.share,
            buffers=takes.buffers,
            is_addressed=bool(address),
            hop_node_port=hop_node_port(address) if on_nodes else None,
        ),
        placement=Placement(
            image=images["placement"], resources=_resources(placement.get("resources", _SMALL))
        ),
        accepts=Accepts(accepts.get("new", True), tuple(accepts.get("tiers", ()))),
        draining=own.get("draining", False),
        size=own["size"],
        values=overlaid(shared.get("values", {}), own.get("values", {})),
        namespace_prefix=prefix,
    )


def _app(app: Mapping[str, Any], image: str) -> App:
    scale = app.get("autoscale")
    return App(
        image=app.get("image", image),
        replicas=app.get("replicas"),
        autoscale=(
            Autoscale(scale["min"], scale["max"], scale.get("cpuPercent", 70)) if scale else None
        ),
        resources=_resources(app["resources"]),
        tls=app.get("tls", True),
    )


def _room(router: Mapping[str, Any]) -> Room:
    limit = _resources(router["resources"]).memory_limit
    return room(limit, router.get("connections"), router.get("share", SHARE))


def _limited(shared: Mapping[str, Any], cell: Cell) -> Cell:
    quota = shared.get("quota")
    if quota is None:
        return cell
    extra = _resources(quota["extra"]) if "extra" in quota else None
    return replace(cell, compute_quota=compute_quota(cell, extra))


def overlaid(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """Return values with others over them: mappings key by key, everything else whole."""
    found = dict(under)
    for key, value in over.items():
        below = found.get(key)
        if isinstance(below, dict) and isinstance(value, dict):
            found[key] = overlaid(below, value)
        else:
            found[key] = value
    return found


def _resources(body: Mapping[str, str]) -> Resources:
    return Resources(
        cpu=body["cpu"],
        memory=body["memory"],
        cpu_limit=body.get("cpuLimit"),
        memory_limit=body.get("memoryLimit", body["memory"]),
    )
