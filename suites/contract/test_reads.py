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
        if not evidence.check("RED-001", exchange.ok, exchange, expected=f"{row['id']}, which the list shows"):
            continue
        seen = exchange.object.get("id")
        evidence.check("RED-001", same_id(seen, row["id"]), exchange, expected=f"id {row['id']}", seen=seen)
        evidence.check(
            "RED-002",
            not differences,
            exchange,
            expected=f"what {operation.id} shows of it",
            seen="; ".join(differences),
        )


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
        resource, query = world.call("retrieveProcessItem", id=key), {"processId": process, "size": 50}
        what = f"{key}, which is {(resource.object.get('task') or {}).get('state', 'a message')}"
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
    row = row_of(listed)
    if listed.ok and evidence.check(
        "RED-009", row is not None, listed, expected=what, seen=f"{len(listed.rows)} other rows"
    ):
        differences = disagreements(row, resource.object)
        expected = f"{what}, as it was read"
        evidence.check("RED-002", not differences, listed, expected=expected, seen="; ".join(differences))


@pytest.mark.requirement("RED-001", "RED-002", "RED-009")
def test_processes_in_every_state_are_listed(world, evidence):
    made = [world.id_of(world.process()) for _ in range(3)]
    for operation_id, key in (("completeProcess", made[1]), ("cancelProcess", made[2])):
        world.call(operation_id, id=key)
    for key in made:
        resource = world.call("retrieveProcess", id=key)
        what = f"{key}, which is {resource.object.get('state')}, among the newest"
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
    if whole.page.get("totalElements", 0) > MAXIMUM_SIZE:
        raise NotTested(f"{operation.id} shows more rows than fit on a page")
    for key in sorted({str(key).lower() for key in known if key}.difference(whole.keys)):
        if world.call(READ_BY[operation.id], id=key).ok:
            evidence.check("RED-009", not whole.ok, whole, expected=f"{key}, which can be read", seen="not there")
    evidence.check("RED-009", True, whole, expected="every row that is known")


@pytest.mark.requirement("RED-008")
def test_ids_in_either_case(world, evidence):
    process_body = world.process_body()
    task_body = world.task_body(process_body["id"])
    for create, body in (("createProcess", process_body), ("createProcessItem", task_body)):
        first = world.call(create, body=body)
        if not first.ok:
            raise NotTested(f"{create} answers {first.describe()[:160]}")
        other = body["id"].swapcase()
        read = world.call(create.replace("create", "retrieve"), id=other)
        same = read.ok and same_id(read.object.get("id"), body["id"])
        evidence.check("RED-008", same, read, expected=f"{body['id']}, in whatever case it is written")
        if world.call(create, body=body).status != 200:
            continue  # that a creation can be repeated at all is another requirement
        again = world.call(create, body=body | {"id": other})
        same = again.status == 200 and same_id(again.object.get("id"), body["id"])
        expected = f"200 and {body['id']}, which is there already in another case"
        evidence.check("RED-008", same, again, expected=expected, seen=f"{again.status} {again.object.get('id')}")
    query = {"processId": process_body["id"].swapcase()}
    listed = world.call_until(lambda listed: bool(listed.rows), "findProcessItems", query=query)
    seen = [row.get("id") for row in listed.rows]
    found = any(same_id(key, task_body["id"]) for key in seen)
    evidence.check("RED-008", found, listed, expected=f"the items of {process_body['id']}, in whatever case", seen=seen)


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
    evidence.check("RED-003", not all(changes), exchanges[-1], expected="the same resource as before", seen=seen)
