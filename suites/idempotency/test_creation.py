"""Creating with an id may be repeated: the first call creates, the others return what it made."""

from concurrent.futures import ThreadPoolExecutor

import pytest

from kuflow_conformance.oracles.resources import AUDIT, same_id

PARALLEL = 20
CUTS = (0.001, 0.005, 0.02, 0.05, 0.1)
"""Seconds after which the caller hangs up, so that it falls before, into and behind the work of the target."""

PATIENCE = 5
"""Seconds in which a target has to be done with a request whose caller hung up."""

CREATE = {
    "process": ("createProcess", "retrieveProcess"),
    "task": ("createProcessItem", "retrieveProcessItem"),
    "message": ("createProcessItem", "retrieveProcessItem"),
}


@pytest.fixture(params=CREATE)
def kind(request):
    return request.param


def body_of(kind, world):
    if kind == "process":
        return world.process_body()
    return getattr(world, f"{kind}_body")(world.scratch_process())


def other_body(kind, body, world):
    """The same id with other content."""
    if kind == "process":
        return (
            body
            | {"metadata": {"value": {"conformance": "other"}}}
            | ({"initiatorId": world.bed.application_id} if world.bed.application_id else {})
        )
    if kind == "task":
        return body | {"task": {**body["task"], "data": {"value": {"conformance": "other"}}}}
    return body | {"message": {"text": "other"}}


@pytest.mark.requirement("IDM-001", "IDM-002", "IDM-003")
def test_again_returns_the_same(kind, world, evidence):
    create, read = CREATE[kind]
    body = body_of(kind, world)
    first = world.call(create, body=body)
    if not first.ok:
        return
    evidence.answered("IDM-001", first, 201, "for a new resource")
    evidence.shows("IDM-003", first, {"id": body["id"]}, "as asked")
    for _ in range(2):
        again = world.call(create, body=body)
        evidence.answered("IDM-002", again, 200, "and the resource that is there already")
        evidence.unchanged("IDM-002", first, again, "the same resource as the first time")
    evidence.unchanged("IDM-002", first, world.call(read, id=body["id"]), "the resource as it was created")


@pytest.mark.requirement("IDM-004")
def test_again_with_other_content_changes_nothing(kind, world, evidence):
    create, read = CREATE[kind]
    body = body_of(kind, world)
    first = world.call(create, body=body)
    if not first.ok:
        return
    other = world.call(create, body=other_body(kind, body, world))
    evidence.answered("IDM-004", other, 200, "and the resource that is there already")
    for exchange in (other, world.call(read, id=body["id"])):
        evidence.unchanged("IDM-004", first, exchange, "the resource as it was created")


@pytest.mark.requirement("IDM-004")
def test_item_id_in_another_process(world, evidence):
    body = world.task_body(world.scratch_process())
    first = world.call("createProcessItem", body=body)
    if not first.ok:
        return
    world.call("createProcessItem", body=body | {"processId": world.id_of(world.process())})
    evidence.unchanged("IDM-004", first, world.read_item(body["id"]), "the item where it was created")


@pytest.mark.requirement("IDM-005")
def test_without_id_each_is_new(kind, world, evidence):
    create, _ = CREATE[kind]
    body = body_of(kind, world)
    del body["id"]
    first, second = (world.call(create, body=body) for _ in range(2))
    if not (first.ok and second.ok):
        return
    for exchange in (first, second):
        evidence.answered("IDM-005", exchange, 201, "for a new resource")
    keys = (first.at("id"), second.at("id"))
    evidence.check("IDM-005", second, not same_id(*keys), expected=f"another id than {keys[0]}", seen=keys[1])


@pytest.mark.requirement("IDM-006")
def test_items_are_listed_once(world, evidence):
    process = world.id_of(world.process())
    bodies = [world.task_body(process), world.message_body(process)]
    wanted = {body["id"].lower() for body in bodies}
    query = {"processId": process, "size": 100}
    for body in bodies:
        if not world.call("createProcessItem", body=body).ok:
            return
    for _ in range(3):  # the workflow of the process may make items as well, but not at each repetition
        before = world.call_until(lambda listed: wanted <= set(listed.keys), "findProcessItems", query=query)
        for body in bodies:
            world.call("createProcessItem", body=body)
        exchange = world.call("findProcessItems", query=query)
        rows = exchange.keys
        others = set(rows) - set(before.keys) - wanted
        if not others:
            break
    mine = sorted(key for key in rows if key in wanted)
    evidence.equal("IDM-006", exchange, mine, sorted(wanted), "in the list, each once")
    evidence.nothing("IDM-006", exchange, others, "nothing new after the creations were repeated")


@pytest.mark.requirement("IDM-006")
def test_processes_are_listed_once(world, evidence):
    body = world.process_body()
    for _ in range(2):
        if not world.call("createProcess", body=body).ok:
            return
    key, query = body["id"].lower(), {"sort": "createdAt,desc", "size": 200}
    exchange = world.call_until(lambda listed: key in listed.keys, "findProcesses", query=query)
    evidence.equal("IDM-006", exchange, exchange.keys.count(key), 1, f"row of {body['id']} among the newest")


@pytest.mark.racing
@pytest.mark.requirement("IDM-007")
def test_created_at_once_from_many_sides(kind, world, evidence):
    create, _ = CREATE[kind]
    body = body_of(kind, world)
    with ThreadPoolExecutor(PARALLEL) as pool:
        exchanges = list(pool.map(lambda _: world.call(create, body=body), range(PARALLEL)))
    made = [exchange for exchange in exchanges if exchange.status == 201]
    if not any(exchange.ok for exchange in exchanges):
        return
    seen = f"{len(made)} of {PARALLEL}"
    evidence.check("IDM-007", exchanges[-1], len(made) == 1, expected="one 201 among simultaneous creations", seen=seen)
    reference = made[0] if made else next(exchange for exchange in exchanges if exchange.ok)
    for exchange in exchanges:
        if exchange.ok:
            evidence.shows("IDM-007", exchange, {"id": body["id"]}, "the one resource in every answer")
            evidence.unchanged("IDM-007", reference, exchange, "the one resource in every answer", ignore=AUDIT)


@pytest.mark.racing
@pytest.mark.requirement("IDM-008")
def test_again_after_the_connection_was_cut(kind, world, evidence):
    create, read = CREATE[kind]
    getattr(world, kind)()  # not tested where none can be made at all
    for after in CUTS:
        body = body_of(kind, world)
        world.hang_up(create, body, after)
        # While the first request is still in work, its repetition may be turned away.
        again = world.call_until(lambda answer: answer.ok, create, patience=PATIENCE, body=body)
        if not evidence.accepted("IDM-008", again, f"200 or 201 and the resource {body['id']}"):
            return
        evidence.shows("IDM-008", again, {"id": body["id"]}, "as asked")
        after = world.call(read, id=body["id"])
        evidence.unchanged("IDM-008", again, after, "the resource that the repetition was answered with")
        if kind != "process":
            query = {"processId": body["processId"], "size": 1000}
            key = body["id"]
            listed = world.call_until(lambda listed, key=key: key in listed.keys, "findProcessItems", query=query)
            evidence.equal("IDM-008", listed, listed.keys.count(key), 1, f"row of {key} in the list")
