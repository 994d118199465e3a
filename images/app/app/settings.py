"""The app's settings, from the environment; secrets come from the files that it names.

CELL is the name of the app's own cell. ROUTER_KEY_FILE holds the keys by which the cell's router
proves itself, two while they are rotated. POOL_SIZE is the most connections that one process opens
(8 by default; the pods together must stay below cell_app's limit), and POOL_RESERVE how many of
them are for organizations that use none (a quarter by default, rounded up; none of a single one;
see `turns`). With CERTIFICATE_DIRECTORY requests come over TLS, with the certificate in that
folder.

The database is libpq's business (PGHOST, PGPORT, PGDATABASE, PGUSER), but for the password: it is
read from PASSWORD_FILE for each connection, so that a new one needs no restart (`login`). Without
PASSWORD_FILE libpq finds it where it always does.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from app.certificate import Certificate, CertificateError
from app.secret_files import SecretFileError, read_secrets


class SettingsError(Exception):
    """A setting is missing or wrong; the text says which and what was expected."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What a server is started with."""

    cell: str
    router_keys: tuple[bytes, ...]
    pool_size: int
    pool_reserve: int
    password_file: str
    certificate: Certificate | None


def settings(environment: Mapping[str, str]) -> Settings:
    """Return the settings of a server. Raises SettingsError."""
    cell = environment.get("CELL", "")
    if not cell:
        raise SettingsError("CELL must hold the name of the app's own cell")
    key_file = environment.get("ROUTER_KEY_FILE", "")
    if not key_file:
        raise SettingsError("ROUTER_KEY_FILE must name the file with the router's key")
    keys = tuple(key.encode() for key in _secrets("ROUTER_KEY_FILE", key_file))
    size = _integer(environment, "POOL_SIZE", 8, 1, 100)
    quarter = 0 if size == 1 else (size + 3) // 4
    reserve = _integer(environment, "POOL_RESERVE", quarter, 0, size - 1)
    password = password_file(environment)
    return Settings(cell, keys, size, reserve, password, _certificate(environment))


def password_file(environment: Mapping[str, str]) -> str:
    """Return the path of the file with the database's password; "" if there is none.

    Raises SettingsError where the file is not as it should be.
    """
    path = environment.get("PASSWORD_FILE", "")
    if path:
        _secrets("PASSWORD_FILE", path)
    return path


def _certificate(environment: Mapping[str, str]) -> Certificate | None:
    folder = environment.get("CERTIFICATE_DIRECTORY", "")
    try:
        return Certificate(folder) if folder else None
    except CertificateError as error:
        raise SettingsError(f"CERTIFICATE_DIRECTORY: {error}") from None


def _secrets(name: str, path: str) -> tuple[str, ...]:
    try:
        return read_secrets(path)
    except SecretFileError as error:
        raise SettingsError(f"{name}: {error}") from None


def _integer(environment: Mapping[str, str], name: str, default: int, low: int, high: int) -> int:
    text = environment.get(name, str(default))
    if not text.isascii() or not text.isdecimal() or not low <= int(text) <= high:
        raise SettingsError(f"{name} must be an integer from {low} to {high}, and is {text!r}")
    return int(text)
