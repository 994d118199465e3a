"""Where a backend's folder is, and which messages are about a state that can't be read."""

from pathlib import Path

import pytest

from cellwright.edge.backend import _folder, find_backend, is_unreadable_state
from cellwright.edge.failure import CommandError


@pytest.mark.parametrize(
    ("url", "folder"),
    [
        ("file:///var/state", "/var/state"),
        ("file:///var/state?metadata=skip&x=1", "/var/state"),
        ("file:///var/a%20b", "/var/a b"),
        ("file:///var/a b", "/var/a b"),
        ("file://./state", "/workspace/state"),
        ("file://state", "/workspace/state"),
        ("file://~", "/home/me"),
        ("file://~/state", "/home/me/state"),
    ],
)
def test_the_address_of_a_folder(url: str, folder: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    assert _folder(url, Path("/workspace")) == Path(folder)


@pytest.mark.parametrize(
    "message",
    [
        "error: failed to load checkpoint: place 1: unexpected end of JSON input",
        "error: failed to load checkpoint: EOF",
        "error: place 1: unexpected end of JSON input",
        "error: place 1: unexpected EOF",
        "error: place 1: invalid character '\\x00' looking for beginning of value",
        "error: json: cannot unmarshal array into Go value of type apitype.VersionedCheckpoint",
        "error: unsupported checkpoint version 9",
        "error: unexpected end of JSON input",
        "error: EOF",
        "error: could not import deployment: unexpected end of JSON input",
        "pulumi stack ls: exit code 255: error: place 1: unexpected end of JSON input",
    ],
)
def test_messages_about_a_state_that_cant_be_read(message: str) -> None:
    assert is_unreadable_state(message)


@pytest.mark.parametrize(
    "message",
    [
        "error: no stack named 'alpha' found",
        "error: the stack is currently locked by 1 lock(s). Either wait for the other process(es)",
        "error: PULUMI_ACCESS_TOKEN must be set for login during non-interactive CLI sessions",
        "error: incorrect passphrase",
        "error: update failed",
        "",
    ],
)
def test_messages_about_something_else(message: str) -> None:
    assert not is_unreadable_state(message)


def say(folder: Path, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Put a Pulumi first on the PATH that keeps its state at an address."""
    folder.mkdir(exist_ok=True)
    (folder / "pulumi").write_text(f'#!/bin/sh\necho \'{{"url": "{url}"}}\'\n')
    (folder / "pulumi").chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


def test_a_store_that_is_no_folder_is_left_to_its_own_means(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(tmp_path / "bin", "postgres://me:secret@db.example/state?password=secret", monkeypatch)
    with pytest.raises(CommandError, match=r"kept at postgres://db\.example/state, not") as caught:
        find_backend(tmp_path)
    assert "secret" not in str(caught.value)
    assert "pulumi stack export --version N" in str(caught.value)


@pytest.mark.parametrize("text", ["name: [", "- a", "name: 3", "name: ../x", "{}", "\xff"])
def test_a_project_without_a_name_is_told(
    text: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    say(tmp_path / "bin", f"file://{tmp_path}/state", monkeypatch)
    with pytest.raises(CommandError, match=r"\.pulumi: no such folder"):
        find_backend(tmp_path)
    (tmp_path / "state/.pulumi").mkdir(parents=True)
    (tmp_path / "Pulumi.yaml").write_text(text, "latin-1")
    with pytest.raises(CommandError, match=r"Pulumi\.yaml: (not YAML|`name` is not the name)"):
        find_backend(tmp_path)
