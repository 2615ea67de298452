"""The same request, written otherwise: what HTTP and the media types say is the same gets the same answer."""

from dataclasses import replace

import pytest

from kuflow_conformance.oracles.documents import parse_reference
from kuflow_conformance.oracles.lists import SORTABLE
from kuflow_conformance.oracles.resources import AUDIT, disagreements, same_id
from kuflow_conformance.oracles.spellings import Request, dialects, spelled
from kuflow_conformance.oracles.values import json_equal
from kuflow_conformance.target.credentials import Credentials

DOCUMENT = b"\x00conformance \xff\r\n in three chunks\r\n"
ONCE = ("claimProcessItemTask", "completeProcessItemTask")
"""Operations that succeed once only on a resource."""

VOLATILE = (*AUDIT, "id", "task.logs")


class Writer:
    """Sends one operation in different spellings, each time with something new in it where it takes a body."""

    def __init__(self, world, operation):
        self.world, self.operation, self.count = world, operation, 0
        self.call = world.good_call(operation.id, consumes=operation.id not in ("createProcessItem", "createWorker"))
        if operation.is_list:
            order = f"{'createdAt' if 'createdAt' in SORTABLE[operation.id] else 'id'},asc"
            query = [("size", "3"), ("page", "0"), ("sort", order)]
            tenant = [("tenantId", world.bed.tenant_id)] if world.bed.tenant_id else []
            self.call = replace(self.call, query=[*tenant, *query])
        if "fileName" in dict(self.call.query or ()):
            self.call = replace(self.call, query=dict(self.call.query) | {"fileName": "written~other-wise_1.txt"})

    def write(self, spellings):
        """Send the request in these spellings; returns the answer and what was sent."""
        self.count += 1
        call, world = self.call, self.world
        if self.operation.id in ONCE:
            call = world.good_call(self.operation.id, consumes=True)
        call = replace(call, body=self.fresh(call.body))
        if call.content is not None:
            call = replace(call, content=DOCUMENT + str(self.count).encode())
        pairs = tuple(dict(call.query).items()) if isinstance(call.query, dict) else tuple(call.query or ())
        request = Request(self.operation, pairs, next(iter(self.operation.bodies), ""))
        request = spelled(request, spellings)
        headers = dict(request.headers)
        if request.content_type and not any(name.lower() == "content-type" for name in headers):
            headers["Content-Type"] = request.content_type
        caller = next((c for c in world.session.written_otherwise if c.name == request.credentials), None)
        query = request.encoded if spellings else call.query
        return world.send(call, query=query, headers=headers, caller=caller, content_type=""), call

    def fresh(self, body):
        """The body with something in it that no request before had, so that it shows whether it was read."""
        mark, world = f"conformance {self.count}", self.world
        match self.operation.id:
            case "appendProcessItemTaskLog":
                return body | {"message": mark}
            case "createWorker":
                return body | {"hostname": mark.replace(" ", "-")}
            case "createProcess" | "createProcessItem":
                return body | {"id": world.new_id()}
            case "changeProcessInitiator" | "assignProcessItemTask":
                return body
        if isinstance(body, list):
            return [{"op": "add", "path": "/conformance", "value": mark}]
        if isinstance(body, dict) and self.operation.method == "PUT":
            return {name: {"value": {"conformance": mark}} for name in body}
        return body


def _values(exchange, name):
    node = exchange.object if name != "data" else exchange.object.get("task") or {}
    value = node.get(name)
    return value.get("value") if isinstance(value, dict) else None


def unread(exchange, call):
    """What of the request does not show in its answer; empty when all does."""
    body, answer = call.body, exchange.object
    if call.operation.id == "appendProcessItemTaskLog":
        logs = [entry.get("message") for entry in (answer.get("task") or {}).get("logs") or []]
        return "" if body["message"] in logs else f"no log entry {body['message']}"
    if call.content is not None and call.operation.id == "uploadProcessDocument":
        parts = parse_reference(answer.get("documentUri")) or {}
        wanted = {"size": str(len(call.content)), "name": call.query["fileName"], "type": call.query["fileContentType"]}
        return "; ".join(f"{name} {parts.get(name)}" for name in wanted if parts.get(name) != wanted[name])
    if isinstance(body, list):
        part = call.operation.path.rpartition("/")[2]
        value = _values(exchange, part)
        mark = value.get("conformance") if isinstance(value, dict) else None
        return "" if mark == body[0]["value"] else f"{part} {value}"
    if isinstance(body, dict) and call.operation.method == "PUT":
        (name, data), *_ = body.items()
        kept = _values(exchange, name)
        return "" if json_equal(kept, data["value"]) else f"{name} {kept}"
    if isinstance(body, dict):
        ids = [name for name in ("id", "processId", "initiatorId", "ownerId") if name in body and name in answer]
        wrong = [f"{name} {answer[name]}" for name in ids if not same_id(answer[name], body[name])]
        wrong += [f"{n} {answer.get(n)}" for n in ("hostname",) if n in body and answer.get(n) != body[n]]
        return "; ".join(wrong)
    return ""


def differences(operation, plain, other, call):
    """Where an answer says something else than the one to the usual spelling; empty where it does not."""
    if other.failure or other.status >= 500:
        return ""  # which is said of every answer
    if not other.ok:
        return other.describe()
    if plain.status != 304 != other.status and other.media_type != plain.media_type:
        return f"{other.media_type or 'no media type'}, not {plain.media_type}"
    if missed := unread(other, call):
        return missed
    if operation.is_list:
        return "" if other.keys == plain.keys else f"{len(other.rows)} other rows"
    if operation.is_read_only and other.media_type != "application/json":
        return "" if other.body == plain.body or "pdf" in other.media_type else "other bytes"
    if operation.is_read_only:
        return "; ".join(disagreements(plain.object, other.object, ignore=VOLATILE))
    return ""


@pytest.mark.long
@pytest.mark.requirement("EQV-001", "EQV-002", "EQV-003", "EQV-004", "EQV-005", "EQV-006")
@pytest.mark.operations("all")
def test_written_otherwise(operation, world, evidence):
    writer = Writer(world, operation)
    plain, call = writer.write([])
    if not plain.ok or differences(operation, plain, plain, call):
        return  # that it succeeds at all, and that it is kept, is another requirement
    for spellings in dialects(operation):
        other, call = writer.write(spellings)
        if not differences(operation, plain, other, call):
            for spelling in spellings:
                evidence.check(spelling.requirement, other, True, expected=_expected(spelling))
            continue
        for spelling in spellings:
            _alone(writer, spelling, evidence)


def _alone(writer, spelling, evidence):
    """One spelling by itself, after the usual one has been tried anew: it may be the server that has changed."""
    plain, call = writer.write([])
    if not plain.ok or differences(writer.operation, plain, plain, call):
        return
    other, call = writer.write([spelling])
    seen = differences(writer.operation, plain, other, call)
    requirement = spelling.requirement
    if requirement == "EQV-003" and other.refused:
        # A server need not take bodies without a length, and says so with 411 (RFC 9112 section 6.3).
        requirement, seen = "EQV-006", "" if other.status == 411 else seen
    evidence.check(requirement, other, not seen, expected=_expected(spelling), seen=seen)


def _expected(spelling):
    return f"the answer to the same request, with {spelling.name}"


@pytest.mark.requirement("EQV-002")
@pytest.mark.operations("all")
def test_refusals_are_accepted_in_any_spelling(operation, world, evidence):
    """A refusal is JSON: whoever accepts that, among other types, gets it."""
    call = world.good_call(operation.id)
    caller = None if call.id else Credentials.nobody()
    changes = {"id": world.new_id()} if call.id else {}
    for accept in ("application/octet-stream, application/json", "application/json"):
        exchange = world.send(call, headers={"Accept": accept}, caller=caller, **changes)
        right = exchange.refused and exchange.media_type == "application/json"
        evidence.check("EQV-002", exchange, right, expected=f"a refusal as application/json for Accept: {accept}")
