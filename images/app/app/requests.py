"""What a request may say: the router's headers, a page, a note. Anything else is refused here.

Every refusal is an HTTPException whose text says what was expected. No database, no state.
"""

import json
import re
from typing import NamedTuple
from uuid import UUID

from starlette.exceptions import HTTPException
from starlette.requests import Request

from app.organizations import Organization

MAX_BODY_BYTES = 64 * 1024
MAX_TEXT = 10_000
MAX_PAGE = 200
DEFAULT_PAGE = 50
_MAX_BIGINT = 2**63 - 1
_POSITIVE = re.compile(r"[1-9][0-9]{0,18}")
_NAME = re.compile(r"[a-z0-9-]{1,63}")


class Page(NamedTuple):
    """Which notes of the list: up to `limit` from behind the id `after`."""

    limit: int
    after: UUID | None


def organization(request: Request, cell: str) -> Organization:
    """Return the organization that the router found.

    Refuses a request for another cell (421), and one that the router sent to this cell by a cookie
    or a token alone, for no organization (400).
    """
    asked = request.headers.get("X-Cellwright-Cell")
    if asked != cell:
        found = f"for cell {asked}" if asked else "without a cell"
        raise HTTPException(421, f"this is cell {cell}; the request came {found}")
    number = request.headers.get("X-Cellwright-Organization-Id")
    name = request.headers.get("X-Cellwright-Organization", "")
    if number is None:
        raise HTTPException(
            400,
            "notes belong to an organization, and the request names none by path, host or header",
        )
    if not _POSITIVE.fullmatch(number) or int(number) > _MAX_BIGINT:
        raise HTTPException(400, "X-Cellwright-Organization-Id must be a positive 64-bit integer")
    if not _NAME.fullmatch(name):
        raise HTTPException(400, "X-Cellwright-Organization must be an organization's name")
    return Organization(int(number), name)


def page(request: Request) -> Page:
    """Return the page that the query string asks for."""
    limit = request.query_params.get("limit", str(DEFAULT_PAGE))
    if not _POSITIVE.fullmatch(limit) or int(limit) > MAX_PAGE:
        raise HTTPException(400, f"limit must be an integer from 1 to {MAX_PAGE}")
    after = request.query_params.get("after")
    try:
        return Page(int(limit), UUID(after) if after else None)
    except ValueError:
        raise HTTPException(400, "after must be the id of a note") from None


async def note_text(request: Request) -> str:
    """Return the text of the note in the body, `{"text": "..."}`."""
    body = await _body(request)
    try:
        note = json.loads(body)
    except (ValueError, RecursionError):
        raise HTTPException(400, 'the body must be JSON: {"text": "..."}') from None
    if not isinstance(note, dict) or note.keys() != {"text"}:
        raise HTTPException(400, 'the body must have one member, "text"')
    text = note["text"]
    if not isinstance(text, str) or not 1 <= len(text) <= MAX_TEXT:
        raise HTTPException(400, f"text must be a string of 1 to {MAX_TEXT} characters")
    # Postgres can store neither, and JSON can spell both.
    if "\0" in text or any("\ud800" <= character <= "\udfff" for character in text):
        raise HTTPException(400, "text must not hold NUL or half a surrogate pair")
    return text


async def _body(request: Request) -> bytes:
    """Return the body, reading no more than what is allowed.

    Starlette's own limit answers in plain text, and leaves the connection open for the rest.
    """
    too_large = HTTPException(
        413, f"the body must not exceed {MAX_BODY_BYTES} bytes", {"Connection": "close"}
    )
    if int(request.headers.get("Content-Length", "0")) > MAX_BODY_BYTES:
        raise too_large
    body = bytearray()
    async for part in request.stream():
        body += part
        if len(body) > MAX_BODY_BYTES:
            raise too_large
    return bytes(body)
