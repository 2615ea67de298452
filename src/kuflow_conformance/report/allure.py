"""What Allure shows beside the tests themselves: labels, attachments, environment and categories."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import allure

from kuflow_conformance import files
from kuflow_conformance.evidence import Evidence
from kuflow_conformance.requirements import Catalogue

_SEVERITY = {
    "MUST": allure.severity_level.CRITICAL,
    "SHOULD": allure.severity_level.MINOR,
    "OBSERVE": allure.severity_level.TRIVIAL,
}


def describe(name: str, evidence: Evidence, catalogue: Catalogue, requirement_ids: list[str]) -> None:
    """Label the running test by what it checks and attach the exchanges that matter.

    Those are the failing ones, or the last one of a test that passes. Without ``--alluredir`` nothing happens.
    """
    known = [catalogue[key] for key in requirement_ids if key in catalogue]
    failures = evidence.as_dict()["failures"]
    broken = [catalogue[failure["requirement"]] for failure in failures]
    for requirement in broken[:1] or known[:1]:
        allure.dynamic.epic(f"KuFlow API {catalogue.area_of[requirement.id]}")
        allure.dynamic.feature(catalogue.area_of[requirement.id])
        allure.dynamic.severity(_SEVERITY[requirement.level])
    for requirement in broken or known:
        allure.dynamic.story(f"{requirement.id} {requirement.sentence}")
        allure.dynamic.label("requirement", requirement.id)
    for failure in failures:
        title = f"{failure['requirement']} {failure['operation']}"
        _attach(f"{title}: request", _request(failure["exchange"]["request"]) + f"\n\n{failure['curl']}\n")
        _attach(f"{title}: response", _response(failure["exchange"]["response"]))
    if not failures and evidence.last is not None:
        exchange = evidence.render(evidence.last)
        _attach("last request", _request(exchange["request"]))
        _attach("last response", _response(exchange["response"]))


def _attach(name: str, text: str) -> None:
    allure.attach(text, name, allure.attachment_type.TEXT)


def _headers(headers: dict[str, str]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in headers.items())


def _request(request: dict[str, Any]) -> str:
    return f"{request['method']} {request['url']}\n{_headers(request['headers'])}\n{request['body']}"


def _response(response: dict[str, Any]) -> str:
    status = response["failure"] or response["status"]
    return f"{status} in {response['milliseconds']} ms\n{_headers(response['headers'])}\n{response['body']}"


def write_environment(record: dict[str, Any], folder: Path) -> None:
    """Add what Allure reads about the run as a whole to its results."""
    environment = {
        "Target": record["target"]["name"],
        "URL": record["target"]["url"],
        "API": record["api"],
        "Suite": record["suite"],
        "Profile": record["profile"],
        "Seed": record["seed"],
        "Verdict": record["verdict"],
    }
    lines = "".join(f"{name}={value}\n" for name, value in environment.items())
    (folder / "environment.properties").write_text(lines, encoding="utf-8")
    executor = {"name": "kuflow-conformance", "type": "kuflow-conformance", "buildName": f"run {record['run'][:8]}"}
    (folder / "executor.json").write_text(json.dumps(executor), encoding="utf-8")
    shutil.copy(files.data("reports/categories.json"), folder / "categories.json")
