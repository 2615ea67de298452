"""Reports and comparisons, and what a hostile target may not do to them."""

from __future__ import annotations

import copy
import json
import os
import shutil
import subprocess
import xml.etree.ElementTree
from html.parser import HTMLParser
from pathlib import Path

import pytest

from conftest import command
from kuflow_conformance.findings.compare import Comparison
from kuflow_conformance.report import pages

HOSTILE = '"><script>alert(1)</script> | **bold** `code` \x1b[31m ](x)'


@pytest.fixture(scope="module")
def broken(tmp_path_factory):
    """A run of two areas on a server with a bug in one of them."""
    options = ("run", "--fault", "size-1001", "--only", "PAG", "--only", "IDM")
    outcome = command(*options, reports=tmp_path_factory.mktemp("broken"))
    assert outcome.code == 1, outcome.output + outcome.error
    return outcome


@pytest.fixture(scope="module")
def otherwise_broken(tmp_path_factory):
    """The same areas on a server with another bug."""
    options = ("run", "--fault", "again-overwrites", "--only", "PAG", "--only", "IDM")
    return command(*options, reports=tmp_path_factory.mktemp("otherwise"))


class _Tags(HTMLParser):
    def __init__(self):
        super().__init__()
        self.tags = []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)


def _tags(page):
    parser = _Tags()
    parser.feed(page)
    return parser.tags


def test_a_run_leaves_page_summary_and_badge(broken):
    page = (broken.reports / "report.html").read_text()
    assert 'id="PAG-003"' in page
    assert "http://" not in page.split("<body>")[0], "the page loads nothing"
    summary = (broken.reports / "summary.md").read_text()
    assert "**PAG-003**" in summary
    assert "curl " in summary
    badge = xml.etree.ElementTree.parse(broken.reports / "badge.svg").getroot()
    assert "pagination, idempotency: " in badge.attrib["aria-label"]


def test_what_a_target_says_is_text_and_nothing_else(broken):
    record = copy.deepcopy(broken.record)
    record["target"]["name"] = HOSTILE
    requirement = next(r for r in record["requirements"] if r["id"] == "PAG-003")
    failure = requirement["failures"][0]
    failure |= {"expected": HOSTILE, "seen": HOSTILE, "curl": HOSTILE, "difference": [HOSTILE]}
    failure["exchange"]["response"] |= {"body": HOSTILE, "headers": {HOSTILE: HOSTILE}}
    requirement["observations"] = {HOSTILE: 1}
    assert _tags(pages.page(record)).count("script") == _tags(pages.page(broken.record)).count("script") == 1
    assert "script" not in _tags(pages.matrix([record]))
    assert "<script>" not in pages.badge(record)
    table = [line for line in pages.summary(record).splitlines() if line.startswith("| **PAG-003**")]
    assert "<script>" not in table[0].replace("\\<script\\>", "")


def test_a_failure_shows_what_led_to_it_and_the_difference(otherwise_broken):
    requirement = next(r for r in otherwise_broken.record["requirements"] if r["id"] == "IDM-004")
    failure = requirement["failures"][0]
    assert [step["operation"] for step in failure["steps"]][:2] == ["createProcess", "createProcessItem"]
    assert any(line.startswith("+") and "other" in line for line in failure["difference"])


def test_a_failure_shows_what_became_of_that_to_which_its_resource_belongs(tmp_path):
    outcome = command("run", "--fault", "cascade-own-only", "--only", "PRC-006", "--workers", "1", reports=tmp_path)
    requirement = next(r for r in outcome.record["requirements"] if r["id"] == "PRC-006")
    steps = [step["operation"] for step in requirement["failures"][0]["steps"]]
    assert steps == ["createProcess", "createProcessItem", "assignProcessItemTask", "cancelProcess"]


def test_a_requirement_that_holds_has_an_example(broken):
    held = [r for r in broken.record["requirements"] if r["outcome"] == "pass"]
    assert [r["id"] for r in held if r["example"] is None] == []


def test_comparison_names_exactly_the_differences(broken, otherwise_broken):
    comparison = Comparison(broken.record, otherwise_broken.record)
    assert [r["id"] for r in comparison.broken] == otherwise_broken.record["failed"]
    assert [r["id"] for r in comparison.mended] == ["PAG-003"]
    assert comparison.untested == comparison.still_broken == []
    outcome = command("compare", *(str(run.reports / "run.json") for run in (broken, otherwise_broken)))
    assert outcome.code == 1
    assert "IDM-004" in outcome.output
    same = command("compare", *[str(broken.reports / "run.json")] * 2)
    assert same.code == 0
    assert "nothing broken since" in same.output


def test_comparison_notices_latency_and_what_is_not_tested_any_more(broken):
    before, after = broken.record, copy.deepcopy(broken.record)
    slow = next(o for o in after["operations"] if o["id"] == "findProcesses")
    slow["milliseconds"] = {"p50": 900.0, "p95": 950.0, "max": 999.0}
    next(r for r in after["requirements"] if r["id"] == "IDM-001")["outcome"] = "not tested"
    comparison = Comparison(before, after)
    assert [change.operation for change in comparison.slower] == ["findProcesses"]
    assert [r["id"] for r in comparison.untested] == ["IDM-001"]
    assert not comparison.regressed


def test_a_baseline_decides_the_exit_code(broken, tmp_path):
    options = ("run", "--only", "PAG", "--baseline", str(broken.reports / "run.json"))
    outcome = command(*options, "--fault", "size-1001", reports=tmp_path)
    assert outcome.code == 0, outcome.output + outcome.error
    assert outcome.record["verdict"] == "not conformant"
    assert "Still broken" in outcome.output


@pytest.mark.parametrize("content", ["", "[]", "{}", '{"format": 99}', "\ud800", '{"format": 1, "requirements": []}'])
def test_what_is_no_record_is_refused_in_one_line(content, tmp_path):
    path = tmp_path / "run.json"
    path.write_bytes(content.encode("utf-8", "surrogatepass"))
    outcome = command("compare", str(path), str(path))
    assert outcome.code == 2
    assert outcome.error.startswith("kuflow-conformance: ")
    assert len(outcome.error.splitlines()) == 1


def test_matrix_shows_each_run(broken, otherwise_broken, tmp_path):
    page = tmp_path / "matrix.html"
    outcome = command(
        "matrix", str(broken.reports / "run.json"), str(otherwise_broken.reports / "run.json"), "--output", str(page)
    )
    assert outcome.code == 0
    broken_in_all = len(broken.record["failed"]) + len(otherwise_broken.record["failed"])
    assert page.read_text().count('aria-label="fail"') == broken_in_all


def test_pages_are_written_again_from_the_record(broken, tmp_path):
    shutil.copy(broken.reports / "run.json", tmp_path)
    outcome = command("report", str(tmp_path))
    assert outcome.code == 2
    assert "only a run leaves Allure results" in outcome.error
    assert (tmp_path / "report.html").read_text() == (broken.reports / "report.html").read_text()


def test_without_node_there_is_a_line_instead_of_an_allure_site(broken, monkeypatch):
    monkeypatch.setenv("PATH", "/nonexistent")
    outcome = command("report", str(broken.reports))
    assert outcome.code == 2
    assert "it takes Node" in outcome.error


@pytest.mark.skipif("AXE" not in os.environ, reason="AXE names no folder with axe-core and puppeteer-core")
def test_the_page_is_accessible(broken):
    """axe in headless Chromium, light and dark, wide and narrow, with everything unfolded."""
    script = Path(__file__).with_name("accessibility.mjs")
    done = subprocess.run(
        ["node", str(script), os.environ["AXE"], str(broken.reports / "report.html")],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    for view in map(json.loads, done.stdout.splitlines()):
        assert view["violations"] == []
        assert not view["overflows"]
