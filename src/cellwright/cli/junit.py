"""Problems as JUnit XML, which CI servers list as failed tests: one test per file.

Source: the `testsuites` format that Jenkins, GitLab and GitHub actions read (there is no
standard); XML 1.0, 2.2 for the characters that a document may hold.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Sequence
from xml.etree import ElementTree as ET

from cellwright.problem import Problem

_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(files: Iterable[str], problems: Sequence[Problem]) -> str:
    """Return the document; every file that was read is a test, which each problem fails."""
    by_file: dict[str, list[Problem]] = defaultdict(list)
    for name in files:
        by_file[name] = []
    for one in problems:
        by_file[one.place.file].append(one)
    failed = sum(1 for found in by_file.values() if found)
    counts = {"tests": str(len(by_file)), "failures": str(failed), "errors": "0"}
    suites = ET.Element("testsuites", {"name": "cellwright check", **counts})
    suite = ET.SubElement(suites, "testsuite", {"name": "cellwright check", **counts})
    for name, found in sorted(by_file.items()):
        called = {"classname": "cellwright.check", "name": _xml(name), "file": _xml(name)}
        case = ET.SubElement(suite, "testcase", called)
        if found:
            first = _xml(f"{found[0].code} {found[0].message}")
            about = {"type": found[0].code, "message": first}
            failure = ET.SubElement(case, "failure", about)
            failure.text = _xml("\n".join(str(one) for one in found))
    ET.indent(suites)
    declaration = '<?xml version="1.0" encoding="utf-8"?>\n'
    return declaration + ET.tostring(suites, encoding="unicode") + "\n"


def _xml(text: str) -> str:
    return _NOT_XML.sub(lambda match: f"\\u{ord(match[0]):04x}", text)
