"""What is right of any single resource, wherever it is shown: audit times, JSON values, the parts of an item."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from datetime import timedelta
from typing import Any

from kuflow_conformance.oracles import Finding, found, shown
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.values import json_equal
from kuflow_conformance.target.exchange import Exchange, value_at


def log_entries(item: dict[str, Any]) -> list[dict[str, Any]]:
    """The entries in the log of a task; none where the item shows no log."""
    logs = value_at(item, "task.logs")
    return [entry for entry in logs if isinstance(entry, dict)] if isinstance(logs, list) else []


def judge_resources(exchange: Exchange) -> Iterator[Finding]:
    """Hold each resource of a successful JSON answer against itself."""
    if not exchange.ok or not isinstance(exchange.json, dict):
        return
    for resource in exchange.rows or [exchange.json]:
        yield from _judge_times(resource)
        yield from _judge_values(resource)
    if exchange.operation is not None and exchange.operation.tag == "process-item" and not exchange.operation.is_list:
        yield from _judge_item(exchange.json)


def _judge_times(resource: dict[str, Any]) -> Iterator[Finding]:
    created, modified = parse_instant(resource.get("createdAt")), parse_instant(resource.get("lastModifiedAt"))
    if created is not None and modified is not None:
        yield found(
            "RED-004",
            created <= modified,
            "createdAt not after lastModifiedAt",
            f"createdAt {resource['createdAt']}, lastModifiedAt {resource['lastModifiedAt']}",
        )


def json_values(resource: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """The JSON values of a process, tenant user or process item: (where, value)."""
    for path in ("metadata", "entity", "task.data", "message.data"):
        node = value_at(resource, path)
        if isinstance(node, dict) and "value" in node:
            yield path, node


def _judge_values(resource: dict[str, Any]) -> Iterator[Finding]:
    for where, value in json_values(resource):
        if value.get("valid") is True:
            errors = value.get("errors")
            yield found("JSV-003", not errors, f"no errors beside {where}.valid true", f"errors {errors}")


def _judge_item(resource: dict[str, Any]) -> Iterator[Finding]:
    part = {"TASK": "task", "MESSAGE": "message"}.get(str(resource.get("type")))
    if part is not None:
        present = isinstance(resource.get(part), dict)
        yield found("ITM-001", present, f"a {resource['type']} with its {part} part", f"no {part} part")


_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def same_id(first: object, second: object) -> bool:
    """Whether two values name the same UUID; case does not matter (RFC 9562 section 4)."""
    return isinstance(first, str) and isinstance(second, str) and first.lower() == second.lower()


AUDIT = ("createdBy", "createdAt", "lastModifiedBy", "lastModifiedAt")
MODIFIED = ("lastModifiedBy", "lastModifiedAt")
"""What every change of a resource changes as well."""

_DOCUMENTED = {
    *AUDIT,
    *("id", "type", "name", "user", "application", "principal", "principalId", "tenantId", "metadata", "entity"),
    *("state", "processDefinition", "processRelated", "initiatorId", "processId", "ownerId", "task", "message"),
    *("code", "description", "sourceType", "sourceFile", "environmentVariables"),
    *("identity", "taskQueue", "workflowTypes", "activityTypes", "hostname", "ip", "installationId", "robotIds"),
}


def disagreements(
    first: dict[str, Any], second: dict[str, Any], *, ignore: Collection[str] = (), complete: bool = False
) -> list[str]:
    """Where two answers about one resource contradict each other, in the documented properties that both have.

    `ignore` names properties that may differ, with dots for those of parts (``task.state``). The same instant, or the
    same UUID, may be written in different ways; what one of them leaves out may be optional. With `complete`, both
    are answers of the same operation about a resource that has not changed: then what one has, the other has as well.
    """
    known = [{name: value for name, value in resource.items() if name in _DOCUMENTED} for resource in (first, second)]
    differences = _disagreements(known[0], known[1], "", ignore, complete)
    principal = second.get("principal")
    if (
        "principalId" in first
        and isinstance(principal, dict)
        and not same_id(first["principalId"], principal.get("id"))
    ):
        differences.append(f"principalId is {first['principalId']!r} and principal.id {principal.get('id')!r}")
    return sorted(differences)


def _disagreements(
    first: dict[str, Any], second: dict[str, Any], where: str, ignore: Collection[str], complete: bool
) -> list[str]:
    differences = []
    if complete:
        changed = [name for name in first.keys() ^ second.keys() if where + name not in ignore]
        differences += [f"{where}{name} is there once and missing once" for name in changed]
    for name in (name for name in first if name in second):
        if where + name in ignore:
            continue
        one, other = first[name], second[name]
        if name == "value":  # data of the user: there, nothing is optional
            same = json_equal(one, other)
        elif isinstance(one, dict) and isinstance(other, dict):
            differences += _disagreements(one, other, f"{where}{name}.", ignore, complete)
            continue
        else:
            same = same_value(one, other)
        if not same:
            differences.append(f"{where}{name} is {shown(one)} once and {shown(other)} once")
    return differences


def same_value(first: Any, second: Any) -> bool:
    """Whether two values say the same, however UUIDs and timestamps are written."""
    if json_equal(first, second) or (same_id(first, second) and _UUID.fullmatch(first)):
        return True
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(same_value, first, second))
    one, other = parse_instant(first), parse_instant(second)
    # One of the two may be cut to milliseconds.
    return one is not None and other is not None and abs(one - other) < timedelta(milliseconds=1)
