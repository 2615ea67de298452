"""Who made and changed a thing, and when: after every operation that changes something."""

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.resources import same_id, same_value

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
@pytest.mark.requirement("RED-005", "RED-006", "RED-007")
def test_audit_of_every_change(world, evidence, time_passes):
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
        for exchange in (changed, world.call(read, id=key)):
            _judge(world, evidence, operation_id, before, exchange)


@pytest.mark.requirement("RED-005", "RED-006", "RED-007")
def test_audit_of_an_updated_worker(world, evidence, time_passes):
    body = world.worker_body()
    created = world.call("createWorker", body=body)
    time_passes(created)
    changed = world.call("createWorker", body=body | {"hostname": "changed.example.com"})
    if created.ok and changed.ok:
        _judge(world, evidence, "createWorker", created, changed)


def _judge(world, evidence, operation_id, before, after):
    was, now = (parse_instant(exchange.object.get("lastModifiedAt")) for exchange in (before, after))
    if was is not None and now is not None:
        expected = f"lastModifiedAt after {was.isoformat()}, before {operation_id}"
        evidence.check("RED-005", now > was, after, expected=expected, seen=now.isoformat())
    _by_the_caller(world, evidence, "lastModifiedBy", after)
    for name in ("createdBy", "createdAt"):
        first, seen = before.object.get(name), after.object.get(name)
        if first is not None and seen is not None:
            expected = f"{name} {first}, as before {operation_id}"
            evidence.check("RED-007", same_value(first, seen), after, expected=expected, seen=seen)


def _by_the_caller(world, evidence, name, exchange):
    caller, seen = world.bed.caller_id, exchange.object.get(name)
    if caller is not None and seen is not None:
        evidence.check("RED-006", same_id(seen, caller), exchange, expected=f"{name} {caller}, the caller", seen=seen)


@pytest.mark.requirement("RED-006")
def test_creator_of_what_is_created(world, evidence):
    for made in (world.process(), world.task(), world.message(), world.call("createWorker", body=world.worker_body())):
        for name in ("createdBy", "lastModifiedBy"):
            if made.ok:
                _by_the_caller(world, evidence, name, made)


@pytest.mark.requirement("RED-005")
def test_cancelled_items_were_modified(world, evidence, time_passes):
    """Being cancelled with its process is a change of the item."""
    process = world.id_of(world.process())
    before = world.task(process)
    time_passes(before)
    if not world.call("cancelProcess", id=process).ok:
        return
    after = world.call("retrieveProcessItem", id=world.id_of(before))
    if (after.object.get("task") or {}).get("state") != "CANCELLED":
        return  # another test says so
    was, now = (parse_instant(exchange.object.get("lastModifiedAt")) for exchange in (before, after))
    if was is not None and now is not None:
        expected = f"lastModifiedAt after {was.isoformat()}, before the process was cancelled"
        evidence.check("RED-005", now > was, after, expected=expected, seen=now.isoformat())
