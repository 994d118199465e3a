"""The Lease object in the directory's namespace: read and written, with errors in words."""

from collections.abc import Mapping
from typing import Protocol

from cellwright.edge.failure import CommandError
from cellwright.edge.kubectl import Body, RefusedError
from cellwright.lease_record import API_VERSION, LEASE, Holder, Record, body_of, record_of

LONGEST_CALL = 5.0  # seconds until the API server counts as away
_RIGHTS = (
    "grant the verbs get, create and update on leases.coordination.k8s.io in namespace {} "
    "by a Role and a RoleBinding"
)


class NoNamespaceError(CommandError):
    """The namespace of the lease does not exist."""


class Server(Protocol):
    """The part of `Kubectl` that a lease needs."""

    def find(self, path: str, *, seconds: float) -> Body | None:
        """Return an object."""

    def create(self, path: str, body: Body, *, seconds: float) -> Body:
        """Create an object."""

    def replace(self, path: str, body: Body, *, seconds: float) -> Body:
        """Replace an object of the resourceVersion that the body names."""


class LeaseObject:
    """The Lease of one namespace; `seconds` is the time for one call."""

    def __init__(
        self,
        kubectl: Server,
        namespace: str,
        seconds: float = LONGEST_CALL,
        labels: Mapping[str, str] | None = None,
    ) -> None:
        """Take what is asked, and the labels that the object is to have."""
        self.seconds = seconds
        self._kubectl, self._namespace, self._labels = kubectl, namespace, labels or {}
        self._path = f"/apis/{API_VERSION}/namespaces/{namespace}/leases"

    def read(self) -> Body | None:
        """Return the object, None if there is none; raise CommandError if that can't be told."""
        try:
            return self._kubectl.find(f"{self._path}/{LEASE}", seconds=self.seconds)
        except RefusedError as error:
            raise self._explained(error) from None

    def write(self, record: Record, before: Body | None) -> Body | None:
        """Return the stored object; None if `before` is not what there is: another was faster.

        Raises CommandError, NoNamespaceError among them, if it can't be written.
        """
        body = body_of(record, self._namespace, before, self._labels)
        try:
            if before is None:
                return self._kubectl.create(self._path, body, seconds=self.seconds)
            return self._kubectl.replace(f"{self._path}/{LEASE}", body, seconds=self.seconds)
        except RefusedError as error:
            is_gone = error.reason == "NotFound" and before is not None
            if is_gone or error.reason in ("AlreadyExists", "Conflict"):
                return None
            raise self._explained(error) from None

    def _explained(self, error: RefusedError) -> CommandError:
        if error.reason == "NotFound":
            return NoNamespaceError(f"namespace {self._namespace} does not exist")
        if error.reason == "Forbidden" and " cannot " in str(error):
            return CommandError(f"{error}; {_RIGHTS.format(self._namespace)}")
        return CommandError(f"the lease {self._namespace}/{LEASE} can't be written: {error}")


def holder(kubectl: Server, namespace: str) -> Holder | None:
    """Return who holds the lease, without touching it; None if nobody does.

    A holder that was killed is returned, too, until another takes over: one look can't tell.
    Raises CommandError if the API server does not answer or refuses.
    """
    body = LeaseObject(kubectl, namespace).read()
    return None if body is None else record_of(body).held_by
