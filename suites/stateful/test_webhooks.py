"""Webhooks: one event for each creation and each change of state, as the documentation describes it."""

from collections import Counter

import pytest

from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.target.exchange import parse_json

ARRIVAL = 10.0
"""Seconds in which an event has to arrive."""

SILENCE = 1.0
"""Seconds without an event after which none is expected any more."""

SCHEMAS = {
    "PROCESS.CREATED": "WebhookEventProcessCreated",
    "PROCESS.STATE_CHANGED": "WebhookEventProcessStateChanged",
    "PROCESS_ITEM.CREATED": "WebhookEventProcessItemCreated",
    "PROCESS_ITEM.TASK_STATE_CHANGED": "WebhookEventProcessItemTaskStateChanged",
}


def event_of(exchange):
    event = parse_json(exchange.request_body)
    return event if isinstance(event, dict) else {}


def data_of(exchange):
    data = event_of(exchange).get("data")
    return data if isinstance(data, dict) else {}


def concerning(processes, arrived):
    wanted = {process.lower() for process in processes}
    return [exchange for exchange in arrived if str(data_of(exchange).get("processId")).lower() in wanted]


def once_each(arrived):
    """Without events that came before with the same id and content: how often one is delivered, is open."""
    return list({str(event_of(exchange)): exchange for exchange in reversed(arrived)}.values())[::-1]


def key_of(exchange):
    data = data_of(exchange)
    subject = str(data.get("processItemId") or data.get("processId")).lower()
    state = data.get("processState") or (
        "" if event_of(exchange).get("type") == "PROCESS_ITEM.CREATED" else data.get("processItemState")
    )
    return event_of(exchange).get("type"), subject, state or ""


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
