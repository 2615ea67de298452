"""The same thing from many sides at the same moment: what was accepted is all there, and somebody was first.

Who comes second may be refused; nobody may make the server fail, which is judged in each answer as it comes.
"""

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.documents import parse_reference
from kuflow_conformance.oracles.resources import log_entries
from kuflow_conformance.oracles.simultaneous import Event, Orders, process_step, task_step
from kuflow_conformance.oracles.values import json_equal

SIDES = 10
ROUNDS = {"core": 1, "full": 4}
MIXES = ("claim", "claim and assign", "assign", "complete", "complete and cancel", "claim and cancel")
HOLDERS = {
    "metadata": ("patchProcessMetadata", "updateProcessMetadata", "metadata.value"),
    "entity": ("patchProcessEntity", "updateProcessEntity", "entity.value"),
    "data": ("patchProcessItemTaskData", "updateProcessItemTaskData", "task.data.value"),
}


@pytest.fixture
def rounds(profile):
    return range(ROUNDS[profile])


def _read(world, place, key):
    return world.read_item(key) if place == "data" else world.read_process(key)


def _holder(world, place):
    return world.id_of(world.working_task() if place == "data" else world.process())


@pytest.mark.racing
@pytest.mark.requirement("SIM-001")
def test_log_entries(world, evidence, rounds):
    """As many as are kept when they come one after the other: the bound of a log is open."""

    def appended(key, number):
        return world.call_of("appendProcessItemTaskLog", id=key, body={"message": f"side {number}", "level": "INFO"})

    alone = world.id_of(world.working_task())
    for number in range(SIDES):
        world.granted(world.send(appended(alone, number)))
    bound = sum(entry.get("message", "").startswith("side ") for entry in log_entries(world.read_item(alone).object))
    for _ in rounds:
        key = world.id_of(world.working_task())
        answers = world.together([appended(key, number) for number in range(SIDES)])
        accepted = {f"side {number}" for number, answer in enumerate(answers) if answer.ok}
        after = world.read_item(key)
        seen = [entry.get("message") for entry in log_entries(after.object) if entry.get("message") in accepted]
        wanted = min(len(accepted), bound)
        expected = f"{wanted} entries of {len(accepted)} that were appended at the same time, each once"
        right = len(seen) == len(set(seen)) == wanted
        evidence.check("SIM-001", after, right, expected=expected, seen=sorted(seen))


@pytest.mark.racing
@pytest.mark.requirement("SIM-001")
@pytest.mark.parametrize("place", HOLDERS)
def test_patches_of_different_members(place, world, evidence, rounds):
    patch, update, path = HOLDERS[place]
    for _ in rounds:
        key = _holder(world, place)
        world.granted(world.call(update, id=key, body={place: {"value": {"first": 0}}}))
        operations = [[{"op": "add", "path": f"/side{number}", "value": number}] for number in range(SIDES)]
        answers = world.together([world.call_of(patch, id=key, body=body) for body in operations])
        wanted = {"first": 0} | {f"side{n}": n for n, answer in enumerate(answers) if answer.ok}
        after = _read(world, place, key)
        evidence.shows("SIM-001", after, {path: wanted}, "as patched from many sides at the same time")


@pytest.mark.racing
@pytest.mark.requirement("SIM-002")
@pytest.mark.parametrize("place", HOLDERS)
def test_saves_of_whole_values(place, world, evidence, rounds):
    """One of them is the last, and it is there as a whole."""
    _, update, path = HOLDERS[place]
    for _ in rounds:
        key = _holder(world, place)
        values = [{"side": number, "only": {f"side{number}": number}} for number in range(SIDES)]
        answers = world.together([world.call_of(update, id=key, body={place: {"value": value}}) for value in values])
        accepted = [value for value, answer in zip(values, answers, strict=True) if answer.ok]
        after = _read(world, place, key)
        one = not accepted or any(json_equal(after.at(path), value) for value in accepted)
        expected = f"one of {len(accepted)} values that were saved at the same time"
        evidence.check("SIM-002", after, one, expected=expected, seen=after.at(path))


@pytest.mark.racing
@pytest.mark.requirement("SIM-001")
def test_uploads(world, evidence):
    process = world.id_of(world.process())
    contents = [f"document {number} of many\n".encode() * (number + 1) for number in range(SIDES)]
    query = {"fileContentType": "text/plain", "fileName": "same.txt"}
    calls = [world.call_of("uploadProcessDocument", id=process, query=query, content=content) for content in contents]
    answers = world.together(calls)
    for content, answer in zip(contents, answers, strict=True):
        if not answer.ok:
            continue
        reference = answer.at("documentUri")
        size = (parse_reference(reference) or {}).get("size")
        evidence.equal("SIM-001", answer, size, str(len(content)), "bytes in the reference, as were uploaded")
        exchange = world.call("downloadProcessDocument", id=process, query={"documentUri": reference})
        expected = f"{len(content)} bytes that were uploaded at the same time as others"
        evidence.check("SIM-001", exchange, exchange.ok and exchange.body == content, expected=expected)


@pytest.mark.racing
@pytest.mark.requirement("SIM-001")
def test_items_of_a_process(world, evidence):
    process = world.id_of(world.process())
    world.task(process)  # not tested where none can be made at all
    bodies = [getattr(world, f"{kind}_body")(process) for kind in ("task", "message") * (SIDES // 2)]
    answers = world.together([world.call_of("createProcessItem", body=body) for body in bodies])
    made = {body["id"].lower() for body, answer in zip(bodies, answers, strict=True) if answer.ok}
    query = {"processId": process, "size": 100}
    listed = world.call_until(lambda listed: made <= set(listed.keys), "findProcessItems", query=query)
    if evidence.accepted("SIM-001", listed, "a list of the items"):
        evidence.nothing("SIM-001", listed, made - set(listed.keys), "every item that was created at the same time")
    for key in sorted(made)[:3]:
        evidence.accepted("SIM-001", world.read_item(key), "an item that was created at the same time as others")


@pytest.mark.racing
@pytest.mark.requirement("SIM-003")
def test_registrations_of_one_worker(world, evidence, rounds):
    for _ in rounds:
        body = world.worker_body()
        answers = world.together([world.call_of("createWorker", body=body) for _ in range(SIDES)])
        accepted = [answer for answer in answers if answer.ok]
        if not accepted:
            raise NotTested(f"createWorker answers {answers[0].describe()[:160]}")
        ids = sorted({str(answer.at("id")).lower() for answer in accepted if answer.at("id")})
        evidence.check("SIM-003", accepted[-1], len(ids) <= 1, expected="one worker with one id", seen=ids)
        created = sum(answer.status == 201 for answer in accepted)
        evidence.equal("SIM-003", accepted[-1], created, 1, "registration that is answered with 201")


def _task_after(world, evidence, key, answers, what):
    """The task is as some order of what was done to it leaves it, and so is its row."""
    before, exchanges = what
    after = world.read_item(key)
    start = str(before.at("task.state")), str(before.at("ownerId")).lower()
    events = [Event.of(exchange, owner) for exchange, owner in zip(exchanges, answers, strict=True)]
    outcomes = Orders(events, task_step).outcomes(start)
    seen = str(after.at("task.state")), str(after.at("ownerId")).lower()
    told = after.at("ownerId") is not None
    explained = any(seen[0] == state and (not told or seen[1] == owner or owner == "none") for state, owner in outcomes)
    expected = f"what some order leaves: {' or '.join(sorted({' of '.join(outcome) for outcome in outcomes}))}"
    evidence.check("SIM-002", after, explained, expected=expected, seen=" of ".join(seen))


@pytest.mark.racing
@pytest.mark.requirement("SIM-002")
@pytest.mark.parametrize(
    "mix", ["claim", "claim and assign", "assign", "complete", "complete and cancel", "claim and cancel"]
)
def test_changes_of_one_task(mix, world, evidence, rounds):
    bed = world.bed
    caller = str(bed.caller_id).lower()
    people = [key for key in (bed.application_id, bed.principal_id, bed.caller_id) if key]
    if not people:
        raise NotTested(bed.missing("principal_id"))
    for _ in rounds:
        process = world.id_of(world.process())
        claimed = mix.startswith("complete")
        key = world.id_of(world.claimed_task(process) if claimed else world.task(process))
        before, calls, owners = world.read_item(key), [], []
        for number in range(SIDES):
            name = mix.split(" and ")[number % len(mix.split(" and "))]
            person = people[number % len(people)]
            operation, parts = {
                "claim": ("claimProcessItemTask", {"id": key}),
                "complete": ("completeProcessItemTask", {"id": key}),
                "assign": ("assignProcessItemTask", {"id": key, "body": {"ownerId": person}}),
                "cancel": ("cancelProcess", {"id": process}),
            }[name]
            calls.append(world.call_of(operation, **parts))
            owners.append(person.lower() if name == "assign" else caller)
        answers = world.together(calls)
        _task_after(world, evidence, key, owners, (before, answers))


@pytest.mark.racing
@pytest.mark.requirement("SIM-002")
@pytest.mark.parametrize("mix", [("completeProcess",), ("cancelProcess",), ("completeProcess", "cancelProcess")])
def test_ends_of_one_process(mix, world, evidence, rounds):
    for _ in rounds:
        key = world.id_of(world.process())
        tasks = [world.id_of(world.task(key)) for _ in range(2)]
        answers = world.together([world.call_of(mix[number % len(mix)], id=key) for number in range(SIDES)])
        after = world.read_process(key)
        outcomes = Orders([Event.of(answer) for answer in answers], process_step).outcomes("RUNNING")
        expected = f"what some order leaves: {' or '.join(sorted(outcomes))}"
        evidence.check("SIM-002", after, after.at("state") in outcomes, expected=expected, seen=after.at("state"))
        if mix == ("cancelProcess",) and after.at("state") == "CANCELLED":
            for task in tasks:
                evidence.shows("SIM-002", world.read_item(task), {"task.state": "CANCELLED"}, "as its process")


@pytest.mark.racing
@pytest.mark.requirement("SIM-002")
def test_initiators_of_one_process(world, evidence, rounds):
    people = [key for key in (world.bed.application_id, world.bed.principal_id, world.bed.caller_id) if key]
    for _ in rounds:
        key = world.id_of(world.process())
        named = [people[number % len(people)] for number in range(SIDES)] if people else []
        calls = [world.call_of("changeProcessInitiator", id=key, body={"initiatorId": person}) for person in named]
        answers = world.together(calls) if calls else []
        accepted = {person.lower() for person, answer in zip(named, answers, strict=True) if answer.ok}
        if not accepted:
            raise NotTested("the target lets none of the principals of the test bed be initiator")
        after = world.read_process(key)
        seen = str(after.at("initiatorId")).lower()
        expected = f"one of the initiators that were named: {sorted(accepted)}"
        evidence.check("SIM-002", after, seen in accepted, expected=expected, seen=seen)
