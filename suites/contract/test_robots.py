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
        source = world.call("retrieveRobot", id=row["id"])
        exchange = world.call("downloadRobotSourceCode", id=row["id"])
        if not exchange.ok:
            continue
        length, digest = source.at("sourceFile.contentLength"), source.at("sourceFile.contentHash")
        if length is not None:
            evidence.equal("ROB-001", exchange, len(exchange.body), length, "bytes, as sourceFile says")
        algorithms[row["id"]] = (matching_hash(exchange.body, str(digest)), exchange)
        evidence.observe("ROB-003", f"contentHash is {algorithms[row['id']][0] or 'no known hash of the source code'}")
    known = {name for name, _ in algorithms.values() if name}
    for name, exchange in algorithms.values():
        # Which hash it is, is open; but where one robot shows it, all have to.
        expected = f"contentHash to be the {known} of the source code"
        evidence.check("ROB-002", exchange, name is not None or not known, expected=expected)


@pytest.mark.requirement("ROB-004", "ROB-005", "ROB-006")
def test_assets(world, evidence):
    call = world.good_call("downloadRobotAsset")
    first, again = world.send(call), world.send(call)
    same = first.ok and first.body == again.body
    evidence.check("ROB-004", again, same, expected="the same asset each time")
    for parameter in call.operation.query_parameters:
        # Which assets there are, is open.
        for value in parameter.schema.get("enum", ()):
            answer = world.send(call, query=dict(call.query) | {parameter.name: value})
            evidence.observe("ROB-006", f"{parameter.name} {value}: {answer.status}")
    unknown = world.send(call, query=dict(call.query) | {"version": "conformance-0.0.0"})
    evidence.refused("ROB-005", unknown, "of an unknown version")
    for name in ("type", "platform", "architecture"):
        exchange = world.send(call, query=dict(call.query) | {name: "CONFORMANCE"})
        evidence.refused("ROB-005", exchange, f"of an unknown {name}")
