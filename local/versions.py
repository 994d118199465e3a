"""The versions that belong together, and the checksums that are known for them.

Nothing else in `local` or `airgap` names a version. Go modules have theirs in `airgap/go/*/go.mod`
(with checksums in go.sum), Python packages in requirements.txt; a test holds them together.
"""

PULUMI = "3.259.0"
PLUGIN = "4.34.2"
"""pulumi-kubernetes, the plugin of the Python package of the same version."""
KIND = "0.30.0"
KUBERNETES = "1.34.3"
"""The last minor that accepts cgroup v1 without a flag."""

BASE_IMAGE = "debian:trixie-slim"
"""Its publisher renews it every few weeks; CELLWRIGHT_BASE_DIGEST pins one of them."""
NODE_IMAGE = f"kindest/node:v{KUBERNETES}"
NODE_DIGEST = "sha256:08497ee19eace7b4b5348db5c6a1591d7752b164530a36f855cb0f2bdcbadd48"
"""The official node image as its publisher lists it."""

SHA256 = {
    f"kind-v{KIND}-linux-amd64": (
        "517ab7fc89ddeed5fa65abf71530d90648d9638ef0c4cde22c2c11f8097b8889"
    ),
    f"kind-v{KIND}-linux-arm64": (
        "7ea2de9d2d190022ed4a8a4e3ac0636c8a455e460b9a13ccf19f15d07f4f00eb"
    ),
    f"kubectl-v{KUBERNETES}-linux-amd64": (
        "ab60ca5f0fd60c1eb81b52909e67060e3ba0bd27e55a8ac147cbc2172ff14212"
    ),
    f"kubectl-v{KUBERNETES}-linux-arm64": (
        "46913a7aa0327f6cc2e1cc2775d53c4a2af5e52f7fd8dacbfbfd098e757f19e9"
    ),
}
"""Downloads whose checksum is pinned; for others the publisher's checksum file is fetched too."""
