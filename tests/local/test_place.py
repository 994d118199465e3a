"""Where things lie, and the name of the cluster."""

import hashlib
from pathlib import Path

from local.place import ROOT, place


def test_the_cluster_is_named_after_the_state_folder() -> None:
    first = place({"CELLWRIGHT_STATE": "/srv/one", "HOME": "/home/x"})
    again = place({"CELLWRIGHT_STATE": "/srv/one", "HOME": "/home/y"})
    other = place({"CELLWRIGHT_STATE": "/srv/two", "HOME": "/home/x"})
    assert first.cluster == "cellwright-" + hashlib.sha256(b"/srv/one").hexdigest()[:6]
    assert first.cluster == again.cluster != other.cluster
    assert first.node == f"{first.cluster}-control-plane"


def test_a_relative_state_folder_has_one_name() -> None:
    here = place({"CELLWRIGHT_STATE": "state", "HOME": "/home/x"})
    assert here.state == Path.cwd() / "state"


def test_without_variables_everything_is_in_the_project_and_the_users_cache() -> None:
    found = place({"HOME": "/home/x"})
    assert found.state == ROOT / ".state"
    assert found.cache == Path("/home/x/.cache/cellwright")
    assert (found.registry, found.downloads) == ("", "")


def test_the_cache_follows_the_usual_variable_then_its_own() -> None:
    assert place({"XDG_CACHE_HOME": "/c", "HOME": "/h"}).cache == Path("/c/cellwright")
    moved = place({"XDG_CACHE_HOME": "/c", "CELLWRIGHT_CACHE": "/d", "HOME": "/h"})
    assert moved.cache == Path("/d")


def test_mirrors_are_read_without_a_closing_slash() -> None:
    found = place(
        {"CELLWRIGHT_REGISTRY": "r:5000/", "CELLWRIGHT_DOWNLOADS": "http://d/", "HOME": "/h"}
    )
    assert (found.registry, found.downloads) == ("r:5000", "http://d")
