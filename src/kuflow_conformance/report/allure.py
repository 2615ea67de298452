"""What Allure shows beside the tests themselves (labels, links, steps, attachments), and the site made of it."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import allure

from kuflow_conformance import files
from kuflow_conformance.description.requirements import Catalogue
from kuflow_conformance.errors import ReportNotBuilt
from kuflow_conformance.findings.evidence import Evidence
from kuflow_conformance.findings.known import KnownFailures

_SEVERITY = {
    "MUST": allure.severity_level.CRITICAL,
    "SHOULD": allure.severity_level.MINOR,
    "OBSERVE": allure.severity_level.TRIVIAL,
}


DOCUMENTATION = "https://docs.kuflow.com"
ALLURE = "allure@3"
"""The npm package that builds the site."""

STEPS = 60
"""Exchanges of a test up to which each is a step; those of generated requests are too many to be read."""

TIMEOUT = 300.0


def describe(
    evidence: Evidence, catalogue: Catalogue, requirement_ids: list[str], known_failures: KnownFailures
) -> None:
    """Label the running test by what it checks, list its exchanges and attach those that matter.

    Those are the failing ones, or the last one of a test that passes.
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
        for name, url in _links(requirement.source).items():
            allure.dynamic.link(url, name=name)
    if len(evidence.trail) <= STEPS:
        for title in evidence.trail:
            with allure.step(title):
                pass
    for finding in evidence.complaints:
        what = (finding["requirement"], finding["operation"], finding["fingerprint"])
        entry = next((entry for entry in known_failures if entry.covers(*what)), None)
        allure.dynamic.label("finding", " ".join(what))
        allure.dynamic.tag("known" if entry else "new")
        if entry is not None and entry.link:
            allure.dynamic.issue(entry.link, name=f"known: {entry.reason}")
    for failure in failures:
        title = f"{failure['requirement']} {failure['operation']} {failure['finding']}"
        _attach(f"{title}: request", _request(failure["exchange"]["request"]) + f"\n\n{failure['curl']}\n")
        _attach(f"{title}: response", _response(failure["exchange"]["response"]))
    if not failures and evidence.last is not None:
        exchange = evidence.render(evidence.last)
        _attach("last request", _request(exchange["request"]))
        _attach("last response", _response(exchange["response"]))


def _links(source: str) -> dict[str, str]:
    """Where the source of a requirement can be read: name → URL."""
    rfcs = re.findall(r"RFC (\d+)(?: section (\d+(?:\.\d+)*))?", source)
    links = {
        f"RFC {number}": f"https://www.rfc-editor.org/rfc/rfc{number}" + (f"#section-{section}" if section else "")
        for number, section in rfcs
    }
    return links if source.startswith("RFC") else {f"Documentation: {source}": DOCUMENTATION, **links}


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


def build_site(folder: Path) -> Path:
    """Build the Allure site from the results in `folder`, with the history of earlier runs; returns its index.

    Raises ReportNotBuilt with one line when there are no results, Node is not there, or Allure fails.
    """
    results, site = folder / "allure-results", folder / "allure-report"
    if not results.is_dir():
        raise ReportNotBuilt(f"{results} is not there: only a run leaves Allure results")
    npx = shutil.which("npx")
    if npx is None:
        raise ReportNotBuilt("no Allure site: it takes Node (npx is not there); report.html needs nothing")
    configuration = {
        "name": "KuFlow conformance",
        "output": str(site.resolve()),
        "historyPath": str((folder / "allure-history.jsonl").resolve()),
    }
    shutil.rmtree(site, ignore_errors=True)
    with tempfile.TemporaryDirectory(prefix="kuflow-conformance-") as work:
        path = Path(work) / "allurerc.json"
        path.write_text(json.dumps(configuration), encoding="utf-8")
        command = [npx, "--yes", ALLURE, "generate", "--config", str(path), str(results.resolve())]
        try:
            done = subprocess.run(
                command,
                cwd=work,
                env={**os.environ, "ALLURE_NO_ANALYTICS": "true"},
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=TIMEOUT,
                check=False,
                text=True,
            )
        except subprocess.TimeoutExpired as error:
            raise ReportNotBuilt(f"no Allure site: {ALLURE} took longer than {TIMEOUT:.0f} s") from error
    if done.returncode or not (site / "index.html").is_file():
        said = done.stdout.strip().splitlines()
        raise ReportNotBuilt(f"no Allure site: {ALLURE} failed: {said[-1] if said else done.returncode}")
    return site / "index.html"
