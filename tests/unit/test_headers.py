"""Which headers routers take off, in the configuration and for the check of rules."""

import re
from pathlib import Path

import pytest

from cellwright.edge.files import read
from cellwright.headers import TAKEN_OFF
from cellwright.plan import plan
from tests.workspaces import ROOT, demo_in


def test_trusted_proxies_stand_in_the_configuration(tmp_path: Path) -> None:
    root = demo_in(tmp_path / "workspace")
    file = root / "cells" / "fleet.yaml"
    proxies = "trustedProxies: [10.1.0.0/16, '2001:db8::/32']"
    file.write_text(file.read_text().replace("  routing:\n", f"  routing:\n    {proxies}\n"))
    made = plan(read(root))
    assert made.problems == ()
    text = "".join(str(one.body) for one in made.stacks["alpha"])
    for network in ("10.1.0.0/16", "2001:db8::/32"):
        assert f"acl believed src {network}" in text


def test_the_configuration_has_the_same_expression() -> None:
    text = (ROOT / "templates" / "router" / "haproxy.cfg.j2").read_text("utf-8")
    assert f"http-request del-header '{TAKEN_OFF}' -m reg\n" in text


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("x-forwarded-for", False),
        ("x-forwarded-proto", False),
        ("x-forwarded-protocol", True),
        ("x-forwarded-host", True),
        ("forwarded", True),
        ("x-real-ip", True),
        ("true-client-ip", True),
        ("x-cluster-client-ip", True),
        ("x-http-method-override", True),
        ("x-method-override", True),
        ("x-original-url", True),
        ("proxy", True),
        ("x-organization", False),
        ("x-ip-country", False),
        ("proxy-authorization", False),
        ("x-original", False),
        ("method", False),
    ],
)
def test_which_names(name: str, expected: bool) -> None:
    assert (re.fullmatch(TAKEN_OFF, name) is not None) == expected
