"""What the provider tells Pulumi's engine beside its answers: progress and warnings."""

import asyncio
import os

import grpc.aio  # type: ignore[import-untyped]  # grpcio ships no types
from pulumi.runtime.proto import engine_pb2, engine_pb2_grpc

from .redaction import Redactor

PARENT_SECONDS = 1.0


class Engine:
    """The engine at an address; without one (a provider started by hand) nothing is told."""

    def __init__(self, address: str, redactor: Redactor) -> None:
        self._redactor = redactor
        self._stub = None
        if address:
            self._stub = engine_pb2_grpc.EngineStub(grpc.aio.insecure_channel(address))
        self._turn = asyncio.Lock()
        self._sending: set[asyncio.Task[None]] = set()

    def progress(self, urn: str, text: str) -> None:
        """Show what a resource waits for, for as long as it does."""
        self._log(engine_pb2.INFO, urn, text, ephemeral=True)

    def warn(self, urn: str, text: str) -> None:
        """Show a warning that stays."""
        self._log(engine_pb2.WARNING, urn, text, ephemeral=False)

    def _log(
        self, severity: engine_pb2.LogSeverity.ValueType, urn: str, text: str, *, ephemeral: bool
    ) -> None:
        if self._stub is None:
            return
        request = engine_pb2.LogRequest(
            severity=severity, urn=urn, message=self._redactor.redact(text), ephemeral=ephemeral
        )
        task = asyncio.ensure_future(self._send(self._stub, request))
        self._sending.add(task)
        task.add_done_callback(self._sending.discard)

    async def _send(self, stub: engine_pb2_grpc.EngineStub, request: engine_pb2.LogRequest) -> None:
        async with self._turn:  # one after the other, so that the newest is shown last
            try:
                await stub.Log(request)
            except grpc.aio.AioRpcError:
                return  # the engine has gone; the operation itself will notice


async def parent_gone() -> None:
    """Return when the process that started this one has ended without stopping it."""
    parent = os.getppid()
    while os.getppid() == parent:  # noqa: ASYNC110 - no event tells of it
        await asyncio.sleep(PARENT_SECONDS)
