"""Files from the publishers' download sites, never used unless their checksum is right.

A checksum is pinned (`versions.SHA256`) or comes from the publisher's own checksum file beside
the download. A site that does not answer is a reason to build instead; a wrong checksum never is.
"""

import hashlib
import http.client
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from local.errors import Failed, WrongChecksum

PATIENCE_S = 8.0
"""How long a site may take to answer, and how long a transfer may stand still."""
CHUNK = 1 << 20


@dataclass(frozen=True, slots=True)
class Artefact:
    """One file of a publisher: its address, and what its SHA-256 must be or where that stands."""

    url: str
    checksums: str
    """Address of the checksum file: a bare digest, or lines of `<digest>  <file name>`."""
    sha256: str | None = None


def at(url: str, mirror: str) -> str:
    """Return where a mirror holds `url`: `<mirror>/<host>/<path>`; `url` itself without one."""
    if not mirror:
        return url
    parts = urllib.parse.urlsplit(url)
    return f"{mirror}/{parts.netloc}{parts.path}"


def fetch(artefact: Artefact, target: Path, mirror: str, patience: float = PATIENCE_S) -> str:
    """Download into `target`, check it, and return its SHA-256 (hex)."""
    url = at(artefact.url, mirror)
    expected = artefact.sha256
    source = "the pinned checksum"
    if expected is None:
        source = at(artefact.checksums, mirror)
        with _opened(source, patience) as response:
            text = response.read(CHUNK).decode("ascii", "replace")
        expected = checksum_of(url.rsplit("/", 1)[1], text)
        if expected is None:
            raise Failed(f"{source} names no checksum of {url}")
    total = hashlib.sha256()
    with _opened(url, patience) as response, target.open("wb") as sink:
        while chunk := response.read(CHUNK):
            total.update(chunk)
            sink.write(chunk)
    if total.hexdigest() != expected:
        target.unlink()
        raise WrongChecksum(
            f"{url} has the SHA-256 {total.hexdigest()}, expected {expected} ({source}); "
            "it was thrown away"
        )
    return expected


def checksum_of(name: str, text: str) -> str | None:
    """Find a file's digest in a checksum file: its own line, or the only word there is."""
    words = [line.split() for line in text.splitlines() if line.strip()]
    for line in words:
        if len(line) == 2 and line[1].lstrip("*") == name:
            return line[0].lower()
    if len(words) == 1 and len(words[0]) == 1:
        return words[0][0].lower()
    return None


def answers(url: str, mirror: str, patience: float = PATIENCE_S) -> bool:
    """Tell whether the site of `url` says anything at all, even a refusal."""
    request = urllib.request.Request(at(url, mirror), method="HEAD")  # noqa: S310 - our own URLs
    try:
        with urllib.request.urlopen(request, timeout=patience):  # noqa: S310 - our own URLs
            return True
    except urllib.error.HTTPError:
        return True
    except (OSError, http.client.HTTPException):
        return False


@contextmanager
def _opened(url: str, patience: float) -> "Iterator[http.client.HTTPResponse]":
    try:
        with urllib.request.urlopen(url, timeout=patience) as response:  # noqa: S310 - our own URLs
            yield response
    except urllib.error.HTTPError as error:
        raise Failed(f"{url} answered {error.code}") from None
    except urllib.error.URLError as error:
        raise Failed(f"{url} cannot be reached: {error.reason}") from None
    except (TimeoutError, OSError, http.client.HTTPException) as error:
        raise Failed(f"{url} broke off: {error}") from None
