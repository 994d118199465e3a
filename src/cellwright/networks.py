"""Networks that nothing of a cell may reach: where clouds give machines their credentials.

Sources: RFC 3927 and RFC 4291 (link-local), and the addresses of the metadata services of AWS
(fd00:ec2::254) and Google Cloud (fd20:ce::254) over IPv6; over IPv4 all use 169.254.169.254. The
policies of templates/cell/network-policies.yaml.j2 leave the same networks out.
"""

NEVER_REACHED = ("169.254.0.0/16", "fe80::/10", "fd00:ec2::254/128", "fd20:ce::254/128")


def never_reached_in(network: str) -> str | None:
    """Return which of the networks that are never reached a network takes in or is part of."""
    from ipaddress import ip_network  # noqa: PLC0415 - few fleets name networks

    given = ip_network(network)
    for never in NEVER_REACHED:
        other = ip_network(never)
        if given.version == other.version and given.overlaps(other):
            return never
    return None
