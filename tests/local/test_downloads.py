"""Official downloads: checked, or not used."""

import hashlib
from pathlib import Path

import pytest

from local.downloads import Artefact, answers, at, checksum_of, fetch
from local.errors import Failed, WrongChecksum
from tests.local.standins import Site

URL = "https://example.test/v1/tool-linux"
PLACE = "example.test/v1/tool-linux"
CONTENT = b"a program"
DIGEST = hashlib.sha256(CONTENT).hexdigest()
WRONG = "0" * 64


def test_a_mirror_holds_everything_under_host_and_path() -> None:
    assert at(URL, "http://mirror:1/x") == "http://mirror:1/x/example.test/v1/tool-linux"
    assert at(URL, "") == URL


def test_a_pinned_checksum_needs_no_other(site: Site, tmp_path: Path) -> None:
    site.put(PLACE, CONTENT)
    got = fetch(Artefact(URL, f"{URL}.sha256", DIGEST), tmp_path / "tool", site.url)
    assert got == DIGEST
    assert (tmp_path / "tool").read_bytes() == CONTENT


def test_a_wrong_pinned_checksum_leaves_nothing(site: Site, tmp_path: Path) -> None:
    site.put(PLACE, CONTENT)
    with pytest.raises(WrongChecksum, match=f"has the SHA-256 {DIGEST}, expected {WRONG}"):
        fetch(Artefact(URL, f"{URL}.sha256", WRONG), tmp_path / "tool", site.url)
    assert not (tmp_path / "tool").exists()


@pytest.mark.parametrize(
    "text",
    [
        f"{DIGEST}\n",
        f"{DIGEST}  tool-linux\n",
        f"{WRONG}  tool-darwin\n{DIGEST.upper()} *tool-linux\n",
    ],
)
def test_without_a_pin_the_publishers_file_decides(site: Site, tmp_path: Path, text: str) -> None:
    site.put(PLACE, CONTENT)
    site.put(f"{PLACE}.sha256", text.encode())
    assert fetch(Artefact(URL, f"{URL}.sha256"), tmp_path / "tool", site.url) == DIGEST


def test_the_publishers_file_can_refuse(site: Site, tmp_path: Path) -> None:
    site.put(PLACE, CONTENT)
    site.put(f"{PLACE}.sha256", f"{WRONG}  tool-linux\n".encode())
    with pytest.raises(WrongChecksum):
        fetch(Artefact(URL, f"{URL}.sha256"), tmp_path / "tool", site.url)


def test_a_file_for_others_is_no_checksum(site: Site, tmp_path: Path) -> None:
    site.put(PLACE, CONTENT)
    site.put(f"{PLACE}.sha256", f"{DIGEST}  tool-darwin\n".encode())
    with pytest.raises(Failed, match="names no checksum of"):
        fetch(Artefact(URL, f"{URL}.sha256"), tmp_path / "tool", site.url)
    assert checksum_of("tool", "") is None


def test_a_missing_download_says_so(site: Site, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="answered 404"):
        fetch(Artefact(URL, "", DIGEST), tmp_path / "tool", site.url)


def test_a_silent_site_is_given_up(silent: str, tmp_path: Path) -> None:
    with pytest.raises(Failed, match="timed out"):
        fetch(Artefact(URL, "", DIGEST), tmp_path / "tool", f"http://{silent}", patience=0.3)


def test_a_refusal_is_an_answer_and_silence_is_none(site: Site, silent: str) -> None:
    assert answers(URL, site.url)
    assert not answers(URL, f"http://{silent}", patience=0.3)
    assert not answers("http://127.0.0.1:1/", "", patience=0.3)
