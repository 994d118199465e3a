"""What the agent makes of a Secret with a certificate, without HAProxy."""

import subprocess
from pathlib import Path

import pytest
from agent import certificate
from agent.certificate import RefusedError, read_pair
from agent.haproxy import RuntimeApiError

from tests.router.secret import Secret


def test_what_is_no_certificate_and_key_is_refused(tmp_path: Path) -> None:
    secret = Secret(tmp_path, "127.0.0.1")
    certificate, key, _ = secret.issue()
    for broken, with_key, reason in (
        (certificate, None, "tls.key: No such file"),
        ("", key, "tls.crt: no certificate"),
        (certificate[:200], key, "tls.crt: no certificate"),
        (certificate, key.replace("PRIVATE", "ENCRYPTED PRIVATE"), "password"),
        (certificate, f"{key[:80]};\nshow env\n{key[80:]}", "no private key"),
        (certificate * 20, key, "more than 15000"),
    ):
        secret.put(broken, with_key)
        with pytest.raises(RefusedError, match=reason):
            read_pair(tmp_path)
    secret.put(f"\ufeffissuer=x\r\n\r\n{certificate}\n\n", f"-----BEGIN X-----\n{key}")
    assert read_pair(tmp_path) == key + certificate


def test_what_haproxy_does_not_take_is_said_once_for_each_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept.pem").write_text("kept before")
    reasons = iter(["one", "one", "two"])

    def refuse(_: Path) -> None:
        raise RuntimeApiError(next(reasons))

    def nothing() -> str:
        raise RefusedError("nothing new")

    monkeypatch.setattr(certificate, "session", refuse)
    found = certificate.Certificate(nothing, tmp_path / "kept.pem", tmp_path)
    for _ in range(3):
        found.turn()
    said = capsys.readouterr()
    lines = [one for one in (said.out + said.err).splitlines() if "did not take" in one]
    assert len(lines) == 2
    assert "one" in lines[0]
    assert "two" in lines[1]
    assert not found.status.served


def test_a_judgement_that_takes_too_long_is_a_refusal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def hang(file: Path) -> None:
        raise subprocess.TimeoutExpired(["haproxy", str(file)], 60)

    monkeypatch.setattr(certificate, "check", hang)
    found = certificate.Certificate(lambda: "pair", tmp_path / "kept.pem", tmp_path)
    found.turn()
    assert "timed out" in found.status.refused
