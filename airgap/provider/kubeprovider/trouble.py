"""Why an object does not become ready: its pods' states and the warnings about it.

The pure part turns snapshots into lines of text; `explain` fetches them. It looks only on failure,
so that the ordinary case costs nothing, and what it cannot fetch it leaves out: the error that it
explains is the one that matters.
"""

import asyncio
from typing import NamedTuple

from .api import Api, ApiError, UnreachableError
from .kinds import Kind
from .objects import Json, conditions, dig, name_of, namespace_of

PODS = Kind("", "v1", "Pod")
EVENTS = Kind("", "v1", "Event")
SETS = Kind("apps", "v1", "ReplicaSet")
CLAIMS = Kind("", "v1", "PersistentVolumeClaim")

MAX_LINES = 12
LOG_LINES = 10
STARTING = frozenset({"ContainerCreating", "PodInitializing"})


class Surroundings(NamedTuple):
    """What was found around an object."""

    pods: list[Json]
    sets: list[Json]
    claims: list[Json]
    events: list[Json]


def pod_troubles(pod: Json) -> list[str]:
    """What is wrong with a pod: scheduling, images, crashes, failing probes."""
    lines = []
    scheduled = conditions(pod).get("PodScheduled", {})
    if scheduled.get("status") == "False":
        lines.append(f"{scheduled.get('reason')}: {scheduled.get('message')}")
    for field in ("initContainerStatuses", "containerStatuses"):
        for status in dig(pod, "status", field) or []:
            lines += _container_troubles(status)
    if not lines and dig(pod, "status", "message"):
        lines.append(f"{dig(pod, 'status', 'reason')}: {dig(pod, 'status', 'message')}")
    return [f"Pod {name_of(pod)}: {line}" for line in lines]


def _container_troubles(status: Json) -> list[str]:
    name, state, last = status.get("name"), status.get("state", {}), status.get("lastState", {})
    lines = []
    pending = state.get("waiting")
    if pending and (pending.get("reason") not in STARTING or pending.get("message")):
        text = f"container {name} is waiting: {pending.get('reason')}"
        lines.append(f"{text}: {pending['message']}" if pending.get("message") else text)
    ended = state.get("terminated") or last.get("terminated")
    if ended and ended.get("exitCode"):
        message = str(ended.get("message") or "").strip()
        text = f"container {name} ended with {ended['exitCode']} ({ended.get('reason')})"
        lines.append(f"{text}: {message}" if message else text)
    if "running" in state and not status.get("ready") and not ended:
        lines.append(f"container {name} is running but not ready")
    return lines


def event_lines(events: list[Json], uids: set[str], claims: set[str]) -> list[str]:
    """The newest warnings about the objects with these uids, and about these claims by name."""

    def concerns(event: Json) -> bool:
        about = event.get("involvedObject", {})
        claim = about.get("kind") == "PersistentVolumeClaim" and about.get("name") in claims
        return about.get("uid") in uids or claim

    def when(event: Json) -> str:
        series = dig(event, "series", "lastObservedTime")
        return str(series or event.get("lastTimestamp") or event.get("eventTime") or "")

    lines: dict[str, None] = {}
    for event in sorted(filter(concerns, events), key=when, reverse=True):
        about = event.get("involvedObject", {})
        text = str(event.get("message") or "").strip()
        lines[f"{about.get('kind')} {about.get('name')}: {event.get('reason')}: {text}"] = None
    return list(lines)


def pod_labels(kind: Kind, obj: Json) -> dict[str, str]:
    """The labels by which the object's pods are found; empty when it has none."""
    if kind.kind == "Job":
        return {"batch.kubernetes.io/job-name": name_of(obj)}
    if kind.kind == "Service":
        return dict(dig(obj, "spec", "selector") or {})
    return dict(dig(obj, "spec", "selector", "matchLabels") or {})


def claim_names(obj: Json, claims: list[Json]) -> set[str]:
    """Names of the claims that belong to a StatefulSet, or of the claim that the object is."""
    if obj.get("kind") == "PersistentVolumeClaim":
        return {name_of(obj)}
    templates = dig(obj, "spec", "volumeClaimTemplates") or []
    beginnings = tuple(f"{name_of(template)}-{name_of(obj)}-" for template in templates)
    names = map(name_of, claims)
    return {name for name in names if beginnings and name.startswith(beginnings)}


def lines_of(kind: Kind, obj: Json, around: Surroundings) -> list[str]:
    """Everything that is wrong, most telling first, each thing once."""
    pods = [line for pod in around.pods for line in pod_troubles(pod)]
    claims = claim_names(obj, around.claims)
    unbound = [
        f"PersistentVolumeClaim {name_of(claim)}: phase {dig(claim, 'status', 'phase')}"
        for claim in around.claims
        if name_of(claim) in claims and dig(claim, "status", "phase") != "Bound"
    ]
    owned = [s for s in around.sets if _owned_by(s, obj)] if kind.kind == "Deployment" else []
    uids = {str(dig(one, "metadata", "uid")) for one in [obj, *around.pods, *owned]}
    return [*pods, *unbound, *event_lines(around.events, uids, claims)][:MAX_LINES]


def _owned_by(item: Json, owner: Json) -> bool:
    uid = dig(owner, "metadata", "uid")
    return any(o.get("uid") == uid for o in dig(item, "metadata", "ownerReferences") or [])


async def explain(api: Api, kind: Kind, obj: Json) -> list[str]:
    """Lines about what keeps the object from being ready."""
    namespace = namespace_of(obj)
    if not namespace:
        return []
    labels = pod_labels(kind, obj)
    pods, sets, claims, events = await asyncio.gather(
        _listed(api, PODS, namespace, labels) if labels else _nothing(),
        _listed(api, SETS, namespace, labels) if kind.kind == "Deployment" else _nothing(),
        _listed(api, CLAIMS, namespace, {}) if _claims(obj) else _nothing(),
        _listed(api, EVENTS, namespace, {}, fields="type=Warning"),
    )
    if kind.kind == "Pod":
        pods = [obj]
    lines = lines_of(kind, obj, Surroundings(pods, sets, claims, events))
    return [*lines, *await _last_words(api, namespace, pods)] if kind.kind == "Job" else lines


def _claims(obj: Json) -> bool:
    return bool(
        obj.get("kind") == "PersistentVolumeClaim" or dig(obj, "spec", "volumeClaimTemplates")
    )


async def _nothing() -> list[Json]:
    return []


async def _listed(
    api: Api, kind: Kind, namespace: str, labels: dict[str, str], fields: str = ""
) -> list[Json]:
    try:
        return await api.listed(kind, namespace, labels=labels, fields=fields)
    except (ApiError, UnreachableError):
        return []


async def _last_words(api: Api, namespace: str, pods: list[Json]) -> list[str]:
    """The end of the log of the container that failed last."""
    failed = [pod for pod in pods if dig(pod, "status", "phase") == "Failed"]
    failed = failed or [pod for pod in pods if pod_troubles(pod)]
    if not failed:
        return []
    newest = max(failed, key=lambda pod: str(dig(pod, "status", "startTime") or ""))
    containers = dig(newest, "spec", "containers") or []
    if not containers:
        return []
    name, container = name_of(newest), str(containers[0].get("name"))
    try:
        text = (await api.log(namespace, name, container, LOG_LINES)).rstrip()
    except (ApiError, UnreachableError):
        return []
    indented = text.replace("\n", "\n    ")
    return [f"last lines of container {container} of Pod {name}:\n    {indented}"] if text else []
