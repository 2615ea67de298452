"""The search for an order that explains what was seen."""

from datetime import UTC, datetime, timedelta

import pytest

from kuflow_conformance.description.openapi import load
from kuflow_conformance.oracles.simultaneous import Event, Orders, process_step, task_step
from kuflow_conformance.target.exchange import Exchange

START = datetime(2024, 6, 14, tzinfo=UTC)
OPERATIONS = load().operations


def event(operation, start, end, status=200, body=b"{}", what=""):
    exchange = Exchange(
        operation=OPERATIONS[operation],
        method=OPERATIONS[operation].method,
        url="http://example.com/",
        request_headers={},
        request_body=b"",
        status=status,
        headers={},
        body=body,
        elapsed=end - start,
        started=START + timedelta(seconds=start),
    )
    return Event.of(exchange, what)


@pytest.mark.parametrize(
    ("events", "outcomes"),
    [
        ([("cancelProcess", 0, 1)], {"CANCELLED"}),
        ([("cancelProcess", 0, 1, 409)], {"RUNNING"}),
        ([("completeProcess", 0, 2), ("cancelProcess", 1, 3)], {"COMPLETED", "CANCELLED"}),
        ([("completeProcess", 0, 1), ("cancelProcess", 2, 3)], {"COMPLETED"}),
        ([("completeProcess", 0, 1), ("cancelProcess", 2, 3, 409)], {"COMPLETED"}),
        ([("completeProcess", 0, 1), ("cancelProcess", 2, 3, 200, b'{"state": "CANCELLED"}')], {"CANCELLED"}),
    ],
)
def test_ends_of_a_process(events, outcomes):
    assert Orders([event(*parts) for parts in events], process_step).outcomes("RUNNING") == outcomes


def test_claims_and_assignments():
    both = [
        event("claimProcessItemTask", 0, 2, what="me"),
        event("assignProcessItemTask", 1, 3, what="her"),
        event("assignProcessItemTask", 4, 5, 403, what="him"),
    ]
    outcomes = Orders(both, task_step).outcomes(("READY", "none"))
    assert {owner for _, owner in outcomes} == {"me", "her"}
    assert {state for state, _ in outcomes} == {"CLAIMED"}


def test_a_completed_task_is_not_cancelled():
    events = [event("completeProcessItemTask", 0, 1), event("cancelProcess", 2, 3)]
    assert Orders(events, task_step).outcomes(("CLAIMED", "me")) == {("COMPLETED", "me")}


def test_many_that_overlap_are_searched_in_time():
    events = [event("claimProcessItemTask", 0, 1, what=f"side {number}") for number in range(12)]
    assert len(Orders(events, task_step).outcomes(("READY", "none"))) == 12
