"""Robots: source code that is what `sourceFile` says, and assets."""

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.documents import matching_hash

ROBOTS = 5


@pytest.mark.requirement("ROB-001", "ROB-002", "ROB-003")
def test_source_code(world, evidence):
    algorithms = {}
    rows = world.call("findRobots", query={"size": ROBOTS}).rows
    if not rows:
        raise NotTested(world.bed.missing("robot_id"))
    for row in rows:
        source = world.call("retrieveRobot", id=row["id"]).object.get("sourceFile") or {}
        exchange = world.call("downloadRobotSourceCode", id=row["id"])
        if not exchange.ok:
            continue
        length = source.get("contentLength")
        evidence.check(
            "ROB-001",
            len(exchange.body) == length,
            exchange,
            expected=f"{length} bytes",
            seen=f"{len(exchange.body)} bytes",
        )
        algorithms[row["id"]] = (matching_hash(exchange.body, str(source.get("contentHash"))), exchange)
        evidence.observe("ROB-003", f"contentHash is {algorithms[row['id']][0] or 'no known hash of the source code'}")
    known = {name for name, _ in algorithms.values() if name}
    for name, exchange in algorithms.values():
        # Which hash it is, is open; but where one robot shows it, all have to.
        evidence.check(
            "ROB-002",
            name is not None or not known,
            exchange,
            expected=f"contentHash to be the {known} of the source code",
        )


@pytest.mark.requirement("ROB-004", "ROB-005", "ROB-006")
def test_assets(world, evidence):
    call = world.good_call("downloadRobotAsset")
    first, again = world.send(call), world.send(call)
    evidence.check("ROB-004", first.ok and first.body == again.body, again, expected="the same asset each time")
    for parameter in call.operation.query_parameters:
        # Which assets there are, is open.
        for value in parameter.schema.get("enum", ()):
            answer = world.send(call, query=dict(call.query) | {parameter.name: value})
            evidence.observe("ROB-006", f"{parameter.name} {value}: {answer.status}")
    unknown = world.send(call, query=dict(call.query) | {"version": "conformance-0.0.0"})
    evidence.check("ROB-005", unknown.refused, unknown, expected="a refusal (4xx) of an unknown version")
    for name in ("type", "platform", "architecture"):
        exchange = world.send(call, query=dict(call.query) | {name: "CONFORMANCE"})
        evidence.check("ROB-005", exchange.refused, exchange, expected=f"a refusal (4xx) of an unknown {name}")
