"""The record as JUnit XML: a test case for each requirement on each operation, so that CI tells findings apart."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element, SubElement

from kuflow_conformance.report.wording import new_first

_NOT_XML = re.compile("[^\t\n\r -\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def junit(record: dict[str, Any]) -> str:
    """The document. Findings that are known are skipped, as what is not tested is; warnings do not fail."""
    root = Element("testsuites", name=f"KuFlow API {record['api']}: {record['target']['name']}")
    areas: dict[str, list[dict[str, Any]]] = {}
    for requirement in record["requirements"]:
        areas.setdefault(requirement["area"], []).append(requirement)
    for area, requirements in areas.items():
        suite = SubElement(root, "testsuite", name=area)
        for requirement in requirements:
            _cases(suite, requirement)
        _count(suite)
    if record["errors"]:
        suite = SubElement(root, "testsuite", name="tests that could not be carried out")
        for error in record["errors"]:
            case = SubElement(suite, "testcase", classname="errors", name=_clean(error["test"]))
            SubElement(case, "error", message=_clean(error["message"]))
        _count(suite)
    ElementTree.indent(root)
    return ElementTree.tostring(root, encoding="unicode", xml_declaration=True) + "\n"


def _cases(suite: Element, requirement: dict[str, Any]) -> None:
    name = f"{requirement['id']} {requirement['sentence']}"
    findings: dict[str, list[dict[str, Any]]] = {}
    for finding in requirement["findings"]:
        findings.setdefault(finding["operation"], []).append(finding)
    for operation in sorted({*requirement["operations"], *findings}) or [""]:
        case = SubElement(suite, "testcase", classname=_clean(name), name=_clean(operation or requirement["id"]))
        found = findings.get(operation, [])
        new = [finding for finding in found if not finding["known"]]
        if not operation and requirement["outcome"] != "observed":
            SubElement(case, "skipped", message=_clean(requirement["reason"] or requirement["outcome"]))
        elif requirement["outcome"] == "fail" and new:
            for finding in new:
                SubElement(case, "failure", message=_message(finding)).text = _text(requirement, finding)
        elif found:
            word = "known" if requirement["outcome"] != "warn" else "warning"
            SubElement(case, "skipped", message=f"{word}: {_message(found[0])}")


def _count(suite: Element) -> None:
    suite.set("tests", str(len(suite)))
    for what in ("failure", "error", "skipped"):
        suite.set("skipped" if what == "skipped" else f"{what}s", str(sum(c.find(what) is not None for c in suite)))


def _message(finding: dict[str, Any]) -> str:
    return _clean(f"{finding['fingerprint']} expected {finding['expected']}")


def _text(requirement: dict[str, Any], finding: dict[str, Any]) -> str:
    place = (finding["operation"], finding["fingerprint"])
    failure = next((f for f in new_first(requirement) if (f["operation"], f["finding"]) == place), None)
    if failure is None:
        return ""
    steps = "\n".join(step["curl"] for step in failure["steps"])
    return _clean(
        f"{requirement['source']}\nexpected: {failure['expected']}\nseen:     {failure['seen']}\n\n"
        f"{steps}{steps and chr(10)}{failure['curl']}\n"
    )


def _clean(text: str) -> str:
    """`text` without what XML 1.0 section 2.2 does not allow."""
    return _NOT_XML.sub("\ufffd", text)
