"""Which headers routers take off, in the configuration and for the check of rules."""

import re

import pytest

from cellwright.model import TAKEN_OFF
from tests.workspaces import ROOT


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
