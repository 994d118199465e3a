"""An API server made of a function, for tests of single requests."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import httpx2
from kubeprovider.api import Api
from kubeprovider.kinds import Kind

Json = dict[str, Any]
DEPLOYMENT = Kind("apps", "v1", "Deployment")
SERVED = {
    "/apis/apps/v1": [
        {"kind": "Deployment", "name": "deployments", "namespaced": True},
        {"kind": "Scale", "name": "deployments/scale", "namespaced": True},
    ],
    "/api/v1": [{"kind": "Namespace", "name": "namespaces", "namespaced": False}],
}


class Server:
    """Answers discovery by itself, and other requests by the given answers, in their order."""

    def __init__(self, *answers: Any) -> None:
        self.answers = list(answers)
        self.requests: list[httpx2.Request] = []
        self.warnings: list[str] = []

    async def __call__(self, request: httpx2.Request) -> httpx2.Response:
        if request.url.path in SERVED and "watch" not in request.url.params:
            self.requests.append(request)
            return httpx2.Response(200, json={"resources": SERVED[request.url.path]})
        self.requests.append(request)
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer if isinstance(answer, httpx2.Response) else httpx2.Response(200, json=answer)

    def run(self, use: Callable[[Api], Awaitable[Any]]) -> Any:
        """The result of using an Api of this server."""

        async def using() -> Any:
            transport = httpx2.MockTransport(self)
            client = httpx2.AsyncClient(transport=transport, base_url="https://cluster.invalid")
            api = Api(client, self.warnings.append)
            try:
                return await use(api)
            finally:
                await api.close()

        return asyncio.run(using())


def served(generation: int = 1, version: str = "1", available: int = 1, **metadata: str) -> Json:
    status = {"observedGeneration": 1, "replicas": 1, "updatedReplicas": 1}
    named = {
        "name": "web",
        "namespace": "here",
        "uid": "u1",
        "resourceVersion": version,
        **metadata,
    }
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {**named, "generation": generation},
        "spec": {"replicas": 1},
        "status": {**status, "availableReplicas": available},
    }


def refusal(code: int, **status: Any) -> httpx2.Response:
    return httpx2.Response(code, json={"kind": "Status", **status})
