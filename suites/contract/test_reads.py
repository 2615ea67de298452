"""Lists and single reads show the same things, and showing them changes nothing."""

from itertools import pairwise

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.lists import MAXIMUM_SIZE
from kuflow_conformance.oracles.resources import disagreements, same_id

READ_BY = {
    "findPrincipals": "retrievePrincipal",
    "findTenantUsers": "retrieveTenantUser",
    "findProcesses": "retrieveProcess",
    "findProcessItems": "retrieveProcessItem",
    "findRobots": "retrieveRobot",
}
ROWS = 3
ATTEMPTS = 3


@pytest.mark.requirement("RED-001", "RED-002")
@pytest.mark.operations("lists")
def test_row_agrees_with_resource(operation, world, evidence):
    read = READ_BY[operation.id]
    rows = world.call(operation.id, query={"size": ROWS}).rows
    if not rows:
        raise NotTested(f"{operation.id} shows no row")
    for row in rows:
        key = row["id"]

        def agrees(listed, key=key):
            # Others may change the resource between the two reads: only what stays different counts.
            nonlocal exchange, differences
            row = next((row for row in listed.rows if same_id(row.get("id"), key)), None)
            exchange = world.call(read, id=key)
            differences = [] if row is None else disagreements(row, exchange.object)
            return not differences or not exchange.ok

        exchange, differences = None, []
        world.call_until(agrees, operation.id, query={"size": ROWS})
        if evidence.accepted("RED-001", exchange, f"{row['id']}, which the list shows"):
            evidence.shows("RED-001", exchange, {"id": row["id"]})
            evidence.nothing("RED-002", exchange, differences, f"what {operation.id} shows of it")


@pytest.mark.requirement("RED-001", "RED-002", "RED-009")
def test_items_in_every_state_are_listed(world, evidence):
    """Items of processes of our own: READY, CLAIMED, COMPLETED, CANCELLED, and a message."""
    running, cancelled = (world.id_of(world.process()) for _ in range(2))
    made = [(running, world.task(running)), (running, world.message(running)), (cancelled, world.task(cancelled))]
    if world.bed.claimable:
        made += [(running, world.claimed_task(running)) for _ in range(2)]
        world.call("completeProcessItemTask", id=world.id_of(made[-1][1]))
    world.call("cancelProcess", id=cancelled)
    for process, item in made:
        key = world.id_of(item)
        resource, query = world.read_item(key), {"processId": process, "size": 50}
        what = f"{key}, which is {resource.at('task.state') or 'a message'}"
        _shown_as_it_is(world, evidence, resource, what, "findProcessItems", query)


def _shown_as_it_is(world, evidence, resource, what, find, query):
    """A resource that was just read is in a list, as it is, or will be in a moment."""

    def row_of(listed):
        return next((row for row in listed.rows if same_id(row.get("id"), resource.object.get("id"))), None)

    def shows_it(listed):
        row = row_of(listed)
        return row is not None and not disagreements(row, resource.object)

    if not resource.ok:
        return
    listed = world.call_until(shows_it, find, query=query)
    row, others = row_of(listed), f"{len(listed.rows)} other rows"
    if listed.ok and evidence.check("RED-009", listed, row is not None, expected=what, seen=others):
        evidence.nothing("RED-002", listed, disagreements(row, resource.object), f"{what}, as it was read")


@pytest.mark.requirement("RED-001", "RED-002", "RED-009")
def test_processes_in_every_state_are_listed(world, evidence):
    made = [world.id_of(world.process()) for _ in range(3)]
    for operation_id, key in (("completeProcess", made[1]), ("cancelProcess", made[2])):
        world.call(operation_id, id=key)
    for key in made:
        resource = world.read_process(key)
        what = f"{key}, which is {resource.at('state')}, among the newest"
        query = {"sort": "createdAt,desc", "size": 200}
        _shown_as_it_is(world, evidence, resource, what, "findProcesses", query)


KNOWN = {
    "findPrincipals": ("principal_id", "application_id", "caller_id"),
    "findTenantUsers": ("tenant_user_id",),
    "findRobots": ("robot_id",),
}
"""What the target file or other answers name, by the list that has to show it."""

NARROWED = {
    "findPrincipals": [{"type": "USER"}, {"type": "APPLICATION"}, {"type": "SYSTEM"}],
    "findTenantUsers": [],
    "findRobots": [{"filterContext": "READY"}],
}


@pytest.mark.requirement("RED-009")
@pytest.mark.operations("findPrincipals", "findTenantUsers", "findRobots")
def test_the_list_without_filters_shows_everything(operation, world, evidence):
    """Whatever is known of by another way and can be read: a filter takes rows away, leaving it out does not."""
    known = [getattr(world.bed, name) for name in KNOWN[operation.id]]
    if operation.id == "findPrincipals":
        users = world.call("findTenantUsers", query={"size": MAXIMUM_SIZE}).rows
        known += [user.get("principalId") for user in users[:20]]
    queries = list(NARROWED[operation.id])
    if "groupId" in {parameter.name for parameter in operation.query_parameters}:
        queries += [{"groupId": group} for group in world.bed.group_ids]
    for query in queries:
        known += [row.get("id") for row in world.call(operation.id, query=query | {"size": 20}).rows]
    whole = world.call(operation.id, query={"size": MAXIMUM_SIZE})
    if whole.total > MAXIMUM_SIZE:
        raise NotTested(f"{operation.id} shows more rows than fit on a page")
    for key in sorted({str(key).lower() for key in known if key}.difference(whole.keys)):
        if world.call(READ_BY[operation.id], id=key).ok:
            evidence.check("RED-009", whole, not whole.ok, expected=f"{key}, which can be read", seen="not there")
    evidence.check("RED-009", whole, True, expected="every row that is known")


@pytest.mark.requirement("RED-008")
def test_ids_in_either_case(world, evidence):
    process_body = world.process_body()
    task_body = world.task_body(process_body["id"])
    for create, body in (("createProcess", process_body), ("createProcessItem", task_body)):
        world.granted(world.call(create, body=body))
        other = body["id"].swapcase()
        read = world.call(create.replace("create", "retrieve"), id=other)
        same = read.ok and same_id(read.at("id"), body["id"])
        evidence.check("RED-008", read, same, expected=f"{body['id']}, in whatever case it is written")
        if world.call(create, body=body).status != 200:
            continue  # that a creation can be repeated at all is another requirement
        again = world.call(create, body=body | {"id": other})
        if evidence.answered("RED-008", again, 200, f"for {body['id']}, which is there already in another case"):
            evidence.shows("RED-008", again, {"id": body["id"]}, "which is there already in another case")
    query = {"processId": process_body["id"].swapcase()}
    listed = world.call_until(lambda listed: bool(listed.rows), "findProcessItems", query=query)
    seen = [row.get("id") for row in listed.rows]
    found, expected = task_body["id"].lower() in listed.keys, f"the items of {process_body['id']}, in whatever case"
    evidence.check("RED-008", listed, found, expected=expected, seen=seen)


@pytest.mark.requirement("RED-003")
@pytest.mark.operations("lists")
def test_reading_changes_nothing(operation, world, evidence):
    rows = world.call(operation.id, query={"size": 1}).rows
    if not rows:
        raise NotTested(f"{operation.id} shows no row")
    exchanges = [world.call(READ_BY[operation.id], id=rows[0]["id"]) for _ in range(ATTEMPTS)]
    if not all(exchange.ok for exchange in exchanges):
        return  # that the resource can be read is another test
    # A change by somebody else shows once; one made by reading shows every time.
    changes = [disagreements(before.object, after.object) for before, after in pairwise(exchanges)]
    seen = "; ".join(changes[-1])
    evidence.check("RED-003", exchanges[-1], not all(changes), expected="the same resource as before", seen=seen)
