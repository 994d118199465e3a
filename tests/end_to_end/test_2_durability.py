"""Notes outlive the pods that wrote them."""

from collections.abc import Callable
from typing import Any

import httpx
import pytest

from tests.end_to_end.workspace import Workspace


@pytest.mark.parametrize("part", ["postgres", "app", "router"])
def test_notes_survive_the_deletion_of_a_pod(
    fleet: Workspace,
    routers: dict[str, str],
    client: httpx.Client,
    eventually: Callable[..., Any],
    part: str,
) -> None:
    url = f"{routers['beta']}/o/globex/notes"
    made = client.post(url, json={"text": f"before the {part} pod went"})
    assert made.status_code == 201, made.text
    selector = f"app.kubernetes.io/name={part}"
    before = {uid for uid, _ in fleet.pods("cell-beta", selector=selector).values()}
    fleet.must("kubectl", "delete", "pod", "--namespace", "cell-beta", "--selector", selector)

    def read() -> str | None:
        try:
            answer = client.get(url)
        except httpx.TransportError:  # the router itself is the pod that went
            return None
        return answer.text if answer.status_code == 200 else None

    assert f"before the {part} pod went" in eventually(read)
    after = {uid for uid, _ in fleet.pods("cell-beta", selector=selector).values()}
    assert before
    assert not after & before
