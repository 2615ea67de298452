"""Webhooks: one event for each creation and each change of state, as the documentation describes it."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest

from kuflow_conformance.oracles.events import concerning, event_of, key_of, once_each
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.target.credentials import Credentials

ARRIVAL = 10.0
"""Seconds in which an event has to arrive."""

SILENCE = 1.0
"""Seconds without an event after which none is expected any more."""

SIDES = 8
EARLY = 3
"""Processes whose events are read at once."""

SCHEMAS = {
    "PROCESS.CREATED": "WebhookEventProcessCreated",
    "PROCESS.STATE_CHANGED": "WebhookEventProcessStateChanged",
    "PROCESS_ITEM.CREATED": "WebhookEventProcessItemCreated",
    "PROCESS_ITEM.TASK_STATE_CHANGED": "WebhookEventProcessItemTaskStateChanged",
}


@pytest.mark.requirement("WEB-001", "WEB-002", "WEB-003", "WEB-004", "WEB-005", "WEB-006")
def test_events(listener, world, evidence, description):
    process = world.id_of(world.process())
    done, open_, message = (
        world.id_of(made) for made in (world.task(process), world.task(process), world.message(process))
    )
    expected = Counter(
        {
            ("PROCESS.CREATED", process.lower(), "RUNNING"): 1,
            ("PROCESS_ITEM.CREATED", done.lower(), ""): 1,
            ("PROCESS_ITEM.CREATED", open_.lower(), ""): 1,
            ("PROCESS_ITEM.CREATED", message.lower(), ""): 1,
        }
    )
    changes = (
        [("claimProcessItemTask", done, "CLAIMED"), ("completeProcessItemTask", done, "COMPLETED")]
        if world.bed.claimable
        else []
    )
    for operation_id, key, state in changes:
        if world.call(operation_id, id=key).ok:
            expected["PROCESS_ITEM.TASK_STATE_CHANGED", key.lower(), state] += 1
    finished = world.id_of(world.process())
    completed = world.call("completeProcess", id=finished)
    expected["PROCESS.CREATED", finished.lower(), "RUNNING"] = 1
    if completed.ok:
        expected["PROCESS.STATE_CHANGED", finished.lower(), "COMPLETED"] = 1
        world.call("completeProcess", id=finished)
    last = world.call("cancelProcess", id=process)
    if last.ok:
        expected["PROCESS.STATE_CHANGED", process.lower(), "CANCELLED"] += 1
        expected["PROCESS_ITEM.TASK_STATE_CHANGED", open_.lower(), "CANCELLED"] += 1
        if not changes:
            expected["PROCESS_ITEM.TASK_STATE_CHANGED", done.lower(), "CANCELLED"] += 1
    for _ in range(2):
        world.call("cancelProcess", id=process)

    def seen():
        return Counter(map(key_of, once_each(concerning((process, finished), listener.arrived))))

    listener.wait(
        lambda arrived: not expected - Counter(map(key_of, concerning((process, finished), arrived))), ARRIVAL
    )
    listener.settle(SILENCE)

    for key in expected:
        evidence.check("WEB-001", last, seen()[key] > 0, expected=f"the event {' '.join(key)}", seen="none")
    arrived = once_each(concerning((process, finished), listener.arrived))
    for key, count in seen().items():
        exchange = next(exchange for exchange in arrived if key_of(exchange) == key)
        requirement = "WEB-005" if key[0] == "PROCESS.STATE_CHANGED" else "WEB-002"
        event, once = " ".join(map(str, key)), count <= max(1, expected[key])
        evidence.check(requirement, exchange, once, expected=f"{event} once", seen=f"{count} times")
        evidence.check("WEB-002", exchange, key in expected, expected="only events of what happened", seen=event)
    for exchange in arrived:
        event = event_of(exchange)
        schema = SCHEMAS.get(str(event.get("type")))
        errors = list(map(str, description.schema(schema).errors(event))) if schema else ["unknown type"]
        evidence.nothing("WEB-003", exchange, errors[:3], "an event as its schema describes it")
        stamp = parse_instant(event.get("timestamp"))
        if stamp is not None:
            near, seen_at = abs((stamp - (last.date or exchange.started)).total_seconds()) < 86400, event["timestamp"]
            evidence.check("WEB-003", exchange, near, expected="the timestamp of the event", seen=seen_at)
    ids = Counter(event_of(exchange).get("id") for exchange in arrived)
    shared = [key for key, count in ids.items() if count > 1]
    if arrived:
        evidence.nothing("WEB-004", arrived[-1], shared[:2], "an id of its own for each event, none used twice")

    listener.status = 500
    created = world.call("createProcess", body=world.process_body())
    listener.status = 200
    evidence.accepted("WEB-006", created, "success, though the receiver of the events refuses them")


@pytest.mark.requirement("WEB-002")
def test_no_event_without_cause(listener, world, evidence):
    """Of requests that were refused, or repeated, or answered otherwise without a change, nobody hears."""
    process_body = world.process_body()
    process = world.id_of(world.granted(world.call("createProcess", body=process_body)))
    task_body, message_body = world.task_body(process), world.message_body(process)
    for body in (task_body, message_body):
        world.granted(world.call("createProcessItem", body=body))
    task, changed = task_body["id"], Counter()
    if world.bed.claimable and world.call("claimProcessItemTask", id=task).ok:
        changed["PROCESS_ITEM.TASK_STATE_CHANGED", task.lower(), "CLAIMED"] = 1
    before = world.read_process(process), world.read_item(task)
    nobody = Credentials.nobody()
    for operation_id, parts in (
        ("createProcess", {"body": process_body}),
        ("createProcessItem", {"body": task_body}),
        ("createProcessItem", {"body": message_body}),
        ("createProcessItem", {"body": world.task_body(process, task={"taskDefinitionCode": "CONFORMANCE-NONE"})}),
        ("createProcess", {"body": world.process_body(), "caller": nobody}),
        ("cancelProcess", {"id": process, "caller": nobody}),
        ("completeProcess", {"id": process, "caller": nobody}),
        ("claimProcessItemTask", {"id": task}),
        ("claimProcessItemTask", {"id": message_body["id"]}),
        ("completeProcessItemTask", {"id": task, "caller": nobody}),
        ("assignProcessItemTask", {"id": task, "body": {}}),
        ("changeProcessInitiator", {"id": process, "body": {}}),
        ("updateProcessItemTaskData", {"id": task, "body": {"data": {"value": {"conformance": 1}}}}),
        ("updateProcessMetadata", {"id": process, "body": {"metadata": {"value": {"conformance": 1}}}}),
        ("appendProcessItemTaskLog", {"id": task, "body": {"message": "conformance", "level": "INFO"}}),
    ):
        world.call(operation_id, **parts)
    after = world.read_process(process), world.read_item(task)
    states = [
        (exchange.at("state"), exchange.at("task.state"), exchange.at("ownerId")) for exchange in (*before, *after)
    ]
    if states[:2] != states[2:]:
        return  # what has changed is another requirement
    expected = changed + Counter(
        {
            ("PROCESS.CREATED", process.lower(), "RUNNING"): 1,
            ("PROCESS_ITEM.CREATED", task.lower(), ""): 1,
            ("PROCESS_ITEM.CREATED", message_body["id"].lower(), ""): 1,
        }
    )
    _only(listener, evidence, [process], expected, {process.lower(), task.lower(), message_body["id"].lower()})


def _only(listener, evidence, processes, expected, mine):
    """Of the events about what is `mine`, there are those expected and no others, each once."""
    listener.wait(lambda arrived: not expected - Counter(map(key_of, concerning(processes, arrived))), ARRIVAL)
    listener.settle(SILENCE)
    arrived = [
        exchange for exchange in once_each(concerning(processes, listener.arrived)) if key_of(exchange)[1] in mine
    ]
    for key, count in Counter(map(key_of, arrived)).items():
        exchange = next(exchange for exchange in arrived if key_of(exchange) == key)
        once, event = count <= expected[key], " ".join(key)
        evidence.check("WEB-002", exchange, once, expected=f"{event} {expected[key]} times", seen=f"{count} times")


@pytest.mark.racing
@pytest.mark.requirement("WEB-002")
def test_events_of_simultaneous_requests(listener, world, evidence):
    """One creation, one claim and one cancellation from many sides are one event each."""
    process_body = world.process_body()
    made = world.together([world.call_of("createProcess", body=process_body) for _ in range(SIDES)])
    process = world.id_of(next((world.granted(answer) for answer in made if answer.ok), made[0]))
    task_body = world.task_body(process)
    world.together([world.call_of("createProcessItem", body=task_body) for _ in range(SIDES)])
    task = task_body["id"]
    if world.bed.claimable:
        world.together([world.call_of("claimProcessItemTask", id=task) for _ in range(SIDES)])
    claimed = world.read_item(task).at("task.state") == "CLAIMED"
    world.together([world.call_of("cancelProcess", id=process) for _ in range(SIDES)])
    expected = Counter(
        {
            ("PROCESS.CREATED", process.lower(), "RUNNING"): 1,
            ("PROCESS_ITEM.CREATED", task.lower(), ""): 1,
            ("PROCESS.STATE_CHANGED", process.lower(), "CANCELLED"): 1,
            ("PROCESS_ITEM.TASK_STATE_CHANGED", task.lower(), "CANCELLED"): 1,
        }
    )
    if claimed:
        expected["PROCESS_ITEM.TASK_STATE_CHANGED", task.lower(), "CLAIMED"] = 1
    _only(listener, evidence, [process], expected, {process.lower(), task.lower()})


@pytest.mark.racing
@pytest.mark.requirement("WEB-007")
def test_what_an_event_tells_of_is_there(listener, world, evidence):
    """Whoever reads as soon as an event has come, finds what it is about."""
    for _ in range(EARLY):
        process_body = world.process_body()
        task_body = world.task_body(process_body["id"])
        for create, read, body, wanted in (
            ("createProcess", "retrieveProcess", process_body, "PROCESS.CREATED"),
            ("createProcessItem", "retrieveProcessItem", task_body, "PROCESS_ITEM.CREATED"),
        ):
            with ThreadPoolExecutor(1) as pool:
                created = pool.submit(world.call, create, body=body)
                key = (wanted, body["id"].lower())
                come = listener.wait(lambda arrived, key=key: any(key_of(e)[:2] == key for e in arrived), ARRIVAL)
                exchange = world.call(read, id=body["id"]) if come else None
                world.granted(created.result())
            if exchange is not None:
                evidence.accepted("WEB-007", exchange, f"{body['id']}, of which {wanted} has just told")
