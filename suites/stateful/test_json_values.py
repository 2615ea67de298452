"""JSON values: what is saved is kept, and held against its schema each time."""

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.pointers import places, pointer, points_into, related
from kuflow_conformance.oracles.resources import MODIFIED, disagreements

PLACES = 12
"""Places of a sample that are spoilt."""


def _saved(holder, evidence, value, requirement="JSV-001", **more):
    """Save `value`; both the answer and what is read back must hold it."""
    saved = holder.put(value, **more)
    if saved.status == 413:  # how much is too much, is not documented
        return None
    if not evidence.accepted(requirement, saved, "the value to be saved, whether it fits or not"):
        return None
    read = holder.get()
    for exchange in (saved, read):
        holder.shows_value(evidence, requirement, exchange, value, "as it was saved")
    return read


@pytest.mark.requirement("JSV-001", "JSV-002", "JSV-003")
def test_valid_value(holder, evidence):
    read = _saved(holder, evidence, holder.need("valid"))
    if read is not None:
        holder.shows_valid(evidence, "JSV-002", read, True)


@pytest.mark.requirement("JSV-001", "JSV-004", "JSV-005", "JSV-010")
def test_invalid_value(holder, evidence):
    value = holder.need("invalid")
    read = _saved(holder, evidence, value)
    if read is None or not holder.shows_valid(evidence, "JSV-004", read, False):
        return
    errors = holder.errors(read)
    evidence.check("JSV-010", read, bool(errors), expected="errors that say why", seen=errors)
    for error in errors:
        if "propertyPath" in error:
            pointer = error["propertyPath"]
            inside = points_into(pointer, value)
            evidence.check("JSV-005", read, inside, expected="a JSON Pointer into the value", seen=pointer)
        telling = bool(error.get("propertyPath") is not None or error.get("type"))
        evidence.check("JSV-010", read, telling, expected="a propertyPath or a type in each error", seen=error)


@pytest.mark.requirement("JSV-006")
def test_validity_follows_the_value(holder, evidence):
    valid, invalid = holder.need("valid"), holder.need("invalid")
    for value, expected in ((invalid, False), (valid, True), (invalid, False), (valid, True)):
        saved = holder.put(value)
        for exchange in (saved, holder.get()) if saved.ok else ():
            holder.shows_valid(evidence, "JSV-006", exchange, expected)


@pytest.mark.requirement("JSV-007")
def test_verdict_of_the_client_does_not_count(holder, evidence):
    for kind, claim in (("invalid", True), ("valid", False)):
        saved = holder.put(holder.need(kind), valid=claim, errors=[{"propertyPath": "/x", "type": "y"}])
        if saved.ok:  # a server may also refuse properties that are read-only
            holder.shows_valid(evidence, "JSV-007", saved, not claim)


@pytest.mark.requirement("JSV-011")
def test_saving_replaces_the_whole(holder, evidence):
    """What was there before and is not in the new value is gone."""
    first = {"one": 1, "object": {"kept": 1, "list": [1, 2, 3]}, "list": [{"a": 1}, {"b": 2}]}
    second = {"object": {"list": [3]}, "list": [{"c": 3}], "two": 2}
    if not holder.put(first).ok:
        return
    saved = holder.put(second)
    for exchange in (saved, holder.get()):
        if saved.ok:
            holder.shows_value(evidence, "JSV-011", exchange, second, f"and nothing of {first}")


@pytest.mark.requirement("JSV-012")
@pytest.mark.parametrize("kind", ["metadata", "task"])
@pytest.mark.parametrize("valid", [True, False])
def test_data_given_at_creation(kind, valid, world, evidence):
    """A server may refuse to create something with invalid data; when it does not, it marks them."""
    sample = world.bed.metadata if kind == "metadata" else world.bed.task
    value = sample.valid if valid else sample.invalid
    if value is None:
        raise NotTested(f"no {'valid' if valid else 'invalid'} data of this kind is known; see the test bed")
    for data in ({"value": value, "valid": not valid}, {"value": value}):
        if kind == "metadata":
            created = world.call("createProcess", body=world.process_body(metadata=data))
        else:
            task = {"taskDefinitionCode": world.bed.task.code, "data": data}
            created = world.call("createProcessItem", body=world.task_body(world.scratch_process(), task=task))
        if created.ok:
            break  # a server may refuse properties that are read-only
    else:
        return
    where, read = ("metadata", world.read_process) if kind == "metadata" else ("task.data", world.read_item)
    for exchange in (created, read(world.id_of(created))):
        if exchange.at(f"{where}.valid") is not None:
            evidence.shows("JSV-012", exchange, {f"{where}.valid": valid}, "whatever the client says of it")


def _spoilt(value, names, part):
    """`value` with another part in this place."""
    if not names:
        return part
    changed = dict(value) if isinstance(value, dict) else list(value)
    changed[names[0]] = _spoilt(value[names[0]], names[1:], part)
    return changed


def _of_another_type(part):
    return "spoilt" if isinstance(part, dict | list) else {"conformance": ["spoilt"]}


def _pointed(holder, exchange):
    """The pointers of the errors of a value that is marked invalid; None of one that is not."""
    if not exchange.ok or exchange.at(f"{holder.where}.valid") is not False:
        return None
    return [str(error["propertyPath"]) for error in holder.errors(exchange) if error.get("propertyPath") is not None]


@pytest.mark.requirement("JSV-005")
def test_errors_point_at_what_was_spoilt(holder, evidence):
    """Each place of the valid sample in turn gets a value of another type.

    A place that makes the value invalid is one that the schema judges: then an error has to point to it, to what it
    is in or to what is in it, and to at least one of these places exactly.
    """
    valid = holder.need("valid")
    exactly, last, seen = False, None, []
    spoilable = sorted(places(valid), key=lambda place: -len(place[0]))[:PLACES]
    for names, part in spoilable:
        here = pointer(*names)
        for exchange in _spoils(holder, valid, names, part, thoroughly=names == spoilable[0][0]):
            pointers = _pointed(holder, exchange)
            if not pointers:
                continue  # not judged, or told without a place
            last = exchange
            seen.append(f"{here}: {', '.join(pointers)}")
            exactly |= here in pointers
            near = any(related(one, here) for one in pointers)
            expected = "an error that points to what was spoilt, what it is in, or what is in it"
            evidence.check("JSV-005", exchange, near, expected=expected, seen=seen[-1])
    if last is None:
        raise NotTested("no place of the valid sample can be spoilt such that an error shows a propertyPath")
    evidence.check("JSV-005", last, exactly, expected="a propertyPath to the very place that was spoilt", seen=seen)


def _spoils(holder, valid, names, part, thoroughly):
    """A value that is spoilt in one place, by PUT; thoroughly by PATCH as well, and as it is read."""
    wrong = _of_another_type(part)
    yield holder.put(_spoilt(valid, names, wrong))
    if thoroughly:
        yield holder.get()
        if holder.put(valid).ok:
            yield holder.apply([{"op": "replace", "path": pointer(*names), "value": wrong}])


@pytest.mark.requirement("JSV-005")
def test_errors_point_at_names_that_need_escapes(holder, evidence):
    """Objects of the valid sample get a member of their own; where a schema minds it, an error has to point to it."""
    valid = holder.need("valid")
    objects = [((), valid), *((names, part) for names, part in places(valid) if isinstance(part, dict))]
    for names, part in objects[:PLACES]:
        for odd in ("a/b~c", "~1", "0"):
            wrong = {"conformance": ["spoilt"]}
            exchange = holder.put(_spoilt(valid, names, {**part, odd: wrong}))
            pointers, here = _pointed(holder, exchange), pointer(*names, odd)
            if pointers is None:
                break  # this object may have any members
            near = not pointers or any(related(one, here) for one in pointers)
            expected = "an error that points to the member that was added, or to what it is in"
            evidence.check("JSV-005", exchange, near, expected=expected, seen=f"{here}: {', '.join(pointers)}")


@pytest.mark.requirement("JSV-009")
def test_saving_changes_nothing_else(holder, evidence):
    """Of the resource itself: its state, its owner, its other values."""
    before = holder.get()
    changed = (*MODIFIED, "task.logs", holder.where)
    saves = (holder.put({"conformance": 1}), holder.apply([{"op": "add", "path": "/more", "value": 1}]), holder.get())
    for exchange in saves:
        evidence.unchanged("JSV-009", before, exchange, f"nothing but {holder.where} to change", ignore=changed)


@pytest.mark.requirement("JSV-009")
def test_saving_one_leaves_the_others(world, evidence):
    """Metadata and entity of a process are two things, and another process has its own."""
    one, other = world.id_of(world.process()), world.id_of(world.process())
    before = {key: world.read_process(key) for key in (one, other)}
    for name, neighbour in (("metadata", "entity"), ("entity", "metadata")):
        now = world.read_process(one).at(neighbour)
        part = name.capitalize()
        for exchange in (
            world.call(f"updateProcess{part}", id=one, body={name: {"value": {"conformance": name}}}),
            world.call(f"patchProcess{part}", id=one, body=[{"op": "add", "path": "/more", "value": 1}]),
        ):
            if exchange.ok:
                evidence.equal("JSV-009", exchange, exchange.at(neighbour), now, f"as {neighbour}, as it was")
    after = world.read_process(other)
    evidence.nothing("JSV-009", after, disagreements(before[other].object, after.object), "another process as it was")
