"""Sets the passwords of a running Postgres to those in its Secrets, which it reads when it starts.

Its own script does that, in its container: over the local socket, from the mounted files. It is
told the digests of what these are to hold, and says when kubelet has not brought it yet. Refuses to
show a password to anything but the Secrets.
"""

import hashlib
import time
from collections.abc import Iterator, Mapping
from typing import Any

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Kubectl
from cellwright.edge.process import Interrupts, Result, run
from cellwright.edge.up.reading import Situation
from cellwright.identity import SECRETS_ANNOTATION
from cellwright.secret import resolve

_NAME = "postgres"
_VOLUME = "passwords"
_COMMAND = ("entrypoint", "set-roles")
_NOT_YET = 75
"""What the script ends with while a file is not as it is to be (EX_TEMPFAIL of sysexits.h)."""
_EXECUTION = 60.0  # seconds for the script, which may wait for a lock
_PAUSE = 1.0  # seconds between two attempts


def set_passwords(situation: Situation, cell: str, interrupts: Interrupts) -> bool:
    """Set the passwords of a cell's Postgres; False if the cell's templates have no such Postgres.

    Raises CommandError where that fails, or takes longer than the fleet's timeout.
    """
    expected = dict(_expected(situation, cell))
    if not expected:
        return False
    declared = situation.fleet.cells[cell]
    kubectl = Kubectl(situation.fleet.clusters[declared.cluster])
    pod = f"{_NAME}-0"
    # A change of the pod lets kubelet bring its files at once, not within a minute.
    note = {"metadata": {"annotations": {SECRETS_ANNOTATION: situation.secrets_of(cell).tag}}}
    kubectl.patch("pod", pod, note, namespace=declared.namespace)
    given = "".join(f"{name} {digest}\n" for name, digest in sorted(expected.items()))
    deadline = time.monotonic() + situation.fleet.timeout
    while True:
        done = _executed(kubectl, declared.namespace, pod, given)
        if done.code == 0:
            return True
        said = [line for line in done.errors.splitlines() if line.startswith("cellwright: ")]
        last = said[-1] if said else (done.errors.strip().splitlines() or ["no message"])[-1]
        is_over = time.monotonic() > deadline or interrupts.is_interrupted
        if done.code != _NOT_YET or is_over:
            raise CommandError(f"passwords of cell {cell} are not set: {last}; run this again")
        time.sleep(_PAUSE)


def _executed(kubectl: Kubectl, namespace: str, pod: str, given: str) -> Result:
    """Run the script with this standard input. Raises CommandError if that takes long."""
    asked = ["exec", "--stdin", "--namespace", namespace, pod, "--container", _NAME, "--"]
    command = [*kubectl.command, *asked, *_COMMAND]
    return run(command, given=given, timeout=_EXECUTION, check=False)


def require_sources(situation: Situation, cell: str) -> None:
    """Raise CommandError where a cell's Postgres has passwords that could not be set later."""
    declared = {one.name: one.body for one in situation.manifests[cell] if one.kind == "Secret"}
    for volume in _volumes(situation, cell):
        sources = (volume.get("projected") or {}).get("sources") or [{}]
        for source in sources:
            secret = source.get("secret") or {}
            held = (declared.get(str(secret.get("name"))) or {}).get("stringData") or {}
            items = secret.get("items") or ()
            if not items or any(item["key"] not in held for item in items):
                raise CommandError(
                    f"the passwords of cell {cell} can't be set: volume {_VOLUME} of StatefulSet "
                    f"{_NAME} is to have projected sources that name a declared Secret and the "
                    "items of its stringData"
                )


def _expected(situation: Situation, cell: str) -> Iterator[tuple[str, str]]:
    """Yield the files with passwords, each with the digest of what is to be there."""
    secrets = {one.name: one.body for one in situation.manifests[cell] if one.kind == "Secret"}
    value = situation.secrets_of(cell).value
    for volume in _volumes(situation, cell):
        for source in (one["secret"] for one in volume["projected"]["sources"]):
            held = secrets[source["name"]]["stringData"]
            for item in source["items"]:
                text = str(resolve(held[item["key"]], value))
                yield item["path"], hashlib.sha256(text.encode()).hexdigest()


def _volumes(situation: Situation, cell: str) -> Iterator[Mapping[str, Any]]:
    """Yield the volume with the passwords of Postgres, if there is one."""
    for one in situation.manifests[cell]:
        if (one.kind, one.name) == ("StatefulSet", _NAME):
            for volume in one.body["spec"]["template"]["spec"].get("volumes") or ():
                if volume["name"] == _VOLUME:
                    yield volume
