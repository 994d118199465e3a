"""Creations: where they go, and what is made of an object that exists, by a given server."""

from typing import Any

import httpx2
import pytest
from kubeprovider.api import ApiError
from kubeprovider.creation import added
from kubeprovider.failures import RefusedError

from .api_server import DEPLOYMENT, Json, Server, refusal, served


def test_a_creation_goes_to_all_objects_of_the_kind() -> None:
    server = Server(served())
    server.run(lambda api: api.create(DEPLOYMENT, served(), "me"))
    request = server.requests[-1]
    assert (request.method, request.url.path) == (
        "POST",
        "/apis/apps/v1/namespaces/here/deployments",
    )
    assert dict(request.url.params) == {"fieldManager": "me", "fieldValidation": "Strict"}


def _there() -> httpx2.Response:
    message = 'deployments.apps "web" already exists'
    return refusal(409, reason="AlreadyExists", message=message)


def _made_by(manager: str) -> Json:
    managed = [{"manager": manager, "operation": "Update"}]
    return {"metadata": {"name": "web", "managedFields": managed}}


def _added(server: Server, *, unique: bool) -> Any:
    who = ("pulumi-kubernetes-0123abcd", unique)
    return server.run(lambda api: added(api, DEPLOYMENT, served(), who, "urn:web"))


def test_a_creation_whose_answer_was_lost_is_recognized_by_its_own_manager() -> None:
    ours = _made_by("pulumi-kubernetes-0123abcd")
    server = Server(httpx2.ReadError("reset"), _there(), ours)
    assert _added(server, unique=True) == ours


@pytest.mark.parametrize(
    ("answer", "unique"),
    [
        (_made_by("kubectl-create"), True),
        (_made_by("pulumi-kubernetes-fedcba98"), True),
        (refusal(404), True),
        (refusal(403), True),
        (_made_by("pulumi-kubernetes-0123abcd"), False),
    ],
)
def test_what_others_made_is_refused_in_the_official_words(answer: Any, *, unique: bool) -> None:
    expected = (
        r'^resource "urn:web" was not successfully created by the Kubernetes API server: '
        r'deployments\.apps "web" already exists\. .*upsertExistingObjects'
    )
    with pytest.raises(RefusedError, match=expected):
        _added(Server(_there(), answer), unique=unique)


def test_other_refusals_of_a_creation_stay_what_they_are() -> None:
    with pytest.raises(ApiError, match="no such namespace"):
        _added(Server(refusal(404, message="no such namespace")), unique=True)
