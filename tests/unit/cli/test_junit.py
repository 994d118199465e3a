"""JUnit XML that CI servers can read, whatever the definitions hold."""

from xml.etree import ElementTree as ET

from cellwright.cli.junit import document
from cellwright.problem import Place, Problem


def test_each_file_is_a_test_that_its_problems_fail() -> None:
    problems = [
        Problem(Place("b.yaml", 2, 1), "spec", "CW101", "first"),
        Problem(Place("b.yaml", 3, 1), "spec", "CW102", "second"),
        Problem(Place("templates/x.j2"), "", "CW301", "third"),
    ]
    suite = ET.fromstring(document(["a.yaml", "b.yaml"], problems))[0]
    assert (suite.get("tests"), suite.get("failures")) == ("3", "2")
    assert [case.get("name") for case in suite] == ["a.yaml", "b.yaml", "templates/x.j2"]
    failure = suite[1][0]
    assert (failure.tag, failure.get("type")) == ("failure", "CW101")
    assert failure.text == "b.yaml:2:1: CW101 spec: first\nb.yaml:3:1: CW102 spec: second"
    assert len(suite[0]) == 0


def test_no_problem_is_no_failure() -> None:
    suites = ET.fromstring(document(["a.yaml"], []))
    assert (suites.get("tests"), suites.get("failures")) == ("1", "0")


def test_what_xml_can_not_hold_is_escaped() -> None:
    hostile = "]]> <a b='\"'> & \x00\x1b\ufffe\udcff"
    text = document([], [Problem(Place(hostile), "", "CW101", hostile)])
    case = ET.fromstring(text.encode())[0][0]
    assert case.get("name") == "]]> <a b='\"'> & \\u0000\\u001b\\ufffe\\udcff"
