"""The life of a process."""

import uuid

import pytest

from kuflow_conformance.oracles import NotTested, shown
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.resources import MODIFIED, same_id
from kuflow_conformance.oracles.values import json_equal

MANY = 30


def state_of(exchange):
    return exchange.object.get("state")


def read(world, key):
    return world.call("retrieveProcess", id=key)


def task_state(world, key):
    exchange = world.call("retrieveProcessItem", id=key)
    return exchange, (exchange.object.get("task") or {}).get("state")


@pytest.mark.requirement("PRC-001", "PRC-002")
def test_created_as_asked(world, evidence):
    body = world.process_body()
    created = world.call("createProcess", body=body)
    if not created.ok:
        raise NotTested(f"createProcess answers {created.describe()[:160]}")
    for exchange in (created, read(world, world.id_of(created))):
        evidence.check(
            "PRC-001", state_of(exchange) == "RUNNING", exchange, expected="state RUNNING", seen=state_of(exchange)
        )
        key = exchange.object.get("id")
        evidence.check("PRC-002", same_id(key, body["id"]), exchange, expected=f"id {body['id']}", seen=key)
        definition = (exchange.object.get("processDefinition") or {}).get("id")
        wanted = body["processDefinitionId"]
        evidence.check(
            "PRC-002", same_id(definition, wanted), exchange, expected=f"processDefinition.id {wanted}", seen=definition
        )
        if "metadata" in body:
            value, given = (exchange.object.get("metadata") or {}).get("value"), body["metadata"]["value"]
            evidence.check(
                "PRC-002", json_equal(value, given), exchange, expected=f"metadata.value {shown(given)}", seen=value
            )


@pytest.mark.requirement("PRC-003")
def test_initiator_given_at_creation(world, evidence):
    principal = world.bed.need("principal_id")
    named = [{"initiatorId": principal}]
    if world.bed.principal_email:
        named.append({"initiatorEmail": world.bed.principal_email})
    answers = [(given, world.call("createProcess", body=world.process_body(**given))) for given in named]
    if not any(created.ok for _, created in answers):
        raise NotTested("the target lets the test bed's principal start no process; set test-bed.principal-id")
    for given, created in answers:
        expected = f"a process for {given}, as this principal may start one"
        if not evidence.check("PRC-003", created.ok, created, expected=expected):
            continue
        for exchange in (created, read(world, world.id_of(created))):
            seen = exchange.object.get("initiatorId")
            evidence.check(
                "PRC-003",
                same_id(seen, principal),
                exchange,
                expected=f"initiatorId {principal} for {shown(given)}",
                seen=seen,
            )


@pytest.mark.requirement("PRC-012")
def test_unknown_definition_and_initiator_are_refused(world, evidence):
    unknown = str(uuid.uuid4())
    for given in (
        {"processDefinitionId": unknown},
        {"initiatorId": unknown},
        {"initiatorEmail": "nobody@conformance.example.com"},
    ):
        body = world.process_body(**given)
        exchange = world.call("createProcess", body=body)
        evidence.check("PRC-012", exchange.refused, exchange, expected=f"a refusal (4xx) of the unknown {shown(given)}")
        if exchange.refused:
            after = read(world, body["id"])
            evidence.check("PRC-012", after.refused, after, expected="no process after the refusal")


@pytest.mark.requirement("PRC-004", "PRC-005")
@pytest.mark.parametrize(
    ("operation_id", "state", "requirement"),
    [("completeProcess", "COMPLETED", "PRC-004"), ("cancelProcess", "CANCELLED", "PRC-005")],
)
def test_end(operation_id, state, requirement, world, evidence):
    key = world.id_of(world.process())
    before = read(world, key)
    ended = world.call(operation_id, id=key)
    if not evidence.check(requirement, ended.ok, ended, expected=f"a running process to become {state}"):
        return
    for exchange in (ended, read(world, key)):
        evidence.check(
            requirement, state_of(exchange) == state, exchange, expected=f"state {state}", seen=state_of(exchange)
        )
        evidence.same(
            requirement, before, exchange, expected="nothing but the state to change", ignore=(*MODIFIED, "state")
        )


@pytest.mark.requirement("PRC-008", "PRC-009")
def test_repeating_takes_no_action(world, evidence, time_passes):
    ends = [("completeProcess", "PRC-008"), ("cancelProcess", "PRC-009")]
    ended = []
    for operation_id, requirement in ends:
        first = world.call(operation_id, id=world.id_of(world.process()))
        if first.ok:
            ended.append((operation_id, requirement, first))
    for attempt in range(2):
        for operation_id, requirement, first in ended:
            key = world.id_of(first)
            for exchange in (world.call(operation_id, id=key), read(world, key)):
                expected = "success, as no action is taken"
                if evidence.check(requirement, exchange.ok, exchange, expected=expected):
                    expected = "the same process as after the first time"
                    evidence.same(requirement, first, exchange, expected=expected)
        if attempt == 0:
            time_passes(*(first for _, _, first in ended))


@pytest.mark.requirement("PRC-006", "PRC-007")
def test_cancel_takes_active_items_along(world, evidence):
    process = world.id_of(world.process())
    ready = [world.id_of(world.task(process)) for _ in range(2)]
    claimed, completed, assigned = [], [], []
    if world.bed.principal_id:
        key = world.id_of(world.task(process))
        if world.call("assignProcessItemTask", id=key, body={"ownerId": world.bed.principal_id}).ok:
            assigned = [key]
    if world.bed.claimable:
        claimed = [world.id_of(world.claimed_task(process)) for _ in range(2)]
        done = world.call("completeProcessItemTask", id=world.id_of(world.claimed_task(process)))
        completed = [world.id_of(done)] if done.ok and task_state(world, world.id_of(done))[1] == "COMPLETED" else []
    message = world.id_of(world.message(process))
    bystander = world.id_of(world.task())
    before = {key: world.call("retrieveProcessItem", id=key) for key in (*completed, message, bystander)}
    if not world.call("cancelProcess", id=process).ok:
        return
    for key in (*ready, *claimed, *assigned):
        exchange, state = task_state(world, key)
        was = "a READY" if key in ready else "a CLAIMED" if key in claimed else "an assigned"
        evidence.check(
            "PRC-006",
            state == "CANCELLED",
            exchange,
            expected=f"{was} task to be CANCELLED with its process",
            seen=state,
        )
    for key, earlier in before.items():
        exchange = world.call("retrieveProcessItem", id=key)
        what = {message: "a message", bystander: "a task of another process"}.get(key, "a COMPLETED task")
        evidence.same("PRC-007", earlier, exchange, expected=f"{what} to stay as it was")


@pytest.mark.long
@pytest.mark.requirement("PRC-006")
def test_cancel_takes_many_items_along(world, evidence):
    """More than fit on a page of the usual size."""
    process = world.id_of(world.process())
    tasks = [world.id_of(world.task(process)) for _ in range(MANY)]
    if not world.call("cancelProcess", id=process).ok:
        return
    for key in tasks:
        exchange, state = task_state(world, key)
        expected = f"each of {MANY} tasks to be CANCELLED with their process"
        if not evidence.check("PRC-006", state == "CANCELLED", exchange, expected=expected, seen=state):
            return


@pytest.mark.requirement("PRC-010", "PRC-011")
@pytest.mark.parametrize(
    ("first", "second"), [("completeProcess", "cancelProcess"), ("cancelProcess", "completeProcess")]
)
def test_ending_twice_in_different_ways(first, second, world, evidence):
    key = world.id_of(world.process())
    before = world.call(first, id=key)
    if not before.ok:
        return
    answer = world.call(second, id=key)
    evidence.observe("PRC-010", f"{second} after {first}: {answer.status}")
    after = read(world, key)
    expected = {state_of(answer)} if answer.ok else {state_of(before)}
    stable = state_of(after) in expected and state_of(after) in ("COMPLETED", "CANCELLED")
    evidence.check("PRC-011", stable, after, expected=f"state {' or '.join(map(str, expected))}", seen=state_of(after))
    if answer.refused:
        evidence.same("PRC-011", before, after, expected="nothing to change by a refused request")


@pytest.mark.requirement("PRC-013", "PRC-014")
def test_change_initiator(world, evidence):
    key = world.id_of(world.process())
    process = read(world, key)
    bed, first = world.bed, process.object.get("initiatorId")
    principal = bed.need("principal_id")
    options = [({"initiatorId": principal}, principal)]
    options += [({"initiatorEmail": bed.principal_email}, principal)] if bed.principal_email else []
    options += [({"initiatorId": key}, key) for key in (bed.application_id, bed.caller_id) if key]
    changes = [(body, wanted, world.call("changeProcessInitiator", id=key, body=body)) for body, wanted in options]
    # Not everybody has to be allowed to be initiator; but who was it, or was accepted once, is.
    allowed = {wanted.lower() for _, wanted, changed in changes if changed.ok} | {str(first).lower()}
    for body, wanted, changed in changes:
        if not changed.ok:
            refused = wanted.lower() in allowed
            evidence.check("PRC-013", not refused, changed, expected=f"the initiator to become {shown(body)}")
            continue
        changed = world.call("changeProcessInitiator", id=key, body=body)
        for exchange in (changed, read(world, key)):
            seen = exchange.object.get("initiatorId")
            evidence.check(
                "PRC-013",
                same_id(seen, wanted),
                exchange,
                expected=f"initiatorId {wanted} for {shown(body)}",
                seen=seen,
            )
            evidence.same(
                "PRC-014",
                process,
                exchange,
                expected="nothing but the initiator to change",
                ignore=(*MODIFIED, "initiatorId"),
            )


@pytest.mark.requirement("PRC-015")
def test_change_initiator_to_nobody(world, evidence):
    key = world.id_of(world.process())
    before = read(world, key)
    for body in ({}, {"initiatorId": str(uuid.uuid4())}, {"initiatorEmail": "nobody@conformance.example.com"}):
        exchange = world.call("changeProcessInitiator", id=key, body=body)
        evidence.check(
            "PRC-015", exchange.refused, exchange, expected=f"a refusal (4xx) of {body or 'no initiator at all'}"
        )
        after = read(world, key)
        if exchange.refused:
            evidence.same("PRC-015", before, after, expected="nothing to change by a refused request")


@pytest.mark.requirement("PRC-016")
def test_times_of_creation(world, evidence):
    """What was created later says so, and about now by the server's own clock."""
    first, second = world.process(), world.process()
    moments = [parse_instant(exchange.object.get("createdAt")) for exchange in (first, second)]
    if None in moments:
        raise NotTested("createdAt is not shown")
    evidence.check(
        "PRC-016", moments[0] <= moments[1], second, expected=f"createdAt not before {moments[0]}", seen=moments[1]
    )
    error = world.call("retrieveProcess", id=str(uuid.uuid4()))
    now = parse_instant(error.object.get("timestamp"))
    if now is not None:
        near = abs((now - moments[1]).total_seconds()) < 600
        evidence.check("PRC-016", near, second, expected=f"createdAt about {now}", seen=moments[1])
