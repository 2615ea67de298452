"""Failing tests are made again: broken each time, sometimes, or seen once in thousands of requests."""

from __future__ import annotations

import json
from datetime import date, timedelta

import jsonschema
import pytest

from conftest import command, miniature
from kuflow_conformance import files
from kuflow_conformance.findings.known import Known
from kuflow_conformance.findings.verdicts import Complaint

KNOWN = """[[known]]
requirement = "PAG-*"
operation = "findRobots"
reason = "cold start"
intermittent = true
expires = 2999-01-01
"""


def repeated(record, requirement):
    found = next(r for r in record["requirements"] if r["id"] == requirement)
    return found["outcome"], [f["repeated"] for f in found["findings"] if f["repeated"]]


def test_what_is_broken_each_time_says_so(tmp_path):
    known = tmp_path / "known.toml"
    known.write_text(KNOWN.replace('"findRobots"', '"find*"'))
    options = ("run", "--fault", "size-1001", "--only", "PAG-003", "--workers", "2", "--known", str(known))
    outcome = command(*options, reports=tmp_path / "r")
    assert outcome.code == 1, outcome.output + outcome.error
    jsonschema.validate(outcome.record, json.loads(files.data("spec/run.schema.json").read_text()))
    assert "5 of 5 when repeated" in outcome.output
    assert outcome.record["known"][0]["state"] == "always broken", "it is listed as broken sometimes, and is not"
    assert repeated(outcome.record, "PAG-003")[0] == "fail"


def test_what_is_broken_sometimes_fails_unless_it_is_listed_as_that(tmp_path):
    with miniature("cold", tmp_path) as cold:
        options = ("run", "--target", str(cold.target_file), "--only", "PAG", "--only", "findRobots", "--workers", "1")
        first = command(*options, environment=cold.environment, reports=tmp_path / "r")
    assert first.code == 1, first.output + first.error
    assert "0 of 5 when repeated: intermittent" in first.output
    (found,) = repeated(first.record, "PAG-002")[1]
    assert found["held"]["response"]["status"] == 200
    page = (tmp_path / "r" / "report.html").read_text()
    assert "One that does not, when repeated" in page
    (tmp_path / "target.toml").unlink()
    known = tmp_path / "known.toml"
    known.write_text(KNOWN)
    with miniature("cold", tmp_path) as cold:
        listed = command(*options, "--known", str(known), environment=cold.environment, reports=tmp_path / "r")
    assert listed.code == 0, listed.output + listed.error


def test_one_bad_gateway_in_thousands_of_requests_is_shown_and_does_not_fail(tmp_path):
    with miniature("one-bad-gateway", tmp_path) as server:
        options = ("run", "--target", str(server.target_file), "--only", "ANS", "--only", "*Robot", "--workers", "1")
        outcome = command(*options, environment=server.environment, reports=tmp_path / "r")
    assert outcome.code == 0, outcome.output + outcome.error
    assert repeated(outcome.record, "ANS-002")[0] == "warn"
    requests = outcome.record["traffic"]["requests"]
    assert f"1 of {requests:,} requests; 0 of 5 when repeated" in outcome.output


@pytest.mark.parametrize(
    ("changes", "once"),
    [
        ({}, True),
        ({"count": 2}, False),
        ({"broken": 1}, False),
        ({"repeated": 0}, False),
        ({"unanswered": False}, False),
    ],
)
def test_only_a_single_request_that_never_comes_again_is_put_up_with(changes, once):
    parts = {"count": 1, "unanswered": True, "repeated": 5, "broken": 0} | changes
    assert Complaint("findRobots", "00000001", "an answer", **parts).once is once


def test_an_intermittent_failure_is_known_until_it_is_always_there():
    entry = Known(requirement="A", reason="x", intermittent=True, expires=date.today() + timedelta(days=1))
    assert entry.covers("A", "findRobots", "00000001")
    sometimes = Complaint("findRobots", "00000001", "x", repeated=5, broken=4)
    always = Complaint("findRobots", "00000001", "x", repeated=5, broken=5)
    assert sometimes.intermittent
    assert not always.intermittent
