"""Who made and changed a thing, and when: after every operation that changes something."""

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.resources import same_id

PATCH = [{"op": "add", "path": "/conformance", "value": "changed"}]


def _changes(world):
    """Operation → what it acts on, made anew, the operation that reads it, and the body."""
    bed = world.bed
    for part in ("Metadata", "Entity"):
        value = {part.lower(): {"value": {"conformance": "changed"}}}
        yield f"updateProcess{part}", world.process, "retrieveProcess", value
        yield f"patchProcess{part}", world.process, "retrieveProcess", PATCH
    others = [key for key in (bed.principal_id, bed.application_id) if key and not same_id(key, bed.caller_id)]
    if others:  # to name the initiator that there is may be no change
        yield "changeProcessInitiator", world.process, "retrieveProcess", {"initiatorId": others[0]}
    yield "completeProcess", world.process, "retrieveProcess", None
    yield "cancelProcess", world.process, "retrieveProcess", None
    yield "claimProcessItemTask", world.task, "retrieveProcessItem", None
    yield "assignProcessItemTask", world.task, "retrieveProcessItem", {"ownerId": bed.caller_id or bed.principal_id}
    log = {"message": "changed", "level": "INFO"}
    yield "appendProcessItemTaskLog", world.task, "retrieveProcessItem", log
    yield "updateProcessItemTaskData", world.task, "retrieveProcessItem", {"data": {"value": {"conformance": 1}}}
    yield "patchProcessItemTaskData", world.task, "retrieveProcessItem", PATCH
    if bed.claimable:
        yield "completeProcessItemTask", world.claimed_task, "retrieveProcessItem", None


@pytest.mark.long
@pytest.mark.requirement("RED-002", "RED-005", "RED-006", "RED-007")
def test_audit_of_every_change(world, evidence, time_passes, row_agrees):
    made = []
    for operation_id, make, read, body in _changes(world):
        try:
            key = world.id_of(make())
        except NotTested as gap:
            evidence.gap(("RED-005", "RED-006", "RED-007"), str(gap))
            continue
        made.append((operation_id, key, read, body, world.call(read, id=key)))
    time_passes(*(before for *_, before in made))
    for operation_id, key, read, body, before in made:
        changed = world.call(operation_id, id=key, body=body)
        if not changed.ok:
            continue
        after = world.call(read, id=key)
        for exchange in (changed, after):
            _judge(world, evidence, operation_id, before, exchange)
        row_agrees(after, f"the row as it was read after {operation_id}")


@pytest.mark.requirement("RED-005", "RED-006", "RED-007")
def test_audit_of_an_updated_worker(world, evidence, time_passes):
    body = world.worker_body()
    created = world.call("createWorker", body=body)
    time_passes(created)
    changed = world.call("createWorker", body=body | {"hostname": "changed.example.com"})
    if created.ok and changed.ok:
        _judge(world, evidence, "createWorker", created, changed)


def _modified_later(evidence, before, after, then):
    was, now = (parse_instant(exchange.at("lastModifiedAt")) for exchange in (before, after))
    if was is not None and now is not None:
        expected = f"lastModifiedAt after {was.isoformat()}, {then}"
        evidence.check("RED-005", after, now > was, expected=expected, seen=now.isoformat())


def _judge(world, evidence, operation_id, before, after):
    _modified_later(evidence, before, after, f"before {operation_id}")
    if after.at("lastModifiedBy") is not None:
        evidence.shows("RED-006", after, {"lastModifiedBy": world.bed.caller_id}, "the caller")
    for name in ("createdBy", "createdAt"):
        if after.at(name) is not None:
            evidence.shows("RED-007", after, {name: before.at(name)}, f"as before {operation_id}")


@pytest.mark.requirement("RED-006")
def test_creator_of_what_is_created(world, evidence):
    for made in (world.process(), world.task(), world.message(), world.call("createWorker", body=world.worker_body())):
        for name in ("createdBy", "lastModifiedBy"):
            if made.ok and made.at(name) is not None:
                evidence.shows("RED-006", made, {name: world.bed.caller_id}, "the caller")


@pytest.mark.requirement("RED-005")
def test_cancelled_items_were_modified(world, evidence, time_passes):
    """Being cancelled with its process is a change of the item."""
    process = world.id_of(world.process())
    before = world.task(process)
    time_passes(before)
    if not world.call("cancelProcess", id=process).ok:
        return
    after = world.read_item(world.id_of(before))
    if after.at("task.state") == "CANCELLED":  # another test says that it has to be
        _modified_later(evidence, before, after, "before the process was cancelled")
