"""Files that a kill or another process may hit at any moment."""

import os
import signal
from pathlib import Path

import pytest

from local.files import digest, locked, publish, recorded, scratch, write_atomically
from tests.local.standins import python

HOLD = """
import sys, time
from pathlib import Path
from local.files import locked
with locked(Path(sys.argv[1]), lambda: None):
    print("has it", flush=True)
    time.sleep(60)
"""


def test_a_file_is_written_whole_with_its_mode(tmp_path: Path) -> None:
    file = tmp_path / "new" / "file"
    write_atomically(file, "text", 0o600)
    assert recorded(file) == "text"
    assert file.stat().st_mode & 0o777 == 0o600
    assert os.listdir(file.parent) == ["file"]  # noqa: PTH208 - hidden files count, too


def test_a_failed_write_leaves_the_former_file(tmp_path: Path) -> None:
    file = tmp_path / "file"
    write_atomically(file, "former")
    with pytest.raises(UnicodeEncodeError):
        write_atomically(file, "\ud800")
    assert recorded(file) == "former"
    assert [one.name for one in tmp_path.iterdir()] == ["file"]


def test_a_missing_file_records_nothing(tmp_path: Path) -> None:
    assert recorded(tmp_path / "none") is None


def test_a_digest_of_a_file_sees_its_content(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("1")
    before = digest([tmp_path / "file"])
    (tmp_path / "file").write_text("2")
    assert digest([tmp_path / "file"]) != before


def test_a_digest_sees_content_names_modes_and_words(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    folder.mkdir()
    (folder / "a").write_text("1")
    seen = {digest([folder])}
    seen.add(digest([folder], "word"))
    (folder / "a").chmod(0o755)
    seen.add(digest([folder]))
    (folder / "a").write_text("2")
    seen.add(digest([folder]))
    (folder / "a").rename(folder / "b")
    seen.add(digest([folder]))
    assert len(seen) == 5


def test_a_digest_does_not_see_caches(tmp_path: Path) -> None:
    folder = tmp_path / "folder"
    (folder / "sub" / "__pycache__").mkdir(parents=True)
    before = digest([folder])
    (folder / "sub" / "__pycache__" / "x.pyc").write_text("1")
    assert digest([folder]) == before


def test_a_lock_dies_with_its_holder(tmp_path: Path) -> None:
    lock = tmp_path / "locks" / "one"
    waited: list[bool] = []
    with python(HOLD, str(lock)) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "has it\n"

        def waiting() -> None:
            waited.append(True)
            holder.send_signal(signal.SIGKILL)

        with locked(lock, waiting):
            assert waited == [True]


def test_scratch_removes_what_a_killed_run_left(tmp_path: Path) -> None:
    (tmp_path / "work").mkdir()
    (tmp_path / "work" / "half").write_text("")
    with scratch(tmp_path / "work") as folder:
        assert list(folder.iterdir()) == []
    assert not (tmp_path / "work").exists()


def test_publish_takes_the_place_of_the_former_folder(tmp_path: Path) -> None:
    for text in ("former", "new"):
        made = tmp_path / "tmp" / "out"
        made.mkdir(parents=True)
        (made / "file").write_text(text)
        publish(made, tmp_path / "bin" / "x-1")
    assert (tmp_path / "bin" / "x-1" / "file").read_text() == "new"
    assert [one.name for one in (tmp_path / "bin").iterdir()] == ["x-1"]
    assert list((tmp_path / "tmp").iterdir()) == []
