"""The verbs of evidence: what each takes for right, and what the report shows when it is wrong."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from kuflow_conformance.findings.evidence import Evidence
from kuflow_conformance.findings.history import History
from kuflow_conformance.oracles.coverage import Coverage
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.redaction import Redactor

UUID = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
ITEM = {
    "id": UUID.upper(),
    "createdAt": "2026-01-02T03:04:05Z",
    "task": {"state": "READY", "data": {"value": {"a": 1, "id": UUID}}},
}


@pytest.fixture
def evidence(description):
    return Evidence(Redactor(()), lambda exchange: "curl", Coverage(description), History(), set())


@pytest.fixture
def answer(description):
    def make(status=200, body=ITEM):
        return Exchange(
            operation=description.operations["retrieveProcessItem"],
            method="GET",
            url=f"http://target/v/process-items/{UUID}",
            request_headers={},
            request_body=b"",
            status=status,
            headers={"Content-Type": "application/json"},
            body=json.dumps(body).encode(),
            elapsed=0.1,
            started=datetime(2026, 1, 2, tzinfo=UTC),
        )

    return make


def failures(evidence):
    return [(failure["expected"], failure["seen"]) for failure in evidence.as_dict()["failures"]]


def test_what_is_right_is_counted(evidence, answer):
    assert evidence.refused("ITM-001", answer(404), "of an id")
    assert evidence.accepted("ITM-001", answer(304), "the item to be shown")
    assert evidence.answered("ITM-001", answer(200), 200, "for an item")
    assert evidence.shows("ITM-001", answer(), {"id": UUID, "createdAt": "2026-01-02T04:04:05.000+01:00"})
    assert evidence.shows("ITM-001", answer(), {"task.state": "READY", "task.data.value": {"id": UUID, "a": 1.0}})
    assert evidence.equal("ITM-001", answer(), 3, 3, "rows")
    assert evidence.nothing("ITM-001", answer(), set(), "no row of another tenant")
    assert evidence.unchanged("ITM-001", answer(), answer(), "the item as it was")
    assert evidence.checks == {"ITM-001": 10}
    assert not failures(evidence)


def test_what_is_not_known_is_passed_over(evidence, answer):
    assert evidence.shows("ITM-001", answer(), {"ownerId": None})
    assert not evidence.checks


@pytest.mark.parametrize(
    ("check", "expected", "seen"),
    [
        (lambda e, a: e.refused("ITM-001", a(), "of an id"), "a refusal (4xx) of an id", "200 application/json"),
        (lambda e, a: e.accepted("ITM-001", a(409), "it to be shown"), "it to be shown", "409 application/json"),
        (lambda e, a: e.answered("ITM-001", a(), 201, "for a new item"), "201 for a new item", "200"),
        (
            lambda e, a: e.shows("ITM-001", a(), {"task.state": "ready"}, "as it was"),
            "task.state ready, as it was",
            "READY",
        ),
        (
            lambda e, a: e.shows("ITM-001", a(), {"task.data.value": {"a": 1, "id": UUID.upper()}}),
            'task.data.value {"a": 1, "id": "497F6ECA',
            '{"a": 1, "id": "497f6eca',
        ),
        (lambda e, a: e.equal("ITM-001", a(), 1, True, "rows"), "true rows", "1"),
        (lambda e, a: e.nothing("ITM-001", a(), {"b", "a"}, "no row"), "no row", "a; b"),
        (
            lambda e, a: e.unchanged("ITM-001", a(), a(body=ITEM | {"task": {"state": "CLAIMED"}}), "as it was"),
            "as it was",
            'task.state is "READY" once and "CLAIMED" once',
        ),
    ],
)
def test_what_is_wrong_is_shown(check, expected, seen, evidence, answer):
    assert not check(evidence, answer)
    ((said, found),) = failures(evidence)
    assert said.startswith(expected)
    assert seen in found


def test_a_server_error_breaks_whatever_was_to_be_shown(evidence, answer):
    assert not evidence.accepted("ITM-001", answer(500), "the item to be shown")
    assert not evidence.shows("ITM-001", answer(500), {"task.state": "READY"})
    assert all(seen.startswith("500 ") for _, seen in failures(evidence))
