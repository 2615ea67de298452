"""The life of a process."""

import uuid

import pytest

from kuflow_conformance.oracles import NotTested, shown
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.resources import MODIFIED

MANY = 30


@pytest.mark.requirement("PRC-001", "PRC-002")
def test_created_as_asked(world, evidence):
    body = world.process_body()
    asked = {"id": body["id"], "processDefinition.id": body["processDefinitionId"]}
    if "metadata" in body:
        asked["metadata.value"] = body["metadata"]["value"]
    created = world.granted(world.call("createProcess", body=body))
    for exchange in (created, world.read_process(world.id_of(created))):
        evidence.shows("PRC-001", exchange, {"state": "RUNNING"})
        evidence.shows("PRC-002", exchange, asked)


@pytest.mark.requirement("PRC-003")
def test_initiator_given_at_creation(world, evidence):
    principal = world.bed.need("principal_id")
    named = [{"initiatorId": principal}]
    if world.bed.principal_email:
        named.append({"initiatorEmail": world.bed.principal_email})
    else:
        evidence.partly("PRC-003", world.bed.missing("principal_email"))
    answers = [(given, world.call("createProcess", body=world.process_body(**given))) for given in named]
    if not any(created.ok for _, created in answers):
        raise NotTested("the target lets the test bed's principal start no process; set test-bed.principal-id")
    for given, created in answers:
        if not evidence.accepted("PRC-003", created, f"a process for {shown(given)}, as this principal may start one"):
            continue
        for exchange in (created, world.read_process(world.id_of(created))):
            evidence.shows("PRC-003", exchange, {"initiatorId": principal}, f"for {shown(given)}")


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
        if evidence.refused("PRC-012", exchange, f"of the unknown {shown(given)}"):
            evidence.refused("PRC-012", world.read_process(body["id"]), "of a process whose creation was refused")


@pytest.mark.requirement("PRC-004", "PRC-005")
@pytest.mark.parametrize(
    ("operation_id", "state", "requirement"),
    [("completeProcess", "COMPLETED", "PRC-004"), ("cancelProcess", "CANCELLED", "PRC-005")],
)
def test_end(operation_id, state, requirement, world, evidence):
    key = world.id_of(world.process())
    before = world.read_process(key)
    changed = (*MODIFIED, "state")
    ended = world.call(operation_id, id=key)
    if not evidence.accepted(requirement, ended, f"a running process to become {state}"):
        return
    for exchange in (ended, world.read_process(key)):
        evidence.shows(requirement, exchange, {"state": state})
        evidence.unchanged(requirement, before, exchange, "nothing but the state to change", ignore=changed)


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
            for exchange in (world.call(operation_id, id=key), world.read_process(key)):
                if evidence.accepted(requirement, exchange, "success, as no action is taken"):
                    evidence.unchanged(requirement, first, exchange, "the same process as after the first time")
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
        key = world.id_of(world.claimed_task(process))
        world.call("appendProcessItemTaskLog", id=key, body={"message": "kept?", "level": "INFO"})
        done = world.call("completeProcessItemTask", id=key)
        if done.ok and world.read_item(world.id_of(done)).at("task.state") == "COMPLETED":
            completed = [world.id_of(done)]
    message = world.id_of(world.message(process))
    bystander = world.id_of(world.task())
    before = {key: world.read_item(key) for key in (*completed, message, bystander)}
    if not world.call("cancelProcess", id=process).ok:
        return
    for key in (*ready, *claimed, *assigned):
        was = "a READY" if key in ready else "a CLAIMED" if key in claimed else "an assigned"
        cancelled = {"task.state": "CANCELLED"}
        evidence.shows("PRC-006", world.read_item(key), cancelled, f"for {was} task of a cancelled process")
    for key, earlier in before.items():
        what = {message: "a message", bystander: "a task of another process"}.get(key, "a COMPLETED task")
        evidence.unchanged("PRC-007", earlier, world.read_item(key), f"{what} to stay as it was")


@pytest.mark.long
@pytest.mark.requirement("PRC-006")
def test_cancel_takes_many_items_along(world, evidence):
    """More than fit on a page of the usual size."""
    process = world.id_of(world.process())
    tasks = [world.id_of(world.task(process)) for _ in range(MANY)]
    if not world.call("cancelProcess", id=process).ok:
        return
    for key in tasks:
        each = f"for each of {MANY} tasks of a cancelled process"
        if not evidence.shows("PRC-006", world.read_item(key), {"task.state": "CANCELLED"}, each):
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
    after = world.read_process(key)
    told, kept = (answer if answer.ok else before).at("state"), after.at("state")
    stable = kept == told and kept in ("COMPLETED", "CANCELLED")
    evidence.check("PRC-011", after, stable, expected=f"state {told}, as was answered", seen=kept)
    if answer.refused:
        evidence.unchanged("PRC-011", before, after, "nothing to change by a refused request")


@pytest.mark.requirement("PRC-013", "PRC-014")
def test_change_initiator(world, evidence):
    key = world.id_of(world.process())
    process = world.read_process(key)
    bed, first = world.bed, process.at("initiatorId")
    principal = bed.need("principal_id")
    options = [({"initiatorId": principal}, principal)]
    if bed.principal_email:
        options.append(({"initiatorEmail": bed.principal_email}, principal))
    else:
        evidence.partly("PRC-013", bed.missing("principal_email"))
    options += [({"initiatorId": key}, key) for key in (bed.application_id, bed.caller_id) if key]
    changes = [(body, wanted, world.call("changeProcessInitiator", id=key, body=body)) for body, wanted in options]
    # Not everybody has to be allowed to be initiator; but who was it, or was accepted once, is.
    allowed = {wanted.lower() for _, wanted, changed in changes if changed.ok} | {str(first).lower()}
    for body, wanted, changed in changes:
        if not changed.ok:
            may_not, expected = wanted.lower() not in allowed, f"the initiator to become {shown(body)}"
            evidence.check("PRC-013", changed, may_not, expected=expected)
            continue
        changed = world.call("changeProcessInitiator", id=key, body=body)
        ignore = (*MODIFIED, "initiatorId")
        for exchange in (changed, world.read_process(key)):
            evidence.shows("PRC-013", exchange, {"initiatorId": wanted}, f"for {shown(body)}")
            evidence.unchanged("PRC-014", process, exchange, "nothing but the initiator to change", ignore=ignore)


@pytest.mark.requirement("PRC-015")
def test_change_initiator_to_nobody(world, evidence):
    key = world.id_of(world.process())
    before = world.read_process(key)
    for body in ({}, {"initiatorId": str(uuid.uuid4())}, {"initiatorEmail": "nobody@conformance.example.com"}):
        exchange = world.call("changeProcessInitiator", id=key, body=body)
        evidence.refused("PRC-015", exchange, f"of {body or 'no initiator at all'}")
        after = world.read_process(key)
        if exchange.refused:
            evidence.unchanged("PRC-015", before, after, "nothing to change by a refused request")


@pytest.mark.requirement("PRC-016")
def test_times_of_creation(world, evidence):
    """What was created later says so, and about now by the server's own clock."""
    first, second = world.process(), world.process()
    moments = [parse_instant(exchange.at("createdAt")) for exchange in (first, second)]
    if None in moments:
        raise NotTested("createdAt is not shown")
    later, expected = moments[0] <= moments[1], f"createdAt not before {moments[0]}"
    evidence.check("PRC-016", second, later, expected=expected, seen=moments[1])
    error = world.read_process(str(uuid.uuid4()))
    now = parse_instant(error.at("timestamp"))
    if now is not None:
        near = abs((now - moments[1]).total_seconds()) < 600
        evidence.check("PRC-016", second, near, expected=f"createdAt about {now}", seen=moments[1])
