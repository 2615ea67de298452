"""Lists and single reads show the same things, and showing them changes nothing."""

from itertools import pairwise

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.resources import disagreements, same_id

READ_BY = {
    "findPrincipals": "retrievePrincipal",
    "findTenantUsers": "retrieveTenantUser",
    "findProcesses": "retrieveProcess",
    "findProcessItems": "retrieveProcessItem",
    "findRobots": "retrieveRobot",
}
ROWS = 3
ATTEMPTS = 3


@pytest.mark.requirement("RED-001", "RED-002")
@pytest.mark.operations("lists")
def test_row_agrees_with_resource(operation, world, evidence):
    read = READ_BY[operation.id]
    rows = world.call(operation.id, query={"size": ROWS}).rows
    if not rows:
        raise NotTested(f"{operation.id} shows no row")
    for row in rows:
        exchange, differences = None, []
        # Others may change the resource between the two reads: only what stays different counts.
        for _ in range(ATTEMPTS):
            exchange = world.call(read, id=row["id"])
            differences = disagreements(row, exchange.object)
            if not differences or not exchange.ok:
                break
            fresh = world.call(operation.id, query={"size": ROWS}).rows
            row = next((other for other in fresh if same_id(other.get("id"), row["id"])), row)
        if not evidence.check("RED-001", exchange.ok, exchange, expected=f"{row['id']}, which the list shows"):
            continue
        seen = exchange.object.get("id")
        evidence.check("RED-001", same_id(seen, row["id"]), exchange, expected=f"id {row['id']}", seen=seen)
        evidence.check(
            "RED-002",
            not differences,
            exchange,
            expected=f"what {operation.id} shows of it",
            seen="; ".join(differences),
        )


@pytest.mark.requirement("RED-003")
@pytest.mark.operations("lists")
def test_reading_changes_nothing(operation, world, evidence):
    rows = world.call(operation.id, query={"size": 1}).rows
    if not rows:
        raise NotTested(f"{operation.id} shows no row")
    exchanges = [world.call(READ_BY[operation.id], id=rows[0]["id"]) for _ in range(ATTEMPTS)]
    if not all(exchange.ok for exchange in exchanges):
        return  # that the resource can be read is another test
    # A change by somebody else shows once; one made by reading shows every time.
    changes = [disagreements(before.object, after.object) for before, after in pairwise(exchanges)]
    seen = "; ".join(changes[-1])
    evidence.check("RED-003", not all(changes), exchanges[-1], expected="the same resource as before", seen=seen)
