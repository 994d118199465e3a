"""Alert rules, read and evaluated by promtool."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.monitoring.prometheus import ALERTS, SCRAPE

CASES = Path(__file__).parent / "alerts_test.yaml"
PAGE = Path(__file__).parents[2] / "docs" / "monitoring.md"
GOLDEN = Path(__file__).parents[1] / "golden" / "small" / "alpha.yaml"


def _rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load(ALERTS.read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _promtool(programs: dict[str, Path], *arguments: str | Path) -> tuple[int, str]:
    done = subprocess.run(
        [str(programs["promtool"]), *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=60,
    )
    return done.returncode, done.stdout


def test_the_rules_are_well_formed(programs: dict[str, Path]) -> None:
    code, said = _promtool(programs, "check", "rules", "--lint-fatal", ALERTS)
    assert code == 0, said
    assert f"{len(_rules())} rules found" in said


def test_alerts_fire_when_they_should_and_else_not(programs: dict[str, Path]) -> None:
    code, said = _promtool(programs, "test", "rules", CASES)
    assert code == 0, said


def test_cases_notice_another_threshold_and_another_duration(
    programs: dict[str, Path], tmp_path: Path
) -> None:
    text = ALERTS.read_text()
    found = list(re.finditer(r"(?<=[<>] )[\d.]+$|(?<=for: )\d+m$", text, re.MULTILINE))
    assert len(found) > len(_rules())
    rules, cases = tmp_path / "alerts.yaml", tmp_path / "cases.yaml"
    cases.write_text(CASES.read_text().replace("../../monitoring/alerts.yaml", str(rules)))
    for match in found:
        other = "0s" if match[0].endswith("m") else f"9{match[0]}"
        rules.write_text(text[: match.start()] + other + text[match.end() :])
        code, said = _promtool(programs, "test", "rules", cases)
        assert code == 1, f"{text[: match.end()].splitlines()[-6:]}: {said}"


@pytest.mark.parametrize("rule", _rules(), ids=lambda rule: rule["alert"])
def test_each_alert_has_cases_of_both_kinds_and_an_explanation(rule: dict[str, Any]) -> None:
    groups = yaml.safe_load(CASES.read_text())["tests"]
    cases = [case for group in groups for case in group["alert_rule_test"]]
    mine = [bool(case["exp_alerts"]) for case in cases if case["alertname"] == rule["alert"]]
    assert set(mine) == {True, False}
    page, anchor = rule["annotations"]["runbook"].split("#")
    assert page == "docs/monitoring.md"
    assert anchor == rule["alert"].lower()
    assert f"\n### {rule['alert']}\n" in PAGE.read_text()
    assert rule["labels"]["severity"] in {"critical", "warning"}


def test_the_scrape_example_names_what_the_pods_have() -> None:
    ports, labels = {}, {}
    for manifest in yaml.safe_load_all(GOLDEN.read_text()):
        if manifest["kind"] == "Deployment":
            name, pod = manifest["metadata"]["name"], manifest["spec"]["template"]
            labels[name] = pod["metadata"]["labels"]
            spec = pod["spec"]
            containers = spec["containers"] + spec.get("initContainers", [])
            ports[name] = {p["name"]: p["containerPort"] for c in containers for p in c["ports"]}
    assert (ports["router"]["health"], ports["router"]["agent"]) == (8404, 8405)
    assert ports["app"] == {"http": 8080, "health": 8081, "certificate": 8082}
    assert (
        labels["router"]["cellwright.dev/cell"] == labels["app"]["cellwright.dev/cell"] == "alpha"
    )
    jobs = yaml.safe_load(SCRAPE.read_text())["scrape_configs"]
    kept = {job["job_name"]: job["relabel_configs"][0]["regex"] for job in jobs}
    assert kept == {
        "cellwright-router": "health",
        "cellwright-agent": "agent",
        "cellwright-app": "health",
        "cellwright-app-certificate": "certificate",
    }
    for job in jobs:
        ((selector,),) = (one["selectors"] for one in job["kubernetes_sd_configs"])
        pod = "app" if job["job_name"].startswith("cellwright-app") else "router"
        for pair in selector["label"].split(","):
            name, value = pair.split("=")
            assert labels[pod][name] == value
