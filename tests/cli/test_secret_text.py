"""Secrets inside of text: what `render` and `diff` show of them, and what `check` refuses."""

import base64
import json

import yaml

from tests.cli.conftest import Program
from tests.cli.standins import Cluster, stack_secrets

TEMPLATE = """\
apiVersion: v1
kind: Secret
metadata: {name: connection, namespace: {{ cell.namespace }}, labels: {{ labels("app") }}}
stringData:
  url: {{ "postgres://app:" ~ secret("postgres-app") ~ "@hidden/cell" }}
  json: {{ {"password": secret("postgres-app"), "host": "hidden"} | tojson }}
data:
  auth: {{ ("hidden:" ~ secret("postgres-app")) | b64encode }}
"""
PATH = "templates/connection.yaml.j2"
SHOWN = "(secret cell/alpha/postgres-app)"
FIELDS = {"data.auth", "stringData.json", "stringData.url"}


def changed(program: Program, against: str) -> set[str]:
    """Return the fields of the Secret of cell alpha that differ, each shown as it was."""
    done = program("diff", "--against", against, "--cell", "alpha", "--format", "json")
    assert "hidden" not in done.out
    found = json.loads(done.out)["changes"]
    assert [one["name"] for one in found] in ([], ["connection"])
    fields = [field for one in found for field in one["fields"]]
    assert done.code == (16 if fields else 0)
    return {field["path"] for field in fields}


def test_a_text_is_shown_with_the_names_of_its_secrets(program: Program) -> None:
    program.write(PATH, TEMPLATE)
    done = program("render", "--cell", "alpha")
    (one,) = [
        one
        for one in yaml.safe_load_all(done.out)
        if (one["kind"], one["metadata"]["name"]) == ("Secret", "connection")
    ]
    assert one["stringData"] == {"url": f"…{SHOWN}…", "json": f"…({SHOWN} | tojson)…"}
    assert one["data"] == {"auth": f"(…{SHOWN} | b64encode)"}
    assert "hidden" not in done.out
    assert program("render", "--cell", "alpha").out == done.out


def test_other_text_around_a_secret_is_a_difference_unseen(program: Program) -> None:
    program.write(PATH, TEMPLATE)
    program.commit()
    assert program("render", "--out", "../rendered").code == 0
    assert changed(program, "HEAD") == set()
    assert changed(program, "../rendered") == set()
    program.write(PATH, TEMPLATE.replace("hidden", "hidden2"))
    assert changed(program, "HEAD") == FIELDS
    done = program("diff", "--cell", "alpha")
    assert "stringData.url: another value" in done.out
    assert changed(program, "../rendered") == set(), "rendered files do not tell"
    program.write(PATH, TEMPLATE.replace('"postgres-app"', '"postgres-owner"'))
    assert changed(program, "HEAD") == changed(program, "../rendered") == FIELDS
    done = program("diff", "--cell", "alpha", "--against", "HEAD")
    before, after = f"…{SHOWN}…", "…(secret cell/alpha/postgres-owner)…"
    assert f'stringData.url: "{before}" -> "{after}"' in done.out


def test_the_cluster_is_compared_with_what_stands_around_secrets(
    program: Program, cluster: Cluster
) -> None:
    program.write(PATH, TEMPLATE)
    cluster.declared(program.root)
    secret = stack_secrets("alpha").value("cell/alpha/postgres-app")
    (one,) = [
        one
        for one in cluster.objects
        if one["metadata"]["name"] == "connection" and "alpha" in one["metadata"]["namespace"]
    ]
    assert base64.b64decode(one["data"]["url"]).decode() == f"postgres://app:{secret}@hidden/cell"
    assert changed(program, "live") == set()
    program.write(PATH, TEMPLATE.replace("@hidden", "@hidden2"))
    assert changed(program, "live") == {"data.url"}
    program.write(PATH, TEMPLATE.replace('"hidden:"', '"hidden2:"'))
    assert changed(program, "live") == {"data.auth"}
    program.write(PATH, TEMPLATE)
    one["data"]["json"] = base64.b64encode(b"by hand").decode()
    cluster.save()
    assert changed(program, "live") == {"data.json"}


def test_what_would_change_a_secret_is_a_problem_of_the_line(program: Program) -> None:
    program.write(PATH, TEMPLATE.replace('~ "@hidden/cell"', "| upper"))
    done = program("check")
    assert done.code == 1
    (line,) = [line for line in done.out.splitlines() if "CW301" in line]
    assert line.startswith(f'{PATH}:5:1: CW301 secret("postgres-app") is not known yet')
    assert line.endswith(", for alpha, beta, gamma")
