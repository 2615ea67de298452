"""From somebody to somebody else and back, by each way to name them: what a change says, everything shows."""

import pytest

from kuflow_conformance.oracles import NotTested, shown
from kuflow_conformance.oracles.resources import MODIFIED, same_id

USERS = 30
"""Rows in which a second user is looked for."""

CHANGES = {
    "initiator": ("changeProcessInitiator", "initiatorId", "PRC-013", "PRC-014", ()),
    "owner": ("assignProcessItemTask", "ownerId", "ITM-007", "ITM-011", ("task.state", "task.logs")),
}


def _ways(world, name):
    """Ways to name a principal as (body, its id): users by id and by address, applications by id."""
    bed = world.bed
    users = [(bed.principal_id, bed.principal_email)] if bed.principal_id else []
    for row in world.call("findPrincipals", query={"type": "USER", "size": USERS}).rows:
        if len(users) < 2 and not any(same_id(row.get("id"), key) for key, _ in users):
            address = world.call("retrievePrincipal", id=row["id"]).at("user.email")
            users += [(row["id"], address)] if address else []
    by_id = [({f"{name}Id": key}, key) for key, _ in users]
    by_address = [({f"{name}Email": address}, key) for key, address in users[::-1] if address]
    others = [({f"{name}Id": key}, key) for key in dict.fromkeys((bed.application_id, bed.caller_id)) if key]
    return [*by_id[:1], *by_address[:1], *others[:1], *by_address[1:], *by_id[1:], *others[1:]]


def _walk(ways, profile):
    """Pairs of ways that name two principals: each way after another one; in the full profile after every other."""
    for position, way in enumerate(ways):
        others = [other for other in ways[position + 1 :] + ways[:position] if not same_id(other[1], way[1])]
        for other in others if profile == "full" else others[:1]:
            yield other, way


@pytest.mark.requirement("PRC-013", "PRC-014", "ITM-007", "ITM-011", "RED-002")
@pytest.mark.parametrize("what", CHANGES)
def test_from_somebody_to_somebody_else(what, world, evidence, profile, row_agrees):
    operation, shown_as, kept, rest, more = CHANGES[what]
    process = world.id_of(world.process())
    key = process if what == "initiator" else world.id_of(world.task(process))
    read = world.read_process if what == "initiator" else world.read_item
    ways = _ways(world, what)
    # Not everybody has to be allowed; but who is by one name, is by the other.
    allowed = set()
    for body, who in ways:
        if world.call(operation, id=key, body=body).ok:
            allowed.add(who.lower())
            evidence.shows(kept, read(key), {shown_as: who}, f"for {shown(body)}")
    ways = [(body, who) for body, who in ways if who.lower() in allowed]
    if len(allowed) < 2:
        raise NotTested(f"the target lets fewer than two of the principals of the test bed be {what}")
    first, now = read(key), None
    for (earlier, before), (body, wanted) in _walk(ways, profile):
        if not same_id(now, before):
            world.call(operation, id=key, body=earlier)
        changed = world.call(operation, id=key, body=body)
        if not evidence.accepted(kept, changed, f"{what} {shown(body)} after {shown(earlier)}"):
            continue
        now = wanted
        for exchange in (changed, read(key)):
            evidence.shows(kept, exchange, {shown_as: wanted}, f"for {shown(body)} after {shown(earlier)}")
            ignore = (*MODIFIED, shown_as, *more)
            evidence.unchanged(rest, first, exchange, f"nothing but the {what} to change", ignore=ignore)
        row_agrees(read(key), f"the {what} as it was read after {shown(body)}")


@pytest.mark.requirement("ITM-011", "PRC-014")
def test_initiator_owner_and_caller_are_three(world, evidence):
    """Who has started a process, who owns its tasks and who calls are not mixed up."""
    bed, process = world.bed, world.id_of(world.process())
    others = [key for key in (bed.principal_id, bed.application_id) if key and not same_id(key, bed.caller_id)]
    named = [key for key in others if world.call("changeProcessInitiator", id=process, body={"initiatorId": key}).ok]
    if not named:
        raise NotTested("the target lets nobody but the caller be initiator")
    mine, hers = world.id_of(world.working_task(process)), world.id_of(world.task(process))
    theirs = [key for key in others if world.call("assignProcessItemTask", id=hers, body={"ownerId": key}).ok]
    owners = {mine: world.read_item(mine).at("ownerId"), hers: theirs[-1] if theirs else None}
    log, data = {"message": "conformance", "level": "INFO"}, {"data": {"value": {"conformance": 1}}}
    for operation_id, key, body in (
        ("appendProcessItemTaskLog", mine, log),
        ("updateProcessItemTaskData", mine, data),
        ("appendProcessItemTaskLog", hers, log),
        ("updateProcessItemTaskData", hers, data),
        ("completeProcessItemTask", mine, None),
        ("changeProcessInitiator", process, {"initiatorId": named[0]}),
        ("cancelProcess", process, None),
    ):
        if not world.call(operation_id, id=key, body=body).ok:
            continue
        initiator = named[0] if operation_id in ("changeProcessInitiator", "cancelProcess") else named[-1]
        evidence.shows("PRC-014", world.read_process(process), {"initiatorId": initiator}, f"after {operation_id}")
        for task, owner in owners.items():
            evidence.shows("ITM-011", world.read_item(task), {"ownerId": owner}, f"after {operation_id}")
