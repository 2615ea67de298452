"""The client's side: what its author should know. None of it is held against the server."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from kuflow_conformance.description.openapi import UUID, Description, Operation
from kuflow_conformance.target.exchange import NOT_JSON, Exchange, parse_json
from kuflow_conformance.target.redaction import Redactor
from kuflow_conformance.traffic.seen import Seen

KINDS = {
    "undocumented call": "No operation of this version has this method and path.",
    "unknown parameter": "The operation does not have this query parameter: a server ignores it.",
    "unknown property": "The body's schema does not have this property: a server ignores it.",
    "patch without value": "RFC 6902 wants `value` for add, replace and test, even if it is null.",
    "retry without id": "The same creation was sent again without an id: if the first arrived, there are two now.",
    "other content for an id": "A creation with a known id returns what is there: the new content is lost.",
    "deprecated": "The description marks this as deprecated.",
    "slow down": "The server answered 429: too many requests.",
}
"""What is told → why it matters."""

CREATIONS_KEPT = 2_000
"""Creations that are remembered."""

RETRY_WITHIN = 120.0
"""Seconds within which the same creation counts as a retry, if the first one got no success."""


@dataclass
class _Told:
    count: int = 0
    example: str = ""


@dataclass
class _Creation:
    content: str
    started: float
    ok: bool


@dataclass
class Advice:
    """Gathers what there is to tell, and how often it was seen."""

    description: Description
    _told: dict[tuple[str, str, str], _Told] = field(default_factory=dict)
    _creations: OrderedDict[tuple[str, str], _Creation] = field(default_factory=OrderedDict)

    def see(self, seen: Seen) -> None:
        """Look at the request of an exchange."""
        exchange = seen.exchange
        where = exchange.operation.id if exchange.operation else f"{exchange.method} {_without_ids(exchange.url)}"
        for kind, what in self._found(exchange, seen.request_body_known):
            told = self._told.setdefault((kind, where, what), _Told(example=f"{exchange.method} {exchange.url}"))
            told.count += 1

    def as_dicts(self, redactor: Redactor) -> list[dict[str, Any]]:
        """Everything to be told, the most frequent first."""
        ordered = sorted(self._told.items(), key=lambda pair: -pair[1].count)
        return [
            {
                "kind": kind,
                "operation": where,
                "what": redactor.text(what),
                "why": KINDS[kind],
                "count": told.count,
                "example": redactor.text(told.example),
            }
            for (kind, where, what), told in ordered
        ]

    def _found(self, exchange: Exchange, body_known: bool) -> Iterator[tuple[str, str]]:
        operation = exchange.operation
        if exchange.status == 429:
            yield "slow down", "429"
        if operation is None:
            if exchange.method not in ("HEAD", "OPTIONS"):
                yield "undocumented call", _without_ids(exchange.url)
            return
        if operation.raw.get("deprecated"):
            yield "deprecated", operation.id
        known = {parameter.name: parameter for parameter in operation.query_parameters}
        for name in exchange.query:
            if name not in known:
                yield "unknown parameter", name
            elif self._parameter_deprecated(operation, name):
                yield "deprecated", f"parameter {name}"
        body = parse_json(exchange.request_body) if exchange.request_body and body_known else NOT_JSON
        if body is NOT_JSON or not operation.bodies or "application/octet-stream" in operation.bodies:
            return
        schema = next(iter(self.description.resolve(operation.raw.get("requestBody", {})).get("content", {}).values()))
        yield from self._properties(schema.get("schema", {}), body, "")
        if operation.method == "PATCH" and isinstance(body, list):
            for step in body:
                if isinstance(step, dict) and step.get("op") in ("add", "replace", "test") and "value" not in step:
                    yield "patch without value", str(step.get("op"))
        if operation.id in ("createProcess", "createProcessItem") and isinstance(body, dict):
            yield from self._creation(exchange, operation, body)

    def _parameter_deprecated(self, operation: Operation, name: str) -> bool:
        parameters = map(self.description.resolve, operation.raw.get("parameters", ()))
        return any(p["name"] == name and p.get("deprecated") for p in parameters)

    def _properties(self, schema: Mapping[str, Any], value: Any, where: str) -> Iterator[tuple[str, str]]:
        schema = self.description.resolve(schema)
        if isinstance(value, list):
            for item in value:
                yield from self._properties(schema.get("items", {}), item, where)
        properties = schema.get("properties")
        if not isinstance(value, dict) or not properties:
            return
        for name, part in value.items():
            if name not in properties:
                yield "unknown property", where + name
                continue
            described = self.description.resolve(properties[name])
            if described.get("deprecated"):
                yield "deprecated", f"property {where}{name}"
            if name != "value":  # the user's own data
                yield from self._properties(described, part, f"{where}{name}.")

    def _creation(self, exchange: Exchange, operation: Operation, body: dict[str, Any]) -> Iterator[tuple[str, str]]:
        key, content = body.get("id"), exchange.request_body.decode("utf-8", "replace")
        name = (operation.id, str(key).lower() if key else content)
        before = self._creations.get(name)
        started = exchange.started.timestamp()
        if before is not None and key and before.ok and before.content != content:
            yield "other content for an id", operation.id
        if before is not None and not key and not before.ok and started - before.started < RETRY_WITHIN:
            yield "retry without id", operation.id
        if before is None or exchange.ok or not before.ok:
            first = before.content if before is not None and before.ok else content
            # Only a lost or failed answer leaves it open whether the first creation arrived.
            arrived = exchange.ok or exchange.refused
            self._creations[name] = _Creation(first, started, arrived)
        if len(self._creations) > CREATIONS_KEPT:
            self._creations.popitem(last=False)


def _without_ids(url: str) -> str:
    return UUID.sub("{id}", urlsplit(url).path)
