"""Create, preview, update, read and delete one object; knows plain values only, nothing of gRPC.

An object that was created or changed but did not become ready is `NotInitializedError`, which
carries its state, so that it is kept and a later run goes on with it. A refused request changes
nothing and keeps nothing.
"""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from . import annotations
from .api import Api, ApiError, Apply, NoSuchKindError, UnreachableError
from .config import Claims
from .creation import added
from .failures import NotInitializedError, RefusedError, refused
from .kinds import Kind
from .managers import adopted, all_taken_over, fresh_manager
from .objects import Json, dig, identifier, name_of, namespace_of, split_identifier
from .readiness import judge_of
from .state import (
    MANAGER,
    imported_inputs,
    live_of,
    manifest_of,
    outputs_of,
    preview_of,
    refreshed_inputs,
)
from .trouble import explain
from .wait import Limit, NotReadyError, until_gone, until_ready

ORDER_SECONDS = 10.0
COMMENT_SECONDS = 10.0
SLOW_TO_GO = ("DaemonSet", "Deployment", "Job", "Namespace", "Pod", "StatefulSet")
"""Kinds whose deletion takes time, and is not waited for with skipAwait, as in the official one."""


class Known(NamedTuple):
    """A resource as Pulumi's state has it."""

    id: str
    inputs: Json
    outputs: Json


class Resources:
    """Operations on one cluster's objects. `say` shows progress of a resource by its URN."""

    def __init__(self, api: Api, say: Callable[[str, str], None], claims: Claims) -> None:
        self._api = api
        self._say = say
        self._claims = claims
        self._shown: set[str] = set()
        self.stopping = asyncio.Event()

    async def create(self, kind: Kind, inputs: Json, urn: str, seconds: float) -> Json:
        """Outputs of the new object, once it is ready."""
        chosen = annotations.field_manager(inputs)
        manager = chosen or fresh_manager()
        if self._claims.upsert:
            live = await self._adopted(kind, inputs, manager, (urn, seconds))
        else:
            who = (manager, not chosen)
            manifest = manifest_of(inputs)
            live = await self._in_order(
                kind, inputs, lambda: added(self._api, kind, manifest, who, urn)
            )
        return await self._settled(kind, (inputs, live), manager, (urn, seconds))

    async def _adopted(
        self, kind: Kind, inputs: Json, manager: str, call: tuple[str, float]
    ) -> Json:
        """The object, new or as it was with these fields; after one that is just going."""
        urn, seconds = call
        how = Apply(manager, force=self._forces(inputs))

        async def attempt() -> Json:
            return await self._api.apply(kind, manifest_of(inputs), how)

        live = await self._in_order(kind, inputs, attempt)
        if dig(live, "metadata", "deletionTimestamp"):  # one of that name is just being deleted
            await self._gone(kind, live, self._limit(inputs, urn, seconds))
            live = await self._in_order(kind, inputs, attempt)
        return live

    async def preview_create(self, kind: Kind, inputs: Json) -> Json:
        """Outputs as a dry run has them; the inputs where the cluster cannot tell yet."""
        manager = annotations.field_manager(inputs) or fresh_manager()
        how = Apply(manager, force=True, dry_run=True)
        manifest = manifest_of(inputs)
        try:
            dry = await self._dry_create(kind, manifest, how)
        except NoSuchKindError:
            return inputs
        except ApiError as error:
            if error.code in (403, 404):
                return inputs
            raise refused(kind, inputs, error, manager) from error
        return preview_of(dry, inputs, manager)

    async def _dry_create(self, kind: Kind, manifest: Json, how: Apply) -> Json:
        """Apply without effect; elsewhere where the object's own place is not free yet.

        A namespace of the same run does not exist yet, so the object is tried in `default`. One
        that is to be replaced still stands in the way, so it is tried under another name.
        """
        try:
            return await self._api.apply(kind, manifest, how)
        except ApiError as error:
            if not (error.namespace_missing or error.code == 422):
                raise
            if error.code == 422 and not await self._exists(kind, manifest):
                raise
            missing = error.namespace_missing
        name = f"{name_of(manifest)[:40]}-{secrets.token_hex(4)}"
        metadata = {**manifest["metadata"], "name": name}
        if missing:
            metadata["namespace"] = "default"
        try:
            return await self._api.apply(kind, {**manifest, "metadata": metadata}, how)
        except ApiError as error:
            if not missing and "already allocated" in str(error):
                return manifest  # the port or address is that of the object to be replaced
            raise

    async def _exists(self, kind: Kind, manifest: Json) -> bool:
        try:
            await self._api.get(kind, namespace_of(manifest), name_of(manifest))
        except ApiError:
            return False
        return True

    async def update(
        self, kind: Kind, known: Known, inputs: Json, urn: str, seconds: float
    ) -> Json:
        """Outputs of the changed object, once it is ready again."""
        manager = annotations.field_manager(inputs) or known.outputs.get(MANAGER)
        manager = str(manager or fresh_manager())
        how = Apply(manager, force=self._forces(inputs))
        try:
            await self._take_over(kind, inputs, manager)
            live = await self._api.apply(kind, manifest_of(inputs), how)
        except (ApiError, NoSuchKindError) as error:
            refusal = refused(kind, inputs, error, manager)
            if isinstance(error, ApiError) and error.code == 404:
                refusal = RefusedError(f"{refusal}; `pulumi refresh` takes note that it is gone")
            raise refusal from error
        return await self._settled(kind, (inputs, live), manager, (urn, seconds))

    async def preview_update(self, kind: Kind, known: Known, inputs: Json) -> Json:
        """Outputs as a dry run of the update has them."""
        manager = annotations.field_manager(inputs) or known.outputs.get(MANAGER)
        manager = str(manager or fresh_manager())
        how = Apply(manager, force=self._forces(inputs), dry_run=True)
        manifest = manifest_of(inputs)
        try:
            try:
                dry = await self._api.apply(kind, manifest, how)
            except ApiError as error:
                if error.code != 409 or not all_taken_over(str(error), manager):
                    raise
                dry = await self._api.apply(kind, manifest, how._replace(force=True))
        except NoSuchKindError:
            return inputs
        except ApiError as error:
            if error.code == 403:
                return inputs
            raise refused(kind, inputs, error, manager) from error
        return preview_of(dry, inputs, manager)

    async def _take_over(self, kind: Kind, inputs: Json, manager: str) -> None:
        for last in (False, False, True):
            live = await self._api.get(kind, namespace_of(inputs), name_of(inputs))
            entries = adopted(dig(live, "metadata", "managedFields") or [], manager)
            if entries is None:
                return
            try:
                await self._api.set_managers(kind, live, entries)
            except ApiError as error:
                if error.code != 409 or last:
                    raise
            else:
                return

    async def read(self, kind: Kind, known: Known) -> tuple[Json, Json] | None:
        """Inputs and outputs by the cluster as it is now; None when the object is gone."""
        namespace, name = split_identifier(known.id)
        try:
            live = await self._api.get(kind, namespace, name)
        except NoSuchKindError:
            return None
        except ApiError as error:
            if error.code == 404:
                return None
            raise RefusedError(f"{kind.kind} {known.id}: {error}") from error
        manager = str(known.outputs.get(MANAGER) or fresh_manager())
        outputs = outputs_of(live, manager)
        if not known.inputs:
            return imported_inputs(live), outputs
        inputs = refreshed_inputs(known.inputs, known.outputs, live)
        judge = judge_of(kind)
        if judge and not annotations.skip_await(known.inputs):
            verdict = judge(live)
            if verdict.state != "ready" and kind.kind != "PersistentVolumeClaim":
                raise NotInitializedError(
                    outputs, inputs, [f"{kind.kind} {known.id}: {verdict.seen}"]
                )
        return inputs, outputs

    async def delete(self, kind: Kind, known: Known, urn: str, seconds: float) -> None:
        """Delete the object and wait until it is gone; one that is gone already is fine."""
        namespace, name = split_identifier(known.id)
        steering = known.inputs or live_of(known.outputs)
        try:
            policy = annotations.propagation_policy(steering)
            answer = await self._api.delete(kind, namespace, name, policy)
        except NoSuchKindError:
            return
        except ApiError as error:
            if error.code == 404:
                return
            raise RefusedError(f"{kind.kind} {known.id} was not deleted: {error}") from error
        if annotations.skip_await(steering) and kind.kind in SLOW_TO_GO:
            return
        await self._gone(kind, answer, self._limit(steering, urn, seconds))

    async def _gone(self, kind: Kind, answer: Json, limit: Limit) -> None:
        try:
            await until_gone(self._api, kind, answer, limit)
        except NotReadyError as error:
            lines = await explain(self._api, kind, error.live)
            name = f"{kind.kind} {identifier(error.live)}"
            text = "\n".join([f"{name} was not deleted: {error}", *lines])
            raise RefusedError(text) from error

    async def _in_order(
        self, kind: Kind, inputs: Json, attempt: Callable[[], Awaitable[Json]]
    ) -> Json:
        """Create, giving the namespace or the definition that it needs a moment to come first."""
        loop = asyncio.get_running_loop()
        end, pause = loop.time() + ORDER_SECONDS, 0.2
        while True:
            try:
                return await attempt()
            except (ApiError, NoSuchKindError) as error:
                early = isinstance(error, NoSuchKindError) or error.namespace_missing
                if not early or loop.time() + pause > end or self.stopping.is_set():
                    raise refused(kind, inputs, error, "") from error
            await asyncio.sleep(pause)
            pause *= 2

    async def _settled(
        self, kind: Kind, versions: tuple[Json, Json], manager: str, call: tuple[str, float]
    ) -> Json:
        inputs, live = versions
        urn, seconds = call
        if annotations.skip_await(inputs):
            return outputs_of(live, manager)
        comments = asyncio.ensure_future(self._comment(kind, live, urn))
        try:
            limit = self._limit(inputs, urn, seconds)
            return outputs_of(await until_ready(self._api, kind, live, limit), manager)
        except NotReadyError as error:
            name = f"{kind.kind} {identifier(live)}"
            reasons = [f"{name} {error}", *await explain(self._api, kind, error.live)]
            raise NotInitializedError(outputs_of(error.live, manager), None, reasons) from error
        except (ApiError, UnreachableError) as error:
            reasons = [f"{kind.kind} {identifier(live)} could not be watched: {error}"]
            raise NotInitializedError(outputs_of(live, manager), None, reasons) from error
        finally:
            comments.cancel()
            if urn in self._shown:
                self._say(urn, "")

    async def _comment(self, kind: Kind, live: Json, urn: str) -> None:
        while True:
            await asyncio.sleep(COMMENT_SECONDS)
            for line in (await explain(self._api, kind, live))[:1]:
                self._show(urn, line)

    def _show(self, urn: str, text: str) -> None:
        self._shown.add(urn)
        self._say(urn, text)

    def _forces(self, inputs: Json) -> bool:
        return self._claims.force or annotations.force(inputs)

    def _limit(self, steering: Json, urn: str, requested: float) -> Limit:
        seconds = annotations.timeout_seconds(requested, steering)
        return Limit(seconds, self.stopping, lambda seen: self._show(urn, seen))
