"""What an answer has to show of the request that it answers, whoever else acts: what was created, saved, appended.

Only the exchange itself is looked at, and only what no one else can have changed before it was answered.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, timedelta
from typing import Any
from urllib.parse import unquote, urlsplit

from kuflow_conformance.oracles import Finding, found, shown
from kuflow_conformance.oracles.answers import CLOCK_TOLERANCE, FOREIGN_CLOCK_TOLERANCE
from kuflow_conformance.oracles.documents import parse_reference
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.patches import contradiction
from kuflow_conformance.oracles.pointers import points_into
from kuflow_conformance.oracles.resources import json_values, same_id
from kuflow_conformance.oracles.values import survives
from kuflow_conformance.target.exchange import NOT_JSON, Exchange, parse_json
from kuflow_conformance.target.redaction import REDACTED

SAVED_AT = {
    "updateProcessMetadata": ("metadata",),
    "patchProcessMetadata": ("metadata",),
    "updateProcessEntity": ("entity",),
    "patchProcessEntity": ("entity",),
    "updateProcessItemTaskData": ("task", "data"),
    "patchProcessItemTaskData": ("task", "data"),
}
"""Operation → where its answer shows the JSON value that it saves."""

NAMED = {
    "changeProcessInitiator": ("initiator", "PRC-015"),
    "assignProcessItemTask": ("owner", "ITM-014"),
}
"""Operation → who its body has to name, and the requirement that says so."""


def judge_effect(exchange: Exchange) -> Iterator[Finding]:
    """Hold a successful answer against its own request."""
    operation = exchange.operation
    if operation is None or not exchange.ok or exchange.status == 304:
        return
    body = parse_json(exchange.request_body) if exchange.request_body else NOT_JSON
    if operation.id.startswith("retrieve"):
        asked = path_id(exchange)
        key = exchange.object.get("id")
        if isinstance(key, str):
            yield found("RED-001", same_id(key, asked), f"the resource {asked}", f"the resource {key}")
    elif operation.id in ("createProcess", "createProcessItem") and isinstance(body, dict):
        yield from _created(exchange, body)
    elif operation.id in NAMED and isinstance(body, dict):
        prefix, requirement = NAMED[operation.id]
        named = any(f"{prefix}{suffix}" in body for suffix in ("Id", "Email"))
        yield found(requirement, named, "a refusal (4xx), as the body names nobody", exchange.describe())
    elif operation.id in ("claimProcessItemTask", "completeProcessItemTask"):
        kind = exchange.object.get("type")
        yield found("ITM-012", kind != "MESSAGE", "a refusal (4xx), as a message is no task", f"success for a {kind}")
    elif operation.id == "createWorker" and isinstance(body, dict):
        yield from _worker(exchange, body)
    elif operation.id == "createAuthentication" and isinstance(body, dict):
        yield from _authentication(exchange, body)
    elif operation.id == "appendProcessItemTaskLog" and isinstance(body, dict):
        yield from _appended(exchange, body)
    elif operation.id == "uploadProcessDocument":
        yield from _reference(exchange)
    elif operation.id == "downloadProcessItemTaskDataWebformsAsDocument":
        start = exchange.body[:4]
        yield found("DOC-010", start in (b"%PDF", b"PK\x03\x04"), "a PDF or a ZIP", f"{exchange.body[:20]!r}")
    if operation.id in SAVED_AT:
        yield from _saved(exchange, operation.id, body)
    yield from _values(exchange)


def path_id(exchange: Exchange) -> str:
    """The id in the path of a request to one resource; empty when there is none."""
    assert exchange.operation is not None
    names = exchange.operation.path.split("/")
    if "{id}" not in names:
        return ""
    parts = urlsplit(exchange.url).path.rstrip("/").split("/")
    return unquote(parts[names.index("{id}") - len(names)])


def value_at(resource: Any, path: tuple[str, ...]) -> Any:
    """The part of a resource at a path of names; None when there is none."""
    for name in path:
        resource = resource.get(name) if isinstance(resource, dict) else None
    return resource


def sent_value(operation_id: str, body: Any) -> Any:
    """The JSON value that a request saves as a whole; None when there is none."""
    return value_at(body, (SAVED_AT[operation_id][-1], "value"))


def _created(exchange: Exchange, body: dict[str, Any]) -> Iterator[Finding]:
    answer, process = exchange.object, exchange.operation_id == "createProcess"
    asked = body.get("id")
    if isinstance(asked, str):
        yield found("IDM-003", same_id(answer.get("id"), asked), f"the id {asked}", answer.get("id"))
    else:
        yield found("IDM-001", exchange.status == 201, "status 201, as no id was sent", exchange.status)
    if exchange.status != 201:
        return  # what was there already has its own content
    if process:
        yield found("PRC-001", answer.get("state") == "RUNNING", "a new process that is RUNNING", answer.get("state"))
        yield _as_asked("PRC-002", body, ("processDefinitionId",), answer, ("processDefinition", "id"))
        yield from _value_as_asked("PRC-002", body, ("metadata",), answer, ("metadata",))
        yield from _moment(exchange, answer.get("createdAt"), "PRC-016", "createdAt")
        return
    yield _as_asked("ITM-002", body, ("processId",), answer, ("processId",))
    if body.get("type") == "TASK":
        code = ("task", "taskDefinitionCode")
        yield _as_asked("ITM-002", body, code, answer, ("task", "taskDefinition", "code"))
        yield from _value_as_asked("ITM-002", body, ("task", "data"), answer, ("task", "data"))
        state = value_at(answer, ("task", "state"))
        if state is not None and not any(name in body for name in ("ownerId", "ownerEmail")):
            yield found("ITM-003", state == "READY", "a new task without an owner that is READY", state)
    elif isinstance(body.get("message"), dict):
        text = ("message", "text")
        if value_at(body, text) is not None:
            yield _as_asked("ITM-004", body, text, answer, text)
        yield from _value_as_asked("ITM-004", body, ("message", "data"), answer, ("message", "data"))


def _as_asked(
    requirement: str, body: dict[str, Any], asked: tuple[str, ...], answer: dict[str, Any], at: tuple[str, ...]
) -> Finding:
    wanted, seen = value_at(body, asked), value_at(answer, at)
    return found(requirement, seen == wanted or same_id(seen, wanted), f"{'.'.join(at)} {shown(wanted)}", seen)


def _value_as_asked(
    requirement: str, body: dict[str, Any], asked: tuple[str, ...], answer: dict[str, Any], at: tuple[str, ...]
) -> Iterator[Finding]:
    wanted = value_at(body, (*asked, "value"))
    if isinstance(wanted, dict):
        seen = value_at(answer, (*at, "value")) or {}
        yield found(requirement, survives(wanted, seen), f"{'.'.join(at)}.value {shown(wanted)}", shown(seen))


def _moment(exchange: Exchange, text: Any, requirement: str, name: str) -> Iterator[Finding]:
    """Check that a timestamp is about the moment of the answer."""
    moment = parse_instant(text)
    if moment is None:
        return
    by_target = exchange.date is not None
    now = exchange.date or exchange.started.astimezone(UTC)
    tolerance = CLOCK_TOLERANCE if by_target else FOREIGN_CLOCK_TOLERANCE
    expected = f"{name} about {now.isoformat(timespec='seconds')}"
    yield found(requirement, abs(moment - now) <= tolerance, expected, text)


def _saved(exchange: Exchange, operation_id: str, body: Any) -> Iterator[Finding]:
    where = SAVED_AT[operation_id]
    node = value_at(exchange.object, where)
    if node is None:
        after: Any = {}  # an empty value may be left out
    elif not isinstance(node, dict):
        return
    else:
        after = node.get("value", {})
    if operation_id.startswith("patch"):
        if isinstance(body, list) and all(isinstance(operation, dict) for operation in body):
            wrong = contradiction(body, after)
            requirement = "PAT-002" if wrong and wrong[0] == "test" else "PAT-001"
            yield found(requirement, wrong is None, wrong[1] if wrong else "what the patch makes of it", shown(after))
        return
    sent = sent_value(operation_id, body)
    if isinstance(sent, dict):
        requirement = _how_lost(sent, after)
        yield found(requirement, survives(sent, after), f"the value that was sent, {shown(sent)}", shown(after))


def _how_lost(sent: dict[str, Any], after: Any) -> str:
    """Which requirement is broken when `after` is shown where `sent` was saved."""
    if not isinstance(after, dict) or (sent and not after):
        return "JSV-001"
    if after.keys() - sent.keys():
        return "JSV-011"
    return "JSV-001" if survives(sent, after) else "JSV-008"


def _values(exchange: Exchange) -> Iterator[Finding]:
    """Each JSON value that is shown to be invalid says where or why."""
    for where, value in json_values(exchange.object):
        errors = value.get("errors")
        if value.get("valid") is False:
            yield found("JSV-010", bool(errors), f"errors beside {where}.valid false", "no errors")
        if isinstance(errors, list):
            places = [error.get("propertyPath") for error in errors if isinstance(error, dict)]
            strange = [place for place in places if place is not None and not points_into(place, value["value"])]
            yield found("JSV-005", not strange, f"a JSON Pointer to a place of {where}.value", f"{strange[:2]}")


def _appended(exchange: Exchange, body: dict[str, Any]) -> Iterator[Finding]:
    logs = value_at(exchange.object, ("task", "logs"))
    if not isinstance(logs, list):
        return
    entries = [entry for entry in logs if isinstance(entry, dict)]
    mine = [entry for entry in entries if entry.get("message") == body.get("message")]
    kept = any(entry.get("level") == body.get("level") for entry in mine)
    ends = [*entries[:1], *entries[-1:]]
    expected = f"an entry {shown(body.get('message'))} of level {body.get('level')}"
    yield found("LOG-001", kept, expected, f"{len(entries)} entries, at the ends {shown(ends)}")
    if kept:
        newest = mine[0] if entries and mine[0] is entries[0] else mine[-1]
        yield from _moment(exchange, newest.get("timestamp"), "LOG-006", "the timestamp of the new entry")


def _reference(exchange: Exchange) -> Iterator[Finding]:
    parts = parse_reference(exchange.object.get("documentUri"))
    expected = "a reference that says uri, type, size and name"
    yield found("DOC-002", parts is not None, expected, exchange.object.get("documentUri"))
    if parts is None:
        return
    for name, parameter in (("type", "fileContentType"), ("name", "fileName")):
        asked = exchange.query.get(parameter, [])
        if len(asked) == 1:
            yield found("DOC-002", parts[name] == asked[0], f"the {name} {asked[0]!r}", parts[name])


def _worker(exchange: Exchange, body: dict[str, Any]) -> Iterator[Finding]:
    requirement = "WRK-003" if exchange.status == 201 else "WRK-002"
    for name in ("identity", "taskQueue", "workflowTypes", "activityTypes", "hostname", "ip", "installationId"):
        yield from _as_sent(requirement, name, body, exchange.object)
    yield from _as_sent("WRK-003", "robotIds", body, exchange.object)


def _as_sent(requirement: str, name: str, body: dict[str, Any], answer: dict[str, Any]) -> Iterator[Finding]:
    sent, seen = body.get(name), answer.get(name)
    if sent is None or (seen is None and name not in ("identity", "taskQueue", "hostname", "ip")):
        return  # what the schema does not require may be left out
    same = seen == sent or (not sent and not seen)
    if isinstance(sent, list) and isinstance(seen, list):
        same = sorted(str(part).lower() for part in sent) == sorted(str(part).lower() for part in seen)
    elif name == "installationId":
        same = same or same_id(sent, seen)
    yield found(requirement, same, f"{name} {shown(sent)}", shown(seen))


def _authentication(exchange: Exchange, body: dict[str, Any]) -> Iterator[Finding]:
    answer = exchange.object
    kind, tenant = body.get("type"), body.get("tenantId")
    yield found("ATH-003", answer.get("type") == kind, f"type {kind}", answer.get("type"))
    if tenant is not None:
        yield found("ATH-003", same_id(answer.get("tenantId"), tenant), f"tenantId {tenant}", answer.get("tenantId"))
    expiry = parse_instant(value_at(answer, ("engineToken", "expiredAt")))
    if expiry is not None:
        now = exchange.date or exchange.started.astimezone(UTC) - timedelta(days=1)
        yield found("ATH-001", expiry > now, f"an expiry after {now.isoformat(timespec='seconds')}", expiry.isoformat())
    tls = value_at(answer, ("engineCertificate", "tls"))
    if isinstance(tls, dict):
        bare = [
            name
            for name, text in tls.items()
            if isinstance(text, str) and text and "-----BEGIN" not in text and text != REDACTED
        ]
        yield found("ATH-002", not bare, "certificates and a key as PEM", f"no PEM in {', '.join(bare)}")
