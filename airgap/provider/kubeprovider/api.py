"""Requests to the API server on plain objects; decides nothing about them.

Every request that this provider makes may be repeated: reads, server-side applies, deletions, and
creations, of which a second attempt is told that the object exists. So a broken connection and an
overloaded server are tried again, a server that refuses connections is `UnreachableError`, and
everything else that is not a success is `ApiError`.
"""

import asyncio
import json
from collections.abc import AsyncGenerator, Callable
from typing import Any, NamedTuple

import httpx2
from lightkube.core.exceptions import ConfigError

from .kinds import Kind
from .objects import Json, name_of, namespace_of

ATTEMPTS = 4
FIRST_PAUSE = 0.1
WATCH_SECONDS = 300
APPLY = "application/apply-patch+yaml"
JSON_PATCH = "application/json-patch+json"


class UnreachableError(Exception):
    """No answer from the API server."""


class ApiError(Exception):
    """The API server refused; `status` is its Status object."""

    def __init__(self, code: int, status: Json) -> None:
        super().__init__(str(status.get("message") or status.get("reason") or f"HTTP {code}"))
        self.code = code
        self.reason = str(status.get("reason") or "")
        self.causes: list[Json] = (status.get("details") or {}).get("causes") or []

    @property
    def namespace_missing(self) -> bool:
        """Whether it is the object's namespace that was not found."""
        return self.code == 404 and str(self).startswith("namespaces ")


class NoSuchKindError(Exception):
    """The API server does not serve the kind."""


class Resource(NamedTuple):
    """Where a kind is served."""

    kind: Kind
    plural: str
    namespaced: bool

    def path(self, namespace: str, name: str = "") -> str:
        """The URL's path of an object, or of all of them."""
        parts = ["apis", self.kind.group] if self.kind.group else ["api"]
        parts.append(self.kind.version)
        if self.namespaced and namespace:
            parts += ["namespaces", namespace]
        parts.append(self.plural)
        return "/" + "/".join([*parts, name] if name else parts)


class Apply(NamedTuple):
    """How to apply."""

    manager: str
    force: bool = False
    dry_run: bool = False


class Api:
    """One API server. `on_warning` gets the texts of its Warning headers."""

    def __init__(self, client: httpx2.AsyncClient, on_warning: Callable[[str], None]) -> None:
        self.client = client
        self._on_warning = on_warning
        self._served: dict[str, dict[str, Resource]] = {}
        self._asking: dict[str, asyncio.Lock] = {}

    async def resource(self, kind: Kind) -> Resource:
        """Where the kind is served; asked once for each group and version."""
        group_version = kind.api_version
        async with self._asking.setdefault(group_version, asyncio.Lock()):
            served = self._served.get(group_version, {})
            if kind.kind not in served:
                served = await self._discover(kind)
                self._served[group_version] = served
        if kind.kind not in served:
            raise NoSuchKindError(
                f"the API server knows no kind {kind.kind} in {group_version}; "
                "if it is a custom resource, its definition must be created first"
            )
        return served[kind.kind]

    async def _discover(self, kind: Kind) -> dict[str, Resource]:
        root = f"/apis/{kind.group}/{kind.version}" if kind.group else f"/api/{kind.version}"
        try:
            found = await self._json("GET", root)
        except ApiError as error:
            if error.code == 404:
                return {}
            raise
        return {
            item["kind"]: Resource(
                kind._replace(kind=item["kind"]), item["name"], item["namespaced"]
            )
            for item in found.get("resources", [])
            if "/" not in item["name"]
        }

    async def reach(self) -> None:
        """Raise unless the server answers and takes the credentials."""
        try:
            await self._json("GET", "/version")
        except ApiError as error:
            if error.code != 403:
                raise

    async def get(self, kind: Kind, namespace: str, name: str) -> Json:
        """The object as it is now."""
        resource = await self.resource(kind)
        return await self._json("GET", resource.path(namespace, name))

    async def listed(
        self, kind: Kind, namespace: str, labels: dict[str, str] | None = None, fields: str = ""
    ) -> list[Json]:
        """The namespace's objects with these labels."""
        resource = await self.resource(kind)
        selector = ",".join(f"{key}={value}" for key, value in (labels or {}).items())
        params = {"labelSelector": selector, "fieldSelector": fields}
        params = {key: value for key, value in params.items() if value}
        items = (await self._json("GET", resource.path(namespace), params)).get("items") or []
        return [{"apiVersion": kind.api_version, "kind": kind.kind, **item} for item in items]

    async def create(self, kind: Kind, obj: Json, manager: str) -> Json:
        """Create what does not exist; the object as the server has it then."""
        resource = await self.resource(kind)
        params = {"fieldManager": manager, "fieldValidation": "Strict"}
        return await self._json("POST", resource.path(namespace_of(obj)), params, obj)

    async def apply(self, kind: Kind, obj: Json, how: Apply) -> Json:
        """Server-side apply; the object as the server has it then."""
        resource = await self.resource(kind)
        params = {"fieldManager": how.manager, "force": str(how.force).lower()}
        params["fieldValidation"] = "Strict"
        if how.dry_run:
            params["dryRun"] = "All"
        path = resource.path(namespace_of(obj), name_of(obj))
        return await self._json("PATCH", path, params, obj, APPLY)

    async def set_managers(self, kind: Kind, obj: Json, entries: list[Json]) -> Json:
        """Replace `metadata.managedFields` of exactly this version of the object."""
        resource = await self.resource(kind)
        version = obj["metadata"]["resourceVersion"]
        patch = [
            {"op": "replace", "path": "/metadata/managedFields", "value": entries},
            {"op": "replace", "path": "/metadata/resourceVersion", "value": version},
        ]
        path = resource.path(namespace_of(obj), name_of(obj))
        return await self._json("PATCH", path, {}, patch, JSON_PATCH)

    async def delete(self, kind: Kind, namespace: str, name: str, policy: str) -> Json:
        """Ask for deletion; the answer is the object while it is still there, else a Status."""
        resource = await self.resource(kind)
        options = {"apiVersion": "v1", "kind": "DeleteOptions", "propagationPolicy": policy}
        return await self._json("DELETE", resource.path(namespace, name), {}, options)

    async def log(self, namespace: str, pod: str, container: str, lines: int) -> str:
        """The last lines that a container wrote."""
        path = f"/api/v1/namespaces/{namespace}/pods/{pod}/log"
        params = {"container": container, "tailLines": str(lines)}
        return (await self._send("GET", path, params)).text

    async def watch(
        self, kind: Kind, namespace: str, params: dict[str, str]
    ) -> AsyncGenerator[tuple[str, Json], None]:
        """Changes as (type, object) until the server ends the watch; errors end it, too."""
        resource = await self.resource(kind)
        query = {**params, "watch": "true", "timeoutSeconds": str(WATCH_SECONDS)}
        timeout = httpx2.Timeout(WATCH_SECONDS + 30.0, connect=10.0, pool=None)
        path = resource.path(namespace)
        try:
            async with self.client.stream("GET", path, params=query, timeout=timeout) as response:
                if response.status_code != 200:
                    return
                async for line in response.aiter_lines():
                    event = json.loads(line)
                    if event["type"] == "ERROR":
                        return
                    yield event["type"], event["object"]
        except httpx2.TransportError:
            return

    async def close(self) -> None:
        """Close the connections."""
        await self.client.aclose()

    async def _json(
        self,
        method: str,
        path: str,
        params: dict[str, str] | None = None,
        body: Any = None,
        content_type: str = "application/json",
    ) -> Json:
        content = None if body is None else _compact(body)
        response = await self._send(method, path, params, content, content_type)
        parsed = json.loads(response.content)
        return parsed if isinstance(parsed, dict) else {}

    async def _send(
        self,
        method: str,
        path: str,
        params: dict[str, str] | None = None,
        content: bytes | None = None,
        content_type: str = "application/json",
    ) -> httpx2.Response:
        headers = {"Content-Type": content_type} if content is not None else {}
        for attempt in range(ATTEMPTS):
            pause = FIRST_PAUSE * 2**attempt
            try:
                response = await self.client.request(
                    method, path, params=params, content=content, headers=headers
                )
            except httpx2.TransportError as error:
                if attempt + 1 == ATTEMPTS or isinstance(error, httpx2.ConnectTimeout):
                    raise UnreachableError(f"{self.client.base_url}: {_text(error)}") from error
            except (ConfigError, OSError) as error:  # of the kubeconfig's credential plugin
                raise UnreachableError(f"{self.client.base_url}: {_text(error)}") from error
            else:
                if response.status_code != 429 or attempt + 1 == ATTEMPTS:
                    return self._checked(response)
                pause = max(pause, float(response.headers.get("Retry-After", 0)))
            await asyncio.sleep(pause)
        raise AssertionError("the last attempt returns or raises")

    def _checked(self, response: httpx2.Response) -> httpx2.Response:
        for warning in response.headers.get_list("Warning"):
            self._on_warning(warning.partition('"')[2].rpartition('"')[0].replace('\\"', '"'))
        if response.is_success:
            return response
        try:
            status = json.loads(response.content)
        except ValueError:
            status = {"message": response.text.strip()}
        raise ApiError(response.status_code, status if isinstance(status, dict) else {})


def _compact(body: Any) -> bytes:
    return json.dumps(body, ensure_ascii=False, separators=(",", ":")).encode()


def _text(error: Exception) -> str:
    return str(error) or type(error).__name__
