"""Create an object that must not exist yet, as the official plugin does by default.

A creation cannot be told from its repetition by the API server's answer alone, and the answer to
one may be lost on its way. What the next attempt then finds carries the field manager of this very
call; where that name was made up for it, nobody else has it.
"""

from .api import Api, ApiError
from .failures import already_there
from .kinds import Kind
from .objects import Json, dig, name_of, namespace_of


async def added(api: Api, kind: Kind, manifest: Json, manager: tuple[str, bool], urn: str) -> Json:
    """The new object. `manager` is the field manager, and whether no other call has its name.

    Raises RefusedError where an object of that name exists, one that is just being deleted
    included.
    """
    name, unique = manager
    try:
        return await api.create(kind, manifest, name)
    except ApiError as error:
        if error.reason != "AlreadyExists":
            raise
        live = await _existing(api, kind, manifest) if unique else {}
        entries = dig(live, "metadata", "managedFields") or []
        if any(entry.get("manager") == name for entry in entries):
            return live
        raise already_there(urn, error) from error


async def _existing(api: Api, kind: Kind, manifest: Json) -> Json:
    try:
        return await api.get(kind, namespace_of(manifest), name_of(manifest))
    except ApiError:  # gone meanwhile, or not to be read: not known to be ours
        return {}
