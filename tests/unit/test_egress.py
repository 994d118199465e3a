"""Which addresses routers reach outside of their cluster, by the policies that are rendered."""

from collections.abc import Sequence
from dataclasses import replace
from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from cellwright.edge.files import read
from cellwright.model import Cluster
from cellwright.networks import NEVER_REACHED
from cellwright.template import Templates
from tests.fleets import ROOT, cell, demo, fleet
from tests.manifests import rendered

TEMPLATES = Templates(
    {
        name: text
        for name, text in read(ROOT).templates.items()
        if name.startswith("cell/") or name == "router/access.yaml.j2"
    }
)
CREDENTIALS = ("169.254.169.254", "169.254.170.2", "fe80::1", "fd00:ec2::254", "fd20:ce::254")
OTHERS = ("10.0.0.10", "203.0.113.9", "169.253.255.255", "169.255.0.0", "2001:db8::1", "fd00::254")


def egress(
    api_server: Sequence[str] = (), far: Sequence[int] = (), whose: str = "router"
) -> list[Any]:
    """Return the rules of a policy that name no pods."""
    there = [cell(f"far-{port}", port, cluster=f"of-{port}") for port in far]
    there = [replace(one, router=replace(one.router, port=one.id)) for one in there]
    clusters = {one.cluster: Cluster(one.cluster, one.cluster, ("192.0.2.0/24",)) for one in there}
    clusters["local"] = Cluster("local", None, tuple(api_server))
    whole = replace(fleet([cell("near", 1), *there], []), clusters=clusters)
    manifests = rendered(whole, TEMPLATES, "near").manifests
    (policy,) = [one for one in manifests if (one.kind, one.name) == ("NetworkPolicy", whose)]
    rules = policy.body["spec"]["egress"]
    assert all(rule.get("to") for rule in rules), "a rule without `to` is for everywhere"
    return [rule for rule in rules if "ipBlock" in rule["to"][0]]


def reached(address: str, rules: list[Any]) -> set[int]:
    """Return the ports at which an address is reached (NetworkPolicy v1, `ipBlock`)."""
    here = ip_address(address)
    found: set[int] = set()
    for rule in rules:
        for peer in rule["to"]:
            (block,) = peer.values()
            out = [ip_network(one) for one in block.get("except", ())]
            assert all(one.subnet_of(ip_network(block["cidr"])) for one in out)  # type: ignore[arg-type]
            if here in ip_network(block["cidr"]) and not any(here in one for one in out):
                found |= {port["port"] for port in rule["ports"]}
    return found


@pytest.mark.parametrize("address", CREDENTIALS)
@pytest.mark.parametrize("far", [(), (80,), (80, 443, 8443)])
@pytest.mark.parametrize("api_server", [(), ("10.0.0.10/32",), ("10.0.0.0/8", "2001:db8::/64")])
def test_credentials_of_machines_are_never_reached(
    api_server: Sequence[str], far: Sequence[int], address: str
) -> None:
    assert reached(address, egress(api_server, far)) == set()


@pytest.mark.parametrize("network", NEVER_REACHED)
def test_the_policies_leave_out_what_an_api_server_may_not_be_in(network: str) -> None:
    whole = ip_network(network)
    assert reached(str(whole[0]), egress(far=(80,))) == set()
    assert reached(str(whole[-1]), egress(far=(80,))) == set()


@pytest.mark.parametrize("address", OTHERS)
def test_an_api_server_may_be_anywhere_else_unless_it_is_said_where(address: str) -> None:
    assert reached(address, egress()) == {443, 6443}


def test_said_where_it_is_nothing_else_is_reached() -> None:
    rules = egress(("10.0.0.10/32", "2001:db8::/64"))
    assert [one for one in OTHERS if reached(one, rules)] == ["10.0.0.10", "2001:db8::1"]
    assert reached("10.0.0.10", rules) == reached("2001:db8::1", rules) == {443, 6443}
    assert not reached("10.0.0.11", rules)


def test_each_cluster_has_its_own() -> None:
    """The other clusters' API servers are in 192.0.2.0/24."""
    assert not reached("192.0.2.1", egress(("10.0.0.10/32",), far=()))


def test_routers_of_other_clusters_are_reached_all_the_same() -> None:
    rules = egress(("10.0.0.10/32",), far=(80, 8443))
    assert reached("203.0.113.9", rules) == {80, 8443}
    assert reached("10.0.0.10", rules) == {80, 8443, 443, 6443}


def test_a_fleet_without_other_clusters_opens_nothing_for_them() -> None:
    assert len(egress(("10.0.0.10/32",))) == 1
    assert demo().clusters["local"].api_server == ()


@pytest.mark.parametrize("api_server", [(), ("10.0.0.10/32",), ("10.0.0.0/8", "2001:db8::/64")])
def test_a_placement_reaches_the_api_server_as_a_router_does_and_nothing_else(
    api_server: Sequence[str],
) -> None:
    rules = egress(api_server, (80, 8443), "placement")
    assert rules == egress(api_server)
    for address in (*CREDENTIALS, *OTHERS):
        assert reached(address, rules) <= {443, 6443}
