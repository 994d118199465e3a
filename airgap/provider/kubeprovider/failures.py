"""How an operation on an object fails, and the words in which users read it; asks nobody."""

from .api import ApiError, NoSuchKindError
from .kinds import Kind
from .objects import Json, identifier

ADOPT = (
    "If it is to belong to this stack, import it, or let this provider adopt what exists with its "
    'setting upsertExistingObjects: "true"'
)


class RefusedError(Exception):
    """The operation failed, and changed nothing that would have to be recorded."""


class NotInitializedError(Exception):
    """The object exists but is not ready."""

    def __init__(self, outputs: Json, inputs: Json | None, reasons: list[str]) -> None:
        super().__init__(reasons[0])
        self.id = identifier(outputs)
        self.outputs = outputs
        self.inputs = inputs
        self.reasons = reasons


def refused(
    kind: Kind, inputs: Json, error: ApiError | NoSuchKindError, manager: str
) -> RefusedError:
    """The API server's refusal, with the way out of a conflict over fields."""
    name = f"{kind.kind} {identifier(inputs)}"
    if isinstance(error, ApiError) and error.code == 409 and error.causes:
        fields = "; ".join(f"{c.get('message')}: {c.get('field')}" for c in error.causes)
        return RefusedError(
            f"{name}: field conflict of {manager or 'this resource'}: {fields}. Leave these "
            "fields to their manager, or take them over with the annotation "
            'pulumi.com/patchForce: "true"'
        )
    return RefusedError(f"{name} was refused by the API server: {error}")


def already_there(urn: str, error: ApiError) -> RefusedError:
    """The refusal to create what exists, in the official plugin's words, which people look up."""
    return RefusedError(
        f'resource "{urn}" was not successfully created by the Kubernetes API server: '
        f"{error}. {ADOPT}"
    )
