"""Registering a worker: created once by identity, then updated; lengths at both sides of their bounds."""

import pytest

from kuflow_conformance.oracles.resources import same_value

UPDATED = {
    "taskQueue": "kuflow-conformance-2",
    "hostname": "other.example.com",
    "ip": "2001:db8::1",
    "workflowTypes": ["One", "Two"],
    "activityTypes": ["A", "B", "C"],
    "installationId": "7a1bf939-4d70-4439-9ced-a3dbbce12bd7",
}
BOUNDS = {"taskQueue": (1, 255), "hostname": (1, 255), "ip": (7, 40), "identity": (1, 255)}
ADDRESSES = {
    6: "1.1.1.",
    7: "1.1.1.1",
    39: "2001:0db8:0000:0000:0000:0000:0000:0001",
    40: "0000:0000:0000:0000:0000:ffff:192.0.2.10",
    41: "0000:0000:0000:0000:0000:ffff:192.0.2.100",
}
"""Addresses by length, so that a server that looks at more than the length has nothing to complain of."""


def _of_length(name, length, body):
    """A value of this length that is as good as can be."""
    if name == "ip":
        return ADDRESSES[length]
    return (body[name] if name == "identity" and length else "1").ljust(length, "1")[:length]


def _shown(evidence, requirement, exchange, body):
    for name, value in body.items():
        seen = exchange.object.get(name)
        evidence.check(requirement, same_value(seen, value), exchange, expected=f"{name} {value!r}", seen=seen)


@pytest.mark.requirement("WRK-001", "WRK-002", "WRK-003")
def test_created_then_updated(world, evidence):
    body = world.worker_body()
    created = world.call("createWorker", body=body)
    if not created.ok:
        return
    evidence.check("WRK-001", created.status == 201, created, expected="201 for a new worker", seen=created.status)
    _shown(evidence, "WRK-003", created, body)
    again = world.call("createWorker", body=body)
    evidence.check("WRK-001", again.status == 200, again, expected="200 for a known identity", seen=again.status)
    changed = world.call("createWorker", body=body | UPDATED)
    evidence.check("WRK-001", changed.status == 200, changed, expected="200 for a known identity", seen=changed.status)
    _shown(evidence, "WRK-002", changed, body | UPDATED)
    for exchange in (again, changed):
        for name in ("id", "createdAt"):
            first, seen = created.object.get(name), exchange.object.get(name)
            if first is not None:
                evidence.check(
                    "WRK-001",
                    same_value(first, seen),
                    exchange,
                    expected=f"{name} {first}, as it was created",
                    seen=seen,
                )
    other = world.call("createWorker", body=world.worker_body())
    evidence.check("WRK-001", other.status == 201, other, expected="201 for another identity", seen=other.status)
    keys = [exchange.object.get("id") for exchange in (created, other)]
    evidence.check("WRK-001", not same_value(*keys), other, expected=f"another id than {keys[0]}", seen=keys[1])


@pytest.mark.requirement("WRK-003")
def test_robots_of_a_worker(world, evidence):
    body = world.worker_body(robotIds=[world.bed.need("robot_id")])
    exchange = world.call("createWorker", body=body)
    if exchange.ok:
        _shown(evidence, "WRK-003", exchange, {"robotIds": body["robotIds"]})


@pytest.mark.requirement("WRK-004", "WRK-005")
@pytest.mark.parametrize("name", BOUNDS)
def test_lengths(name, world, evidence):
    shortest, longest = BOUNDS[name]
    for length in (shortest, longest, longest - 1):
        if name == "identity" and length == shortest:
            continue  # so short an identity could be somebody else's worker
        body = world.worker_body()
        body[name] = _of_length(name, length, body)
        exchange = world.call("createWorker", body=body)
        evidence.check("WRK-004", exchange.ok, exchange, expected=f"a {name} of {length} characters to be accepted")
        if exchange.ok:
            _shown(evidence, "WRK-003", exchange, {name: body[name]})
    for length in (shortest - 1, longest + 1):
        body = world.worker_body()
        body[name] = _of_length(name, length, body)
        exchange = world.call("createWorker", body=body)
        evidence.check(
            "WRK-005", exchange.refused, exchange, expected=f"a refusal (4xx) of a {name} of {length} characters"
        )


@pytest.mark.requirement("WRK-004", "WRK-005")
@pytest.mark.parametrize("name", ["workflowTypes", "activityTypes"])
def test_lengths_of_types(name, world, evidence):
    for length in (1, 255):
        exchange = world.call("createWorker", body=world.worker_body(**{name: ["x" * length]}))
        evidence.check(
            "WRK-004", exchange.ok, exchange, expected=f"an item of {length} characters in {name} to be accepted"
        )
    for length in (0, 256):
        exchange = world.call("createWorker", body=world.worker_body(**{name: ["ok", "x" * length]}))
        evidence.check(
            "WRK-005",
            exchange.refused,
            exchange,
            expected=f"a refusal (4xx) of an item of {length} characters in {name}",
        )
