"""JSON values by every way in, creation, PUT and PATCH, to every place: what is taken is kept whole.

Many values go in one request. When it is refused, its halves are sent, so that one odd value does not speak for the
others; when one of them is lost, it is sent alone and shrunk.
"""

from dataclasses import dataclass
from typing import Any

import pytest

from kuflow_conformance.generation import values
from kuflow_conformance.generation.shrinking import shrink
from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.pointers import pointer
from kuflow_conformance.oracles.values import losses

WAYS = (
    *("create metadata", "create data", "create message"),
    *("put metadata", "put entity", "put data"),
    *("patch metadata", "patch entity", "patch data"),
)
DRAWN = {"core": 2, "full": 12}
"""Objects drawn for each way, by profile."""

REFUSALS = 40
"""Requests that may be refused before the rest of the odd values is given up."""

PART = "conformance"
"""The member of a sample of valid data that the values go into where a schema may decide what is created."""


@dataclass
class Way:
    """One way in for a JSON value, and the place it goes to: metadata, entity, data of a task or of a message."""

    world: Any
    way: str
    place: str
    key: str = ""

    @property
    def where(self):
        """The place of the value in an answer."""
        path = {"data": "task.data.value", "message": "message.data.value"}.get(self.place, f"{self.place}.value")
        return f"{path}.{PART}" if self.in_sample else path

    @property
    def in_sample(self):
        return self.way == "create" and self.place != "message"

    def save(self, value):
        """Save an object; the answer."""
        return getattr(self, f"_{self.way}")(value)

    def read(self):
        """What was saved last."""
        task = self.place in ("data", "message")
        return self.world.call("retrieveProcessItem" if task else "retrieveProcess", id=self.key)

    def shown(self, exchange):
        """The value in an answer; one that is empty may be left out."""
        seen = exchange.at(self.where)
        return {} if seen is None else seen

    def renew(self):
        """Take another resource, as what was done to this one may matter."""
        if self.way != "create":
            make = self.world.working_task if self.place == "data" else self.world.process
            self.key = self.world.id_of(make())

    def _create(self, value):
        if self.place == "metadata":
            data = {"value": (self.world.bed.metadata.valid or {}) | {PART: value}}
            created = self.world.call("createProcess", body=self.world.process_body(metadata=data))
        else:
            process = self.world.scratch_process()
            if self.place == "data":
                data = (self.world.bed.task.valid or {}) | {PART: value}
                body = self.world.task_body(process, data)
            else:
                message = {"text": "Message of the conformance run", "data": {"value": value}}
                body = self.world.message_body(process, message=message)
            created = self.world.call("createProcessItem", body=body)
        self.key = created.object.get("id") or self.key
        return created

    def _put(self, value):
        return self._call("update", {self.place: {"value": value}})

    def _patch(self, value):
        cleared = self._put({})
        if not cleared.ok or not value:
            return cleared
        return self._call("patch", [{"op": "add", "path": pointer(name), "value": value[name]} for name in value])

    def operation(self, verb):
        """The operation that puts (update) or patches what is in this place."""
        return f"{verb}Process{'ItemTaskData' if self.place == 'data' else self.place.capitalize()}"

    def _call(self, verb, body):
        return self.world.call(self.operation(verb), id=self.key, body=body)


@pytest.fixture(params=WAYS)
def way(request, world):
    name, place = request.param.split()
    way = Way(world, name, place)
    way.renew()
    if not way.save({"plain": 1}).ok:
        raise NotTested(f"the target takes no {place} of ours by {name}")
    return way


def _lost(way, evidence, value):
    """Save a value, which is accepted, and say whether something of it is lost; None when it is not accepted."""
    saved = way.save(value)
    if saved.failure:
        raise NotTested(f"{saved.operation_id} gets no answer")
    if not saved.ok:
        return None
    whole = True
    for exchange in (saved, way.read()):
        seen = way.shown(exchange)
        lost = [*losses(value, seen)]
        expected = f"all that was sent to {way.place} by {way.way}"
        whole &= evidence.check(
            "JSV-008", exchange, not lost, expected=expected, seen="; ".join(lost[:3]), compared=(value, seen)
        )
    return not whole


def _round_trip(way, evidence, value, ordinary):
    """Save a value and read it back; what is refused goes again in parts, what is lost is shrunk."""
    refusals = 0
    parts = [value]
    while parts and refusals < REFUSALS:
        part = parts.pop(0)
        lost = _lost(way, evidence, part)
        if lost:
            smallest = shrink(part, lambda smaller: _lost(way, evidence, smaller))
            way.renew()  # so that little has led to it
            _lost(way, evidence, smallest)
            return
        if lost is None:
            refusals += 1
            parts += _parts(part)
            if len(part) == 1:
                _refused(way, evidence, part, ordinary)


def _kind(name):
    return name.rstrip(" 0123456789")


def _parts(value):
    """An object of several kinds of members by kind, one of a single kind in halves."""
    names = [*value]
    kinds = list(dict.fromkeys(map(_kind, names)))
    if len(kinds) > 1:
        groups = [[name for name in names if _kind(name) == kind] for kind in kinds]
    else:
        groups = [names[: len(names) // 2], names[len(names) // 2 :]] if len(names) > 1 else []
    return [{name: value[name] for name in group} for group in groups]


def _refused(way, evidence, value, ordinary):
    """A single value is refused: open where it is unusual, too much, or where a schema decides what is created."""
    answer = way.save(value)
    kind = " ".join(map(_kind, value))
    if ordinary and way.way != "create" and answer.status != 413:
        requirement = "PAT-001" if way.way == "patch" else "JSV-001"
        evidence.accepted(requirement, answer, "an ordinary value to be saved, whether it fits its schema or not")
    elif answer.refused:
        evidence.observe("JSV-013", f"{kind}: {answer.status} by {way.way}")


@pytest.mark.long
@pytest.mark.requirement("JSV-001", "JSV-008", "JSV-013", "PAT-001")
def test_what_is_taken_survives(way, evidence, profile, seed):
    _round_trip(way, evidence, values.members(values.ORDINARY), ordinary=True)
    _round_trip(way, evidence, values.members(values.UNUSUAL), ordinary=False)
    for number, text in enumerate(values.LONG):
        _round_trip(way, evidence, {f"long {number}": text}, ordinary=False)
    own_seed = seed * len(WAYS) + WAYS.index(f"{way.way} {way.place}")
    for value in values.drawn(values.objects(), DRAWN[profile], own_seed):
        _round_trip(way, evidence, value, ordinary=True)


@pytest.mark.requirement("JSV-008", "JSV-013", "SCH-001")
@pytest.mark.parametrize("way", WAYS[3:], indirect=True)
def test_numbers_beyond_doubles(way, world, evidence):
    """Refused, or kept as a number: not turned into something else."""
    operation = way.operation("update" if way.way == "put" else "patch")
    for written in ("1e400", "-1e400", "123456789012345678901234567890.123456789"):
        body = f'{{"{way.place}": {{"value": {{"number": {written}}}}}}}'
        if way.way == "patch":
            body = f'[{{"op": "add", "path": "/number", "value": {written}}}]'
        saved = world.call(operation, id=way.key, content=body.encode())
        evidence.observe("JSV-013", f"{written}: {saved.status} by {way.way}")
        for exchange in (saved, way.read()) if saved.ok else ():
            if not exchange.object:
                continue  # Infinity, which is not JSON
            seen = way.shown(exchange).get("number")
            number = isinstance(seen, int | float) and not isinstance(seen, bool)
            evidence.check("JSV-008", exchange, number, expected=f"{written}, or a number near it", seen=seen)
