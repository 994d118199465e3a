# ruff: noqa: ARG002, D102, N802 - names and signatures are the protocol's
"""Pulumi's provider protocol (pulumirpc.ResourceProvider), spoken directly.

`pulumi.provider.experimental` wraps the same protocol, but has no way to return a resource that
exists and is not ready, and gives `delete` no inputs. This module turns requests into calls of
`Resources`, and errors into gRPC's; it knows no Kubernetes.
"""

import asyncio
import re
import sys
from collections.abc import Awaitable, Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple

import grpc
import grpc.aio  # type: ignore[import-untyped]
from google.protobuf import empty_pb2  # type: ignore[import-untyped]  # nor does protobuf
from pulumi.runtime.proto import plugin_pb2, provider_pb2, provider_pb2_grpc

from .api import Api, ApiError, NoSuchKindError, UnreachableError
from .checks import checked
from .config import Config, parse, refused
from .connection import KubeconfigError, connect, server_of
from .engine import Engine, parent_gone
from .failures import NotInitializedError, RefusedError
from .kinds import Kind, UnsupportedTypeError, kind_of_urn
from .objects import identifier
from .properties import Properties, decode, encode, has_unknowns
from .redaction import Redactor
from .replies import config_diff, diff_of, not_initialized
from .resources import Known, Resources

MESSAGE_BYTES = 400 * 1024 * 1024
"""The engine's own limit."""

FORGET = (
    "if the cluster is gone for good, run it again with PULUMI_K8S_DELETE_UNREACHABLE=true, "
    "which takes its resources out of the state"
)
EXPECTED = (
    ApiError,
    KubeconfigError,
    NoSuchKindError,
    RefusedError,
    UnreachableError,
    UnsupportedTypeError,
)
Handler = Callable[["Provider", Any, Any], Awaitable[Any]]


class Cluster(NamedTuple):
    """A configured provider's cluster."""

    api: Api
    resources: Resources
    namespace: str


def answering(handler: Handler) -> Handler:
    """Turn the errors that users can cause into gRPC errors, without any secret in them."""

    @wraps(handler)
    async def answer(self: "Provider", request: Any, context: Any) -> Any:
        try:
            return await handler(self, request, context)
        except NotInitializedError as error:
            sent = decode(getattr(request, "news", None) or request.properties)
            reasons = [self.redactor.redact(reason) for reason in error.reasons]
            return await context.abort_with_status(not_initialized(error, sent, reasons))
        except EXPECTED as error:
            text = self.redactor.redact(str(error))
            return await context.abort(grpc.StatusCode.FAILED_PRECONDITION, text)

    return answer


class Provider(provider_pb2_grpc.ResourceProviderServicer):
    """One process serves one provider resource of one run."""

    def __init__(self, engine: Engine, redactor: Redactor) -> None:
        self.redactor = redactor
        self._engine = engine
        self._config = Config()
        self._cluster: Cluster | None = None
        self._away = "the provider is not configured"

    async def Handshake(self, request: Any, context: Any) -> Any:
        return provider_pb2.ProviderHandshakeResponse(accept_secrets=True)

    async def GetPluginInfo(self, request: Any, context: Any) -> Any:
        return plugin_pb2.PluginInfo(version=_installed_version())

    async def Attach(self, request: Any, context: Any) -> Any:
        self._engine = Engine(request.address, self.redactor)
        return empty_pb2.Empty()

    async def Cancel(self, request: Any, context: Any) -> Any:
        if self._cluster:
            self._cluster.resources.stopping.set()
        return empty_pb2.Empty()

    async def CheckConfig(self, request: Any, context: Any) -> Any:
        failures = [
            provider_pb2.CheckFailure(property=name, reason=reason)
            for name, reason in refused(decode(request.news).values)
        ]
        return provider_pb2.CheckResponse(inputs=request.news, failures=failures)

    async def DiffConfig(self, request: Any, context: Any) -> Any:
        old, new = decode(request.olds).values, decode(request.news).values
        other = False
        if old.get("kubeconfig") or new.get("kubeconfig"):
            other = has_unknowns(new) or server_of(parse(old)) != server_of(parse(new))
        return config_diff(old, new, other_cluster=other)

    async def Configure(self, request: Any, context: Any) -> Any:
        self._config = parse(decode(request.args).values)
        try:
            connection = connect(self._config)
            api = Api(connection.client, self._warn)
            await api.reach()
            resources = Resources(api, self._engine.progress, self._config.claims)
            self._cluster = Cluster(api, resources, connection.namespace)
        except (ApiError, KubeconfigError, UnreachableError) as error:
            self._away = str(error)
        return provider_pb2.ConfigureResponse(acceptSecrets=True, supportsPreview=True)

    @answering
    async def Check(self, request: Any, context: Any) -> Any:
        sent = self._decoded(request.news)
        kind = kind_of_urn(request.urn)
        namespace = await self._default_namespace(kind)
        inputs, reasons = checked(kind, sent.values, namespace)
        failures = [provider_pb2.CheckFailure(reason=reason) for reason in reasons]
        return provider_pb2.CheckResponse(inputs=encode(inputs, sent.secrets), failures=failures)

    @answering
    async def Diff(self, request: Any, context: Any) -> Any:
        old, new = decode(request.old_inputs).values, decode(request.news).values
        ignored = list(request.ignoreChanges)
        kind = kind_of_urn(request.urn)
        live = decode(request.olds).values
        return diff_of(kind, (old, new), ignored, self._config.mutability, live)

    @answering
    async def Create(self, request: Any, context: Any) -> Any:
        sent = self._decoded(request.properties)
        kind = kind_of_urn(request.urn)
        resources = self._reached().resources
        if not request.preview:
            outputs = await resources.create(kind, sent.values, request.urn, request.timeout)
            properties = encode(outputs, sent.secrets)
            return provider_pb2.CreateResponse(id=identifier(outputs), properties=properties)
        if has_unknowns(sent.values):
            return provider_pb2.CreateResponse(properties=request.properties)
        outputs = await resources.preview_create(kind, sent.values)
        return provider_pb2.CreateResponse(properties=encode(outputs, sent.secrets))

    @answering
    async def Update(self, request: Any, context: Any) -> Any:
        sent = self._decoded(request.news)
        kind = kind_of_urn(request.urn)
        inputs, outputs = self._decoded(request.old_inputs), self._decoded(request.olds)
        old = Known(request.id, inputs.values, outputs.values)
        resources = self._reached().resources
        if not request.preview:
            made = await resources.update(kind, old, sent.values, request.urn, request.timeout)
        elif has_unknowns(sent.values):
            return provider_pb2.UpdateResponse(properties=request.news)
        else:
            made = await resources.preview_update(kind, old, sent.values)
        return provider_pb2.UpdateResponse(properties=encode(made, sent.secrets))

    @answering
    async def Read(self, request: Any, context: Any) -> Any:
        sent = self._decoded(request.inputs)
        outputs = self._decoded(request.properties)
        if not self._cluster and self._config.delete_unreachable:
            return provider_pb2.ReadResponse()
        kind = kind_of_urn(request.urn)
        known = Known(request.id, sent.values, outputs.values)
        found = await self._reached(FORGET).resources.read(kind, known)
        if found is None:
            return provider_pb2.ReadResponse()
        marked = sent.secrets | outputs.secrets
        return provider_pb2.ReadResponse(
            id=request.id, inputs=encode(found[0], marked), properties=encode(found[1], marked)
        )

    @answering
    async def Delete(self, request: Any, context: Any) -> Any:
        if not self._cluster and self._config.delete_unreachable:
            return empty_pb2.Empty()
        outputs = self._decoded(request.properties).values
        known = Known(request.id, self._decoded(request.old_inputs).values, outputs)
        resources = self._reached(FORGET).resources
        await resources.delete(kind_of_urn(request.urn), known, request.urn, request.timeout)
        return empty_pb2.Empty()

    def _decoded(self, struct: Any) -> Properties:
        properties = decode(struct)
        self.redactor.remember(properties)
        return properties

    def _reached(self, hint: str = "") -> Cluster:
        if self._cluster is None:
            text = f"configured Kubernetes cluster is unreachable: {self._away}"
            raise RefusedError(f"{text}; {hint}" if hint else text)
        return self._cluster

    async def _default_namespace(self, kind: Kind) -> str | None:
        # Only the cluster knows whether the kind has namespaces at all: a guess would look like a
        # change of the object, and one that replaces it.
        cluster = self._reached()
        try:
            resource = await cluster.api.resource(kind)
        except NoSuchKindError:
            return cluster.namespace
        return cluster.namespace if resource.namespaced else None

    def _warn(self, text: str) -> None:
        if not (self._config.suppress_deprecation_warnings and "deprecated" in text):
            self._engine.warn("", text)


def _installed_version() -> str:
    """The version as which this copy was installed, which Pulumi writes into the folder's name."""
    folder = Path(__file__).resolve().parent.parent.name
    found = re.fullmatch(r"resource-kubernetes-v(.+)", folder)
    return found.group(1) if found else "0.0.0"


async def _serve(address: str) -> None:
    redactor = Redactor()
    provider = Provider(Engine(address, redactor), redactor)
    server = grpc.aio.server(
        options=[
            ("grpc.max_receive_message_length", MESSAGE_BYTES),
            ("grpc.max_send_message_length", MESSAGE_BYTES),
        ]
    )
    provider_pb2_grpc.add_ResourceProviderServicer_to_server(provider, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    sys.stdout.write(f"{port}\n")
    sys.stdout.flush()
    await parent_gone()
    await server.stop(grace=0)


def main(arguments: list[str]) -> None:
    """Serve until Pulumi ends this process, or has ended itself.

    The arguments are Pulumi's: options for logging, which are ignored, and the engine's address.
    """
    addresses = [argument for argument in arguments if not argument.startswith("-")]
    asyncio.run(_serve(addresses[0] if addresses else ""))
