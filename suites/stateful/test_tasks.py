"""The life of a task: created, claimed or assigned, completed."""

import uuid

import pytest

from kuflow_conformance.oracles import NotTested, shown
from kuflow_conformance.oracles.resources import MODIFIED, log_entries


def _logged(world, task):
    """The task with an entry in its log."""
    key = world.id_of(task)
    world.call("appendProcessItemTaskLog", id=key, body={"message": "kept?", "level": "WARN"})
    return world.read_item(key)


def _rest_kept(evidence, before, after, *changed):
    """All but `changed` is as it was, and every entry of the log is still there."""
    ignore = (*MODIFIED, "task.logs", *changed)
    evidence.unchanged("ITM-011", before, after, f"nothing but {', '.join(changed)} to change", ignore=ignore)
    was, now = ({entry.get("id") for entry in log_entries(exchange.object)} for exchange in (before, after))
    evidence.nothing("ITM-011", after, was - now, "the entries of the log to stay")


@pytest.mark.requirement("ITM-002", "ITM-003")
def test_task_created_as_asked(world, evidence):
    process = world.scratch_process()
    sample = world.bed.task
    data = [None] + ([sample.valid] if sample.valid is not None else [])
    for value in data:
        task = {"taskDefinitionCode": sample.code} | ({"data": {"value": value}} if value is not None else {})
        body = {"id": world.new_id(), "type": "TASK", "processId": process, "task": task}
        created = world.call("createProcessItem", body=body)
        if not created.ok:
            continue
        asked = {
            "id": body["id"],
            "type": "TASK",
            "processId": process,
            "task.taskDefinition.code": sample.code,
            "task.data.value": value,
        }
        for exchange in (created, world.read_item(world.id_of(created))):
            evidence.shows("ITM-002", exchange, asked)
            evidence.shows("ITM-002", exchange, {"tenantId": world.bed.tenant_id}, "as its process")
            evidence.shows("ITM-003", exchange, {"task.state": "READY"})


@pytest.mark.requirement("ITM-005")
def test_owner_given_at_creation(world, evidence):
    principal = world.bed.need("principal_id")
    named = [{"ownerId": principal}]
    if world.bed.principal_email:
        named.append({"ownerEmail": world.bed.principal_email})
    else:
        evidence.partly("ITM-005", world.bed.missing("principal_email"))
    body = world.task_body
    answers = [(given, world.call("createProcessItem", body=body(world.scratch_process(), **given))) for given in named]
    if not any(created.ok for _, created in answers):
        raise NotTested("the target lets the test bed's principal own no task; set test-bed.principal-id")
    for given, created in answers:
        if not evidence.accepted("ITM-005", created, f"a task for {shown(given)}, as this principal may own one"):
            continue
        for exchange in (created, world.read_item(world.id_of(created))):
            evidence.shows("ITM-005", exchange, {"ownerId": principal}, f"for {shown(given)}")


@pytest.mark.requirement("ITM-006", "ITM-011")
def test_claim(world, evidence):
    before = _logged(world, world.task())
    if not world.bed.claimable:
        raise NotTested(world.bed.missing("claimable"))
    claimed = world.call("claimProcessItemTask", id=world.id_of(before))
    if not evidence.accepted("ITM-006", claimed, "a READY task to be claimed"):
        return
    for exchange in (claimed, world.read_item(world.id_of(before))):
        evidence.shows("ITM-006", exchange, {"task.state": "CLAIMED"})
        evidence.shows("ITM-006", exchange, {"ownerId": world.bed.caller_id}, "the caller")
        _rest_kept(evidence, before, exchange, "task.state", "ownerId")


@pytest.mark.requirement("ITM-007", "ITM-011", "ITM-013")
def test_assign(world, evidence):
    people = [({"ownerId": key}, key) for key in (world.bed.principal_id, world.bed.caller_id) if key]
    if world.bed.principal_email:
        people.append(({"ownerEmail": world.bed.principal_email}, world.bed.principal_id))
    else:
        evidence.partly("ITM-007", world.bed.missing("principal_email"))
    if world.bed.application_id:
        people.append(({"ownerId": world.bed.application_id}, world.bed.application_id))
    if not people:
        raise NotTested(world.bed.missing("principal_id"))
    answers = []
    for body, wanted in people:
        before = _logged(world, world.task())
        answers.append((before, body, wanted, world.call("assignProcessItemTask", id=world.id_of(before), body=body)))
    allowed = {wanted for *_, wanted, assigned in answers if assigned.ok}
    if not allowed:
        raise NotTested("the target assigns tasks to none of the principals of the test bed")
    for before, body, wanted, assigned in answers:
        if not assigned.ok:
            # Not everybody has to be allowed to own the task; but who is by one name, is by the other.
            evidence.observe("ITM-013", f"assign to {next(iter(body))}: {assigned.status}")
            expected = f"a task for {shown(body)}, as this principal may own one"
            evidence.check("ITM-007", assigned, wanted not in allowed, expected=expected)
            continue
        for exchange in (assigned, world.read_item(world.id_of(before))):
            evidence.shows("ITM-007", exchange, {"ownerId": wanted}, f"for {shown(body)}")
            state = exchange.at("task.state")
            is_open = state in ("READY", "CLAIMED")
            evidence.check("ITM-007", exchange, is_open, expected="a task that is still open", seen=state)
            _rest_kept(evidence, before, exchange, "task.state", "ownerId")


@pytest.mark.requirement("ITM-014")
def test_assign_to_nobody(world, evidence):
    task = world.id_of(world.task())
    before = world.read_item(task)
    for body in ({}, {"ownerId": str(uuid.uuid4())}, {"ownerEmail": "nobody@conformance.example.com"}):
        exchange = world.call("assignProcessItemTask", id=task, body=body)
        if evidence.refused("ITM-014", exchange, f"of {body or 'no owner at all'}"):
            evidence.unchanged("ITM-014", before, world.read_item(task), "nothing to change by a refused request")


@pytest.mark.requirement("ITM-015")
def test_unknown_parts_are_refused(world, evidence):
    process, unknown = world.scratch_process(), str(uuid.uuid4())
    for body in (
        world.task_body(unknown),
        world.task_body(process, task={"taskDefinitionCode": f"CONFORMANCE-{unknown}"}),
        world.task_body(process, ownerId=unknown),
        world.task_body(process, ownerEmail="nobody@conformance.example.com"),
        {"id": world.new_id(), "type": "TASK", "processId": process},
    ):
        exchange = world.call("createProcessItem", body=body)
        if evidence.refused("ITM-015", exchange, "of what does not exist"):
            evidence.refused("ITM-015", world.read_item(body["id"]), "of an item whose creation was refused")


@pytest.mark.requirement("ITM-008", "ITM-011")
def test_complete(world, evidence):
    before = _logged(world, world.claimed_task())
    completed = world.call("completeProcessItemTask", id=world.id_of(before))
    if completed.refused and world.bed.task.valid is None:
        raise NotTested("the target may want valid data before it completes a task; set test-bed.tasks.valid")
    if not evidence.accepted("ITM-008", completed, "a claimed task with valid data to be completed"):
        return
    for exchange in (completed, world.read_item(world.id_of(before))):
        evidence.shows("ITM-008", exchange, {"task.state": "COMPLETED"})
        _rest_kept(evidence, before, exchange, "task.state")


@pytest.mark.requirement("ITM-009", "ITM-013")
def test_complete_what_is_not_claimed(world, evidence):
    """Refused or not, what the answer says is what is kept."""
    key = world.id_of(world.task())
    before = world.read_item(key)
    answer = world.call("completeProcessItemTask", id=key)
    evidence.observe("ITM-013", f"complete a READY task: {answer.status}")
    after = world.read_item(key)
    if answer.refused:
        evidence.unchanged("ITM-009", before, after, "nothing to change by a refused request")
    elif answer.ok:
        for exchange in (answer, after):
            evidence.shows("ITM-009", exchange, {"task.state": "COMPLETED"}, "after success")


@pytest.mark.requirement("ITM-010", "ITM-013")
@pytest.mark.parametrize("state", ["COMPLETED", "CANCELLED"])
def test_what_is_finished_stays_finished(state, world, evidence):
    process = world.id_of(world.process())
    if state == "COMPLETED":
        key = world.id_of(world.claimed_task(process))
        ended = world.call("completeProcessItemTask", id=key)
    else:
        key = world.id_of(world.task(process))
        ended = world.call("cancelProcess", id=process)
    world.granted(ended)
    before = world.read_item(key)
    for operation_id, body in (
        ("claimProcessItemTask", None),
        ("completeProcessItemTask", None),
        ("assignProcessItemTask", {"ownerId": world.bed.caller_id or world.bed.need("principal_id")}),
    ):
        answer = world.call(operation_id, id=key, body=body)
        evidence.observe("ITM-013", f"{operation_id} on a {state} task: {answer.status}")
        after = world.read_item(key)
        evidence.shows("ITM-010", after, {"task.state": before.at("task.state")}, "as it was finished")
        if answer.refused:
            evidence.unchanged("ITM-010", before, after, "nothing to change by a refused request")


@pytest.mark.requirement("ITM-009", "ITM-013")
def test_claim_what_is_claimed(world, evidence):
    key = world.id_of(world.claimed_task())
    before = world.read_item(key)
    answer = world.call("claimProcessItemTask", id=key)
    evidence.observe("ITM-013", f"claim a CLAIMED task again: {answer.status}")
    after = world.read_item(key)
    ignore = MODIFIED if answer.ok else ()
    evidence.unchanged("ITM-009", before, after, "the task to stay claimed by its owner", ignore=ignore)
