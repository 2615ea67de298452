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
REQUIRED = ("identity", "taskQueue", "hostname", "ip")
"""What every answer about a worker has."""
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


def _shown(evidence, requirement, exchange, body, earlier=None):
    """The answer shows what was sent. It may leave out what is optional, unless `earlier` it did not."""
    optional = {name for name in body if name not in REQUIRED}
    silent = {name for name in optional if exchange.at(name) is None and (earlier is None or earlier.at(name) is None)}
    evidence.shows(requirement, exchange, {name: value for name, value in body.items() if name not in silent})


@pytest.mark.requirement("WRK-001", "WRK-002", "WRK-003")
def test_created_then_updated(world, evidence):
    body = world.worker_body(workflowTypes=["Before"], activityTypes=["Before"])
    created = world.call("createWorker", body=body)
    if not created.ok:
        return
    evidence.answered("WRK-001", created, 201, "for a new worker")
    _shown(evidence, "WRK-003", created, body)
    again = world.call("createWorker", body=body)
    evidence.answered("WRK-001", again, 200, "for a known identity")
    changed = world.call("createWorker", body=body | UPDATED)
    evidence.answered("WRK-001", changed, 200, "for a known identity")
    _shown(evidence, "WRK-002", changed, body | UPDATED, created)
    as_created = {name: created.at(name) for name in ("id", "createdAt")}
    for exchange in (again, changed):
        evidence.shows("WRK-001", exchange, as_created, "as it was created")
    other = world.call("createWorker", body=world.worker_body())
    evidence.answered("WRK-001", other, 201, "for another identity")
    keys = [exchange.at("id") for exchange in (created, other)]
    if None not in keys:
        evidence.check("WRK-001", other, not same_value(*keys), expected=f"another id than {keys[0]}", seen=keys[1])


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
        if evidence.accepted("WRK-004", exchange, f"a {name} of {length} characters to be accepted"):
            evidence.shows("WRK-003", exchange, {name: body[name]})
    for length in (shortest - 1, longest + 1):
        body = world.worker_body()
        body[name] = _of_length(name, length, body)
        exchange = world.call("createWorker", body=body)
        evidence.refused("WRK-005", exchange, f"of a {name} of {length} characters")


@pytest.mark.requirement("WRK-004", "WRK-005")
@pytest.mark.parametrize("name", ["workflowTypes", "activityTypes"])
def test_lengths_of_types(name, world, evidence):
    for length in (1, 255):
        exchange = world.call("createWorker", body=world.worker_body(**{name: ["x" * length]}))
        evidence.accepted("WRK-004", exchange, f"an item of {length} characters in {name} to be accepted")
    for length in (0, 256):
        exchange = world.call("createWorker", body=world.worker_body(**{name: ["ok", "x" * length]}))
        evidence.refused("WRK-005", exchange, f"of an item of {length} characters in {name}")
