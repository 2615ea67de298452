"""The life of process items: tasks and messages."""

import uuid

import pytest

from kuflow_conformance.oracles import NotTested, shown
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.resources import MODIFIED, same_id
from kuflow_conformance.oracles.values import json_equal

LEVELS = ("INFO", "WARN", "ERROR")
LOG_BUDGET = {"core": 120, "full": 260}
"""Entries that the search for the bound of a log may append, by profile."""

LONG_MESSAGE = f"  long\n{'x' * 2000}  "


def part_of(exchange, name="task"):
    part = exchange.object.get(name)
    return part if isinstance(part, dict) else {}


def state_of(exchange):
    return part_of(exchange).get("state")


def read(world, key):
    return world.call("retrieveProcessItem", id=key)


def _logged(world, task):
    """The task with an entry in its log."""
    key = world.id_of(task)
    world.call("appendProcessItemTaskLog", id=key, body={"message": "kept?", "level": "WARN"})
    return read(world, key)


def _rest_kept(evidence, before, after, *changed):
    """All but `changed` is as it was, and every entry of the log is still there."""
    expected = f"nothing but {', '.join(changed)} to change"
    evidence.same("ITM-011", before, after, expected=expected, ignore=(*MODIFIED, "task.logs", *changed))
    lost = {entry.get("id") for entry in entries(before)} - {entry.get("id") for entry in entries(after)}
    evidence.check("ITM-011", not lost, after, expected="the entries of the log to stay", seen=f"{len(lost)} are gone")


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
        for exchange in (created, read(world, world.id_of(created))):
            item, part = exchange.object, part_of(exchange)
            evidence.check(
                "ITM-002",
                same_id(item.get("id"), body["id"]),
                exchange,
                expected=f"id {body['id']}",
                seen=item.get("id"),
            )
            evidence.check("ITM-002", item.get("type") == "TASK", exchange, expected="type TASK", seen=item.get("type"))
            tenants = item.get("tenantId"), world.bed.tenant_id
            if tenants[1] is not None:
                expected = f"tenantId {tenants[1]}, as its process"
                evidence.check("ITM-002", same_id(*tenants), exchange, expected=expected, seen=tenants[0])
            seen = item.get("processId")
            evidence.check("ITM-002", same_id(seen, process), exchange, expected=f"processId {process}", seen=seen)
            code = (part.get("taskDefinition") or {}).get("code")
            evidence.check(
                "ITM-002", code == sample.code, exchange, expected=f"task definition {sample.code}", seen=code
            )
            evidence.check(
                "ITM-003", part.get("state") == "READY", exchange, expected="state READY", seen=part.get("state")
            )
            if value is not None:
                kept = (part.get("data") or {}).get("value")
                evidence.check(
                    "ITM-002", json_equal(kept, value), exchange, expected=f"task.data.value {shown(value)}", seen=kept
                )


@pytest.mark.requirement("ITM-004", "ITM-012")
def test_message_created_as_asked(world, evidence):
    text = "A *message* with ünïcode \U0001f680\n\n- and a list"
    body = world.message_body(world.scratch_process(), message={"text": text})
    created = world.call("createProcessItem", body=body)
    if not created.ok:
        raise NotTested(f"createProcessItem answers {created.describe()[:160]}")
    for exchange in (created, read(world, world.id_of(created))):
        seen = exchange.object.get("type")
        evidence.check("ITM-004", seen == "MESSAGE", exchange, expected="type MESSAGE", seen=seen)
        kept = part_of(exchange, "message").get("text")
        evidence.check("ITM-004", kept == text, exchange, expected=f"message.text {text!r}", seen=kept)
    data = {"conformance": ["message", 1]}
    told = world.call(
        "createProcessItem",
        body=world.message_body(world.scratch_process(), message={"text": text, "data": {"value": data}}),
    )
    if told.ok:  # without a data structure, a server may refuse data
        for exchange in (told, read(world, world.id_of(told))):
            kept = (part_of(exchange, "message").get("data") or {}).get("value", data)
            evidence.check(
                "ITM-004", json_equal(kept, data), exchange, expected=f"message.data.value {shown(data)}", seen=kept
            )
    for operation_id in ("claimProcessItemTask", "completeProcessItemTask"):
        refused = world.call(operation_id, id=body["id"])
        evidence.check("ITM-012", refused.refused, refused, expected="a refusal (4xx): a message is no task")


@pytest.mark.requirement("ITM-005")
def test_owner_given_at_creation(world, evidence):
    principal = world.bed.need("principal_id")
    named = [{"ownerId": principal}] + (
        [{"ownerEmail": world.bed.principal_email}] if world.bed.principal_email else []
    )
    body = world.task_body
    answers = [(given, world.call("createProcessItem", body=body(world.scratch_process(), **given))) for given in named]
    if not any(created.ok for _, created in answers):
        raise NotTested("the target lets the test bed's principal own no task; set test-bed.principal-id")
    for given, created in answers:
        expected = f"a task for {shown(given)}, as this principal may own one"
        if not evidence.check("ITM-005", created.ok, created, expected=expected):
            continue
        for exchange in (created, read(world, world.id_of(created))):
            seen = exchange.object.get("ownerId")
            evidence.check(
                "ITM-005",
                same_id(seen, principal),
                exchange,
                expected=f"ownerId {principal} for {shown(given)}",
                seen=seen,
            )


@pytest.mark.requirement("ITM-006", "ITM-011")
def test_claim(world, evidence):
    before = _logged(world, world.task())
    if not world.bed.claimable:
        raise NotTested(world.bed.missing("claimable"))
    claimed = world.call("claimProcessItemTask", id=world.id_of(before))
    if not evidence.check("ITM-006", claimed.ok, claimed, expected="a READY task to be claimed"):
        return
    for exchange in (claimed, read(world, world.id_of(before))):
        evidence.check(
            "ITM-006", state_of(exchange) == "CLAIMED", exchange, expected="state CLAIMED", seen=state_of(exchange)
        )
        caller, owner = world.bed.caller_id, exchange.object.get("ownerId")
        if caller:
            evidence.check(
                "ITM-006", same_id(owner, caller), exchange, expected=f"ownerId {caller}, the caller", seen=owner
            )
        _rest_kept(evidence, before, exchange, "task.state", "ownerId")


@pytest.mark.requirement("ITM-007", "ITM-011", "ITM-013")
def test_assign(world, evidence):
    people = [({"ownerId": key}, key) for key in (world.bed.principal_id, world.bed.caller_id) if key]
    if world.bed.principal_email:
        people.append(({"ownerEmail": world.bed.principal_email}, world.bed.principal_id))
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
            refused = wanted in allowed
            expected = f"a task for {body}, as this principal may own one"
            evidence.check("ITM-007", not refused, assigned, expected=expected)
            continue
        for exchange in (assigned, read(world, world.id_of(before))):
            seen = exchange.object.get("ownerId")
            evidence.check(
                "ITM-007", same_id(seen, wanted), exchange, expected=f"ownerId {wanted} for {shown(body)}", seen=seen
            )
            open_ = state_of(exchange) in ("READY", "CLAIMED")
            evidence.check("ITM-007", open_, exchange, expected="a task that is still open", seen=state_of(exchange))
            _rest_kept(evidence, before, exchange, "task.state", "ownerId")


@pytest.mark.requirement("ITM-014")
def test_assign_to_nobody(world, evidence):
    task = world.id_of(world.task())
    before = read(world, task)
    for body in ({}, {"ownerId": str(uuid.uuid4())}, {"ownerEmail": "nobody@conformance.example.com"}):
        exchange = world.call("assignProcessItemTask", id=task, body=body)
        evidence.check(
            "ITM-014", exchange.refused, exchange, expected=f"a refusal (4xx) of {body or 'no owner at all'}"
        )
        if exchange.refused:
            evidence.same("ITM-014", before, read(world, task), expected="nothing to change by a refused request")


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
        evidence.check("ITM-015", exchange.refused, exchange, expected="a refusal (4xx) of what does not exist")
        if exchange.refused:
            after = read(world, body["id"])
            evidence.check("ITM-015", after.refused, after, expected="no process item after the refusal")


@pytest.mark.requirement("ITM-008", "ITM-011")
def test_complete(world, evidence):
    before = _logged(world, world.claimed_task())
    completed = world.call("completeProcessItemTask", id=world.id_of(before))
    if completed.refused and world.bed.task.valid is None:
        raise NotTested("the target may want valid data before it completes a task; set test-bed.tasks.valid")
    if not evidence.check(
        "ITM-008", completed.ok, completed, expected="a claimed task with valid data to be completed"
    ):
        return
    for exchange in (completed, read(world, world.id_of(before))):
        evidence.check(
            "ITM-008", state_of(exchange) == "COMPLETED", exchange, expected="state COMPLETED", seen=state_of(exchange)
        )
        _rest_kept(evidence, before, exchange, "task.state")


@pytest.mark.requirement("ITM-009", "ITM-013")
def test_complete_what_is_not_claimed(world, evidence):
    """Refused or not, what the answer says is what is kept."""
    key = world.id_of(world.task())
    before = read(world, key)
    answer = world.call("completeProcessItemTask", id=key)
    evidence.observe("ITM-013", f"complete a READY task: {answer.status}")
    after = read(world, key)
    if answer.refused:
        evidence.same("ITM-009", before, after, expected="nothing to change by a refused request")
    elif answer.ok:
        same = state_of(after) == state_of(answer) == "COMPLETED"
        evidence.check("ITM-009", same, after, expected="state COMPLETED after success", seen=state_of(after))


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
    if not ended.ok:
        raise NotTested(f"{ended.operation_id} answers {ended.describe()[:160]}")
    before = read(world, key)
    for operation_id, body in (
        ("claimProcessItemTask", None),
        ("completeProcessItemTask", None),
        ("assignProcessItemTask", {"ownerId": world.bed.caller_id or world.bed.need("principal_id")}),
    ):
        answer = world.call(operation_id, id=key, body=body)
        evidence.observe("ITM-013", f"{operation_id} on a {state} task: {answer.status}")
        after = read(world, key)
        evidence.check(
            "ITM-010",
            state_of(after) == state_of(before),
            after,
            expected=f"a task that is still {state}",
            seen=state_of(after),
        )
        if answer.refused:
            evidence.same("ITM-010", before, after, expected="nothing to change by a refused request")


@pytest.mark.requirement("ITM-009", "ITM-013")
def test_claim_what_is_claimed(world, evidence):
    key = world.id_of(world.claimed_task())
    before = read(world, key)
    answer = world.call("claimProcessItemTask", id=key)
    evidence.observe("ITM-013", f"claim a CLAIMED task again: {answer.status}")
    after = read(world, key)
    expected = "the task to stay claimed by its owner"
    evidence.same("ITM-009", before, after, expected=expected, ignore=MODIFIED if answer.ok else ())


def entries(exchange):
    logs = part_of(exchange).get("logs")
    return [entry for entry in logs if isinstance(entry, dict)] if isinstance(logs, list) else []


@pytest.mark.requirement("LOG-001", "LOG-002", "LOG-003", "LOG-006")
def test_log_keeps_what_is_appended(world, evidence):
    key = world.id_of(world.working_task())
    messages = [f"entry {number}: ünïcode \U0001f680" for number in range(5)] + [LONG_MESSAGE]
    for number, message in enumerate(messages):
        level = LEVELS[number % 3]
        appended = world.call("appendProcessItemTaskLog", id=key, body={"message": message, "level": level})
        if appended.refused and message == LONG_MESSAGE:
            messages.remove(message)  # how long a message may be, is not documented
            break
        if not evidence.check("LOG-001", appended.ok, appended, expected="the entry to be appended"):
            return
        for exchange in (appended, read(world, key)):
            found = [(entry.get("message"), entry.get("level")) for entry in entries(exchange)]
            kept = found.count((message, level)) == 1
            evidence.check("LOG-001", kept, exchange, expected=f"one entry {level} {message}", seen=found)
    exchange = read(world, key)
    logged = [entry for entry in entries(exchange) if entry.get("message") in messages]  # the workflow may log as well
    shown = [entry.get("message") for entry in logged]
    newest = messages[-len(shown) :]  # where the bound of the log lies, is open
    in_order = bool(shown) and shown in (newest, newest[::-1])
    evidence.check("LOG-002", in_order, exchange, expected=f"the entries in order: {messages}", seen=shown)
    stamps = [parse_instant(entry.get("timestamp")) for entry in logged]
    stamps = stamps if shown == newest else stamps[::-1]
    if in_order and None not in stamps:
        ordered = stamps == sorted(stamps)
        evidence.check("LOG-006", ordered, exchange, expected="timestamps in the order of the entries", seen=stamps)
        created = parse_instant(exchange.object.get("createdAt"))
        if created is not None:
            near = all(abs((stamp - created).total_seconds()) < 600 for stamp in stamps)
            evidence.check("LOG-006", near, exchange, expected=f"timestamps of about {created}", seen=stamps)
    ids = {entry.get("id") for entry in logged}
    evidence.check(
        "LOG-003",
        len(ids) == len(logged),
        exchange,
        expected="an id of its own for each entry",
        seen=sorted(map(str, ids)),
    )


@pytest.mark.long
@pytest.mark.requirement("LOG-004", "LOG-005")
def test_log_drops_the_oldest(world, evidence, profile):
    budget = LOG_BUDGET[profile]
    key = world.id_of(world.working_task())
    previous = 0
    for number in range(budget):
        exchange = world.call("appendProcessItemTaskLog", id=key, body={"message": f"entry {number}", "level": "INFO"})
        if not exchange.ok:
            evidence.check("LOG-004", False, exchange, expected="the entry to be appended, whatever the bound")
            return
        shown = [entry.get("message") for entry in entries(exchange)]
        alone = {f"entry {n}" for n in range(number + 1)}.issuperset(shown)
        if len(shown) == previous and alone:  # what the workflow has logged is dropped first, as it is older
            evidence.observe("LOG-005", f"{previous} entries")
            wanted = {f"entry {n}" for n in range(number + 1 - previous, number + 1)}
            right = set(shown) == wanted
            evidence.check(
                "LOG-004",
                right,
                exchange,
                expected=f"the {previous} newest entries",
                seen=f"without {sorted(wanted - set(shown))[:3]}",
            )
            if number > previous + 2:
                return
        elif len(shown) < previous:
            evidence.check("LOG-004", False, exchange, expected=f"{previous} entries or one more", seen=f"{len(shown)}")
            return
        previous = len(shown)
    evidence.observe("LOG-005", f"more than {budget} entries")
    raise NotTested(f"the log takes more than {budget} entries")


@pytest.mark.requirement("SRT-005")
@pytest.mark.parametrize("moment", ["claimedAt", "completedAt", "cancelledAt"])
def test_sorting_by_what_rows_do_not_show(moment, world, evidence, time_passes):
    """Tasks of our own, claimed, completed or cancelled one after the other."""
    processes, tasks = [], []
    for _ in range(3):
        processes.append(world.id_of(world.process()))
        tasks.append(world.id_of(world.task(processes[-1])))
    # Not in the order in which they were created, or the one could pass for the other.
    for position in (1, 2, 0):
        exchanges = []
        if moment != "cancelledAt":
            if not world.bed.claimable:
                raise NotTested("the credentials may claim no task")
            exchanges.append(world.call("claimProcessItemTask", id=tasks[position]))
        if moment == "completedAt":
            exchanges.append(world.call("completeProcessItemTask", id=tasks[position]))
        if moment == "cancelledAt":
            exchanges.append(world.call("cancelProcess", id=processes[position]))
        if not all(exchange.ok for exchange in exchanges):
            raise NotTested(f"{exchanges[-1].operation_id} answers {exchanges[-1].describe()[:160]}")
        time_passes(read(world, tasks[position]))
    order = [tasks[position].lower() for position in (1, 2, 0)]
    for direction, wanted in (("asc", order), ("desc", order[::-1])):
        exchange = world.call(
            "findProcessItems", query={"processId": processes, "sort": f"{moment},{direction}", "size": 50}
        )
        seen = [key for key in exchange.keys if key in wanted]
        if sorted(seen) != sorted(wanted):
            raise NotTested("findProcessItems does not show the tasks that were made to be sorted")
        evidence.check(
            "SRT-005", seen == wanted, exchange, expected=f"tasks by {moment} {direction}: {wanted}", seen=seen
        )
