"""Answers of the provider protocol, built from plain values."""

import re
from collections.abc import Iterable

import grpc
from pulumi.runtime.proto import provider_pb2, status_pb2

from .annotations import PREFIX, replace_unready
from .diff import Change, changes
from .failures import NotInitializedError
from .immutable import Mutability, needs_replacement
from .kinds import Kind
from .objects import Json, name_of, namespace_of
from .properties import Path, Properties, encode, render
from .readiness import job

PropertyDiff = provider_pb2.PropertyDiff
DiffResponse = provider_pb2.DiffResponse
KINDS_OF_DIFF = {
    ("add", False): PropertyDiff.ADD,
    ("add", True): PropertyDiff.ADD_REPLACE,
    ("delete", False): PropertyDiff.DELETE,
    ("delete", True): PropertyDiff.DELETE_REPLACE,
    ("update", False): PropertyDiff.UPDATE,
    ("update", True): PropertyDiff.UPDATE_REPLACE,
}


def diff_of(
    kind: Kind,
    versions: tuple[Json, Json],
    ignored: Iterable[str],
    mutability: Mutability,
    live: Json | None = None,
) -> DiffResponse:
    """The field-level answer for a resource whose inputs went from the first to the second.

    `live` is the object as last seen: a Job that was not complete then is made anew where its
    annotation asks for it.
    """
    old, new = versions
    paths = [*ignored]
    found = [change for change in changes(old, new) if not _ignored(change, paths)]
    replacing = [c for c in found if needs_replacement(kind, c, versions, mutability)]
    detailed = {
        render(change.path): PropertyDiff(
            kind=KINDS_OF_DIFF[change.kind, change in replacing], inputDiff=True
        )
        for change in found
    }
    if _is_unready(kind, new, live):
        unready: Path = ("metadata", "annotations", f"{PREFIX}replaceUnready")
        replacing.append(Change(unready, "update"))
        detailed[render(unready)] = PropertyDiff(kind=PropertyDiff.UPDATE_REPLACE)
    stays = (name_of(old), namespace_of(old)) == (name_of(new), namespace_of(new))
    return DiffResponse(
        changes=DiffResponse.DIFF_SOME if detailed else DiffResponse.DIFF_NONE,
        diffs=sorted({str(change.path[0]) for change in (*found, *replacing)}),
        replaces=[render(change.path) for change in replacing],
        deleteBeforeReplace=bool(replacing) and stays,
        detailedDiff=detailed,
        hasDetailedDiff=True,
    )


def _is_unready(kind: Kind, wanted: Json, live: Json | None) -> bool:
    return (
        (kind.group, kind.kind) == ("batch", "Job")
        and live is not None
        and replace_unready(wanted)
        and job(live).state != "ready"
    )


def _ignored(change: Change, ignored: list[str]) -> bool:
    text = render(change.path)
    return any(text == path or re.match(re.escape(path) + r"[.\[]", text) for path in ignored)


def config_diff(old: Json, new: Json, *, other_cluster: bool) -> DiffResponse:
    """The answer for the provider's own configuration: another cluster means all anew."""
    changed = sorted(key for key in {*old, *new} if old.get(key) != new.get(key))
    return DiffResponse(
        changes=DiffResponse.DIFF_SOME if changed else DiffResponse.DIFF_NONE,
        diffs=changed,
        replaces=changed if other_cluster else [],
    )


def not_initialized(
    error: NotInitializedError, sent: Properties, reasons: list[str]
) -> grpc.Status:
    """The error that lets the engine keep a resource which exists but is not ready."""
    detail = _failure(error, sent, reasons)
    status = status_pb2.Status(code=grpc.StatusCode.UNKNOWN.value[0], message=reasons[0])
    status.details.add().Pack(detail)
    answer = grpc.Status()
    answer.code = grpc.StatusCode.UNKNOWN
    answer.details = reasons[0]
    answer.trailing_metadata = (("grpc-status-details-bin", status.SerializeToString()),)
    return answer


def _failure(
    error: NotInitializedError, sent: Properties, reasons: list[str]
) -> provider_pb2.ErrorResourceInitFailed:
    inputs = None if error.inputs is None else encode(error.inputs, sent.secrets)
    return provider_pb2.ErrorResourceInitFailed(
        id=error.id,
        properties=encode(error.outputs, sent.secrets),
        reasons=reasons,
        inputs=inputs,
    )
