"""The Kubernetes plugin of Pulumi, in the state folder's own PULUMI_HOME.

The official one, else `airgap/provider`, which is installed under the official name and does the
same for what the project uses. The latter is installed again whenever its sources change.
"""

import os

from local import versions
from local.downloads import PATIENCE_S, answers, at
from local.files import digest, recorded, write_atomically
from local.place import Place
from local.process import ProgramFailed, logged
from local.programs import Tools
from local.report import Report

SERVER = "https://get.pulumi.com/releases/plugins"
INSTALL_TIMEOUT_S = 300.0
OFFICIAL = "official"


def ensure(place: Place, tools: Tools, report: Report) -> str:
    """Install the plugin unless it is there, from the present sources; return which it is."""
    stamp = place.pulumi_home / "kubernetes-plugin"
    provider = place.root / "airgap" / "provider"
    installed = place.pulumi_home / "plugins" / f"resource-kubernetes-v{versions.PLUGIN}"
    sources = digest([provider], versions.PLUGIN)
    made_from = recorded(stamp) if installed.is_dir() else None
    if made_from == OFFICIAL:
        return f"{versions.PLUGIN}, official"
    if made_from == sources:
        return f"{versions.PLUGIN}, airgap/provider"
    if made_from is None and _official(place, tools, report):
        write_atomically(stamp, OFFICIAL)
        return f"{versions.PLUGIN}, official, installed"
    _install(place, tools, "--reinstall", "--file", str(provider))
    write_atomically(stamp, sources)
    return f"{versions.PLUGIN}, airgap/provider, installed"


def _official(place: Place, tools: Tools, report: Report) -> bool:
    server = at(SERVER, place.downloads)
    if not answers(SERVER, place.downloads):
        report.say(f"{server} does not answer within {PATIENCE_S:g} s: using airgap/provider")
        return False
    options = ["--server", server] if place.downloads else []
    try:
        _install(place, tools, "--reinstall", *options)
    except ProgramFailed as error:
        report.say(f"{str(error).splitlines()[0]}: using airgap/provider")
        return False
    return True


def _install(place: Place, tools: Tools, *options: str) -> None:
    argv = [str(tools.pulumi), "plugin", "install", "resource", "kubernetes", versions.PLUGIN]
    environment = {
        **os.environ,
        "PULUMI_HOME": str(place.pulumi_home),
        "PULUMI_SKIP_UPDATE_CHECK": "true",
    }
    log = place.logs / "plugin.log"
    logged([*argv, *options], log, timeout=INSTALL_TIMEOUT_S, env=environment)
