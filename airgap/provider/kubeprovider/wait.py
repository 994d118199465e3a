"""Waiting until an object is ready, or gone, by watching it; never longer than the given limit.

A watch starts at the version that the last answer had, so that no change is missed and nothing is
polled. One that breaks off is followed by a read and a new watch.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Coroutine
from contextlib import aclosing
from typing import Any, NamedTuple

from .api import Api, ApiError
from .kinds import Kind
from .objects import Json, dig, name_of, namespace_of
from .readiness import Judge, judge_of, needs_endpoints, service, waiting

SLICES = Kind("discovery.k8s.io", "v1", "EndpointSlice")
CLASSES = Kind("storage.k8s.io", "v1", "StorageClass")
PAUSE_AFTER_BREAK = 0.5


class NotReadyError(Exception):
    """The object was not ready in time, or can never be; `live` is how it was last seen."""

    def __init__(self, live: Json, reason: str) -> None:
        super().__init__(reason)
        self.live = live


class Limit(NamedTuple):
    """How long to wait, what ends it early, and who is told what is seen."""

    seconds: float
    stopping: asyncio.Event
    report: Callable[[str], None]


class Watched:
    """What was last seen of one object."""

    def __init__(self, kind: Kind, live: Json) -> None:
        self.kind = kind
        self.live = live
        self.seen = "nothing was seen of it"

    @property
    def place(self) -> tuple[str, str]:
        """Namespace and name."""
        return namespace_of(self.live), name_of(self.live)


async def until_ready(api: Api, kind: Kind, live: Json, limit: Limit) -> Json:
    """The object once it is ready, by the rules of its kind; at once where a kind has none."""
    watched = Watched(kind, live)
    if (kind.group, kind.kind) == ("", "Service"):
        work = _service_ready(api, watched, limit)
    else:
        judge = judge_of(kind)
        if not judge or await _waits_for_consumer(api, watched):
            return live
        work = _ready(api, watched, judge, limit)
    await _within(work, watched, limit, "it was not ready")
    return watched.live


async def until_gone(api: Api, kind: Kind, answer: Json, limit: Limit) -> None:
    """Return once the object that a deletion answered with is gone."""
    if answer.get("kind") == "Status":
        return
    watched = Watched(kind, answer)
    await _within(_gone(api, watched, limit), watched, limit, "it was not gone")


async def _within(
    work: Coroutine[Any, Any, None], watched: Watched, limit: Limit, shortfall: str
) -> None:
    task = asyncio.ensure_future(work)
    stop = asyncio.ensure_future(limit.stopping.wait())
    try:
        await asyncio.wait({task, stop}, timeout=limit.seconds, return_when=asyncio.FIRST_COMPLETED)
        if task.done():
            task.result()
            return
        cancelled = stop.done()
    finally:
        task.cancel()
        stop.cancel()
    reason = "was cancelled" if cancelled else f"timed out after {limit.seconds:g} s"
    raise NotReadyError(watched.live, f"{reason}: {shortfall}: {watched.seen}")


async def _ready(api: Api, watched: Watched, judge: Judge, limit: Limit) -> None:
    async with aclosing(_versions(api, watched)) as versions:
        async for live in versions:
            if not live:
                raise NotReadyError(watched.live, "it was deleted while it was waited for")
            verdict = judge(live)
            if verdict.state == "ready":
                return
            if verdict.state == "failed":
                raise NotReadyError(live, verdict.seen)
            _see(watched, verdict.seen, limit)


async def _gone(api: Api, watched: Watched, limit: Limit) -> None:
    uid = dig(watched.live, "metadata", "uid")
    async with aclosing(_versions(api, watched)) as versions:
        async for live in versions:
            if not live or dig(live, "metadata", "uid") != uid:
                return
            finalizers = dig(live, "metadata", "finalizers") or dig(live, "spec", "finalizers")
            left = [
                str(condition.get("message"))
                for condition in dig(live, "status", "conditions") or []
                if "Remaining" in str(condition.get("type")) and condition.get("status") == "True"
            ]
            held = f"finalizers {', '.join(finalizers)}" if finalizers else "it is terminating"
            _see(watched, "; ".join([held, *left]), limit)


async def _versions(api: Api, watched: Watched) -> AsyncGenerator[Json, None]:
    """The object as it is, and after each change, without end; empty once it is deleted."""
    namespace, name = watched.place
    while True:
        yield watched.live
        params = {
            "fieldSelector": f"metadata.name={name}",
            "resourceVersion": str(dig(watched.live, "metadata", "resourceVersion") or ""),
        }
        async with aclosing(api.watch(watched.kind, namespace, params)) as events:
            async for kind_of_event, obj in events:
                if kind_of_event == "DELETED":
                    yield {}
                    return
                watched.live = obj
                yield obj
        await asyncio.sleep(PAUSE_AFTER_BREAK)
        try:
            watched.live = await api.get(watched.kind, namespace, name)
        except ApiError as error:
            if error.code != 404:
                raise
            yield {}
            return


def _see(watched: Watched, seen: str, limit: Limit) -> None:
    if seen != watched.seen:
        watched.seen = seen
        limit.report(seen)


async def _service_ready(api: Api, watched: Watched, limit: Limit) -> None:
    if dig(watched.live, "spec", "type") == "LoadBalancer":
        placeholder: list[Json] = [{"endpoints": [{"conditions": {"ready": True}}]}]
        await _ready(api, watched, lambda live: service(live, placeholder), limit)
    if not needs_endpoints(watched.live):
        return
    namespace, name = watched.place
    _see(watched, waiting("it has no endpoints").seen, limit)
    slices: dict[str, Json] = {}
    labels = {"labelSelector": f"kubernetes.io/service-name={name}"}
    while True:
        async with aclosing(api.watch(SLICES, namespace, labels)) as events:
            async for kind_of_event, piece in events:
                slices.pop(name_of(piece), None)
                if kind_of_event != "DELETED":
                    slices[name_of(piece)] = piece
                verdict = service(watched.live, list(slices.values()))
                if verdict.state == "ready":
                    return
                _see(watched, verdict.seen, limit)
        slices.clear()
        await asyncio.sleep(PAUSE_AFTER_BREAK)


async def _waits_for_consumer(api: Api, watched: Watched) -> bool:
    """Whether a claim is bound only when a pod uses it, so that waiting could never end."""
    name = dig(watched.live, "spec", "storageClassName")
    if watched.kind.kind != "PersistentVolumeClaim" or not name:
        return False
    try:
        found = await api.get(CLASSES, "", str(name))
    except ApiError as error:
        if error.code in (403, 404):
            return False
        raise
    return bool(found.get("volumeBindingMode") == "WaitForFirstConsumer")
