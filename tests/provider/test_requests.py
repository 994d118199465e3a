"""Requests, waiting and answers, against an API server made of a function."""

import asyncio
import json
from typing import Any

import httpx2
import pytest
from kubeprovider import api as api_module
from kubeprovider import wait
from kubeprovider.api import Api, ApiError, Apply, NoSuchKindError, UnreachableError
from kubeprovider.immutable import Mutability
from kubeprovider.kinds import Kind
from kubeprovider.replies import DiffResponse, PropertyDiff, config_diff, diff_of
from kubeprovider.wait import Limit, NotReadyError, until_gone, until_ready

from .api_server import DEPLOYMENT, Json, Server, refusal, served


@pytest.fixture(autouse=True)
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(api_module, "FIRST_PAUSE", 0.0)
    monkeypatch.setattr(wait, "PAUSE_AFTER_BREAK", 0.0)


def _events(*events: tuple[str, Json]) -> httpx2.Response:
    lines = [json.dumps({"type": kind, "object": obj}) for kind, obj in events]
    return httpx2.Response(200, text="".join(f"{line}\n" for line in lines))


def test_an_apply_goes_to_the_objects_own_address() -> None:
    server = Server(served())
    how = Apply("me", force=True, dry_run=True)
    server.run(lambda api: api.apply(DEPLOYMENT, served(), how))
    request = server.requests[-1]
    assert (request.method, request.url.path) == (
        "PATCH",
        "/apis/apps/v1/namespaces/here/deployments/web",
    )
    assert dict(request.url.params) == {
        "fieldManager": "me",
        "force": "true",
        "fieldValidation": "Strict",
        "dryRun": "All",
    }
    assert request.headers["Content-Type"] == "application/apply-patch+yaml"


def test_each_group_is_discovered_once_however_many_ask() -> None:
    async def use(api: Api) -> None:
        await asyncio.gather(*(api.resource(DEPLOYMENT) for _ in range(9)))

    server = Server()
    server.run(use)
    assert len(server.requests) == 1


@pytest.mark.parametrize("kind", [Kind("apps", "v1", "Scale"), Kind("example.com", "v1", "Thing")])
def test_a_kind_that_is_not_served_is_named(kind: Kind) -> None:
    server = Server(refusal(404))
    with pytest.raises(NoSuchKindError, match=kind.kind):
        server.run(lambda api: api.resource(kind))


def test_broken_connections_and_busy_servers_are_tried_again() -> None:
    busy = httpx2.Response(429, headers={"Retry-After": "0"}, json={})
    server = Server(httpx2.ReadError("reset"), busy, served(version="9"))
    got = server.run(lambda api: api.get(DEPLOYMENT, "here", "web"))
    assert got["metadata"]["resourceVersion"] == "9"


def test_a_server_that_is_away_is_named_with_the_reason() -> None:
    server = Server(*[httpx2.ConnectError("refused")] * api_module.ATTEMPTS)
    with pytest.raises(UnreachableError, match=r"https://cluster\.invalid.*refused"):
        server.run(lambda api: api.reach())


def test_a_connection_that_takes_too_long_is_not_tried_again() -> None:
    server = Server(httpx2.ConnectTimeout("late"))
    with pytest.raises(UnreachableError):
        server.run(lambda api: api.reach())


def test_a_server_that_forbids_to_look_at_its_version_is_reached() -> None:
    Server(refusal(403)).run(lambda api: api.reach())
    with pytest.raises(ApiError, match="Unauthorized"):
        Server(refusal(401, reason="Unauthorized")).run(lambda api: api.reach())


def test_refusals_carry_code_and_causes() -> None:
    cause = {"field": ".data.a", "message": 'conflict with "rival"'}
    details = {"causes": [cause]}
    server = Server(refusal(409, reason="Conflict", message="Apply failed", details=details))
    with pytest.raises(ApiError, match="Apply failed") as raised:
        server.run(lambda api: api.apply(DEPLOYMENT, served(), Apply("me")))
    assert (raised.value.code, raised.value.reason) == (409, "Conflict")
    assert raised.value.causes == [cause]


def test_a_refusal_that_is_no_status_is_shown_as_it_is() -> None:
    server = Server(httpx2.Response(502, text="bad gateway\n"))
    with pytest.raises(ApiError, match=r"^bad gateway$"):
        server.run(lambda api: api.reach())


def test_warnings_of_the_server_are_passed_on() -> None:
    headers = [("Warning", '299 - "policy/v1beta1 is \\"deprecated\\""')]
    server = Server(httpx2.Response(200, headers=headers, json={}))
    server.run(lambda api: api.reach())
    assert server.warnings == ['policy/v1beta1 is "deprecated"']


def _waiting(server: Server, live: Json, seconds: float = 60, *, stopped: bool = False) -> Any:
    async def use(api: Api) -> Json:
        stopping = asyncio.Event()
        if stopped:
            stopping.set()
        return await until_ready(api, DEPLOYMENT, live, Limit(seconds, stopping, seen.append))

    seen: list[str] = []
    return server.run(use), seen


def test_a_ready_object_needs_no_request() -> None:
    server = Server()
    assert _waiting(server, served())[0] == served()
    assert not server.requests


def test_a_wait_watches_from_the_version_that_it_knows() -> None:
    ready = served(version="3")
    server = Server(_events(("MODIFIED", served(version="2", available=0)), ("MODIFIED", ready)))
    live, seen = _waiting(server, served(version="1", available=0))
    assert live == ready
    assert seen == ["0 of 1 replicas are available"]
    params = server.requests[-1].url.params
    assert params["resourceVersion"] == "1"
    assert params["fieldSelector"] == "metadata.name=web"


@pytest.mark.parametrize(
    "broken",
    [
        _events(),
        _events(("ERROR", {"code": 410})),
        refusal(410),
        httpx2.ReadError("reset"),
    ],
)
def test_a_watch_that_breaks_off_goes_on_from_a_read(broken: Any) -> None:
    ready = served(version="9")
    server = Server(broken, served(version="5", available=0), _events(("MODIFIED", ready)))
    assert _waiting(server, served(available=0))[0] == ready
    assert server.requests[-1].url.params["resourceVersion"] == "5"


def test_an_object_that_is_deleted_meanwhile_ends_the_wait() -> None:
    server = Server(_events(("DELETED", served())))
    with pytest.raises(NotReadyError, match="was deleted"):
        _waiting(server, served(available=0))


class _Silence(httpx2.AsyncByteStream):
    async def __aiter__(self) -> Any:
        await asyncio.sleep(3600)
        yield b""


def test_a_wait_ends_in_time_and_says_what_was_seen() -> None:
    server = Server(httpx2.Response(200, stream=_Silence()))
    with pytest.raises(NotReadyError, match=r"timed out after 0\.05 s.*0 of 1 replicas") as raised:
        _waiting(server, served(available=0), 0.05)
    assert raised.value.live == served(available=0)


def test_an_interrupt_ends_the_wait() -> None:
    server = Server(httpx2.Response(200, stream=_Silence()))
    with pytest.raises(NotReadyError, match="was cancelled"):
        _waiting(server, served(available=0), stopped=True)


def _going(server: Server, answer: Json) -> None:
    limit = Limit(60, asyncio.Event(), lambda _: None)
    server.run(lambda api: until_gone(api, DEPLOYMENT, answer, limit))


def test_a_deletion_is_over_when_the_object_is_gone_or_another() -> None:
    _going(Server(), {"kind": "Status", "status": "Success"})
    _going(Server(_events(("MODIFIED", served()), ("DELETED", served()))), served())
    _going(Server(_events(), served(uid="u2")), served())
    _going(Server(_events(), refusal(404)), served())


def _diff(old: Json, new: Json, *ignored: str) -> DiffResponse:
    return diff_of(DEPLOYMENT, (old, new), ignored, Mutability())


def test_a_replacement_deletes_first_only_where_the_name_stays() -> None:
    old = {"metadata": {"name": "a"}, "spec": {"selector": {"a": "1"}}}
    same_name = _diff(old, {**old, "spec": {"selector": {"a": "2"}}})
    assert same_name.deleteBeforeReplace
    assert list(same_name.replaces) == ["spec.selector.a"]
    assert same_name.detailedDiff["spec.selector.a"].kind == PropertyDiff.UPDATE_REPLACE
    other_name = _diff(old, {**old, "metadata": {"name": "b"}})
    assert list(other_name.replaces) == ["metadata.name"]
    assert not other_name.deleteBeforeReplace


def test_ignored_changes_are_none() -> None:
    old, new = {"spec": {"replicas": 1, "r": {"x": 1}}}, {"spec": {"replicas": 2, "r": {"x": 2}}}
    assert _diff(old, old).changes == DiffResponse.DIFF_NONE
    assert _diff(old, new, "spec.replicas", "spec.r").changes == DiffResponse.DIFF_NONE
    assert set(_diff(old, new, "spec.rep").detailedDiff) == {"spec.replicas", "spec.r.x"}


def test_another_cluster_replaces_the_provider() -> None:
    old, new = {"kubeconfig": "a"}, {"kubeconfig": "b"}
    assert list(config_diff(old, new, other_cluster=True).replaces) == ["kubeconfig"]
    assert not config_diff(old, new, other_cluster=False).replaces
    assert config_diff(old, old, other_cluster=False).changes == DiffResponse.DIFF_NONE


def test_a_job_that_is_not_complete_is_made_anew_where_it_asks_for_it() -> None:
    job = Kind("batch", "v1", "Job")
    asked = {"metadata": {"name": "a", "annotations": {"pulumi.com/replaceUnready": "true"}}}
    failed = {"status": {"conditions": [{"type": "Failed", "status": "True"}]}}
    done = {"status": {"conditions": [{"type": "Complete", "status": "True"}]}}
    answer = diff_of(job, (asked, asked), (), Mutability(), failed)
    assert answer.changes == DiffResponse.DIFF_SOME
    assert answer.deleteBeforeReplace
    assert len(answer.replaces) == 1
    for versions, live in (((asked, asked), done), (({"metadata": {"name": "a"}},) * 2, failed)):
        unchanged = diff_of(job, versions, (), Mutability(), live)
        assert unchanged.changes == DiffResponse.DIFF_NONE
