"""What of the description an exchange exercises: parameters, properties of bodies, enumerated values, status codes.

A request counts when it was answered with success, since only then was what it carries really used.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Set
from typing import Any

from kuflow_conformance.description.openapi import Description, Operation
from kuflow_conformance.target.exchange import NOT_JSON, Exchange, parse_json

ERROR = "status 4xx"


class Coverage:
    """What can be exercised of each operation, and what an exchange exercises of it.

    `points` lists, by operationId, everything that can be exercised, in the order of the description.
    """

    def __init__(self, description: Description) -> None:
        self.points = {key: _points(description, operation) for key, operation in description.operations.items()}
        self._known = {key: frozenset(points) for key, points in self.points.items()}

    def of(self, exchange: Exchange) -> Set[str]:
        """The points that an exchange exercises."""
        if exchange.operation is None:
            return frozenset()
        return self._known[exchange.operation.id] & {*_used_by(exchange)}


def _points(description: Description, operation: Operation) -> list[str]:
    points = []
    for parameter in operation.query_parameters:
        points.append(f"query {parameter.name}")
        schema = description.resolve(parameter.schema.get("items", parameter.schema))
        points += [f"query {parameter.name}={value}" for value in schema.get("enum", ())]
    content = description.resolve(operation.raw.get("requestBody", {})).get("content", {})
    for item in content.values():
        points += _properties(description, item.get("schema", {}), "")
    points += [f"status {code}" for code in operation.answers if code != "default"]
    return [*dict.fromkeys(points), ERROR]


def _used_by(exchange: Exchange) -> Iterator[str]:
    if exchange.refused:
        yield ERROR
    if not exchange.ok:
        return
    yield f"status {exchange.status}"
    for name, values in exchange.query.items():
        yield f"query {name}"
        yield from (f"query {name}={value}" for value in values)
    if exchange.operation and exchange.operation.bodies:
        body = parse_json(exchange.request_body)
        if body is not NOT_JSON:
            yield from _used(body, "")


def _properties(description: Description, schema: Mapping[str, Any], where: str) -> Iterator[str]:
    schema = description.resolve(schema)
    if schema.get("type") == "array":
        yield from _properties(description, schema.get("items", {}), where)
    for name, part in schema.get("properties", {}).items():
        part = description.resolve(part)
        if part.get("readOnly"):
            continue
        yield f"body {where}{name}"
        items = description.resolve(part.get("items", {}))
        yield from (f"body {where}{name}={value}" for value in (*part.get("enum", ()), *items.get("enum", ())))
        yield from _properties(description, part, f"{where}{name}.")


def _used(body: Any, where: str) -> Iterator[str]:
    if isinstance(body, list):
        for item in body:
            yield from _used(item, where)
    elif isinstance(body, dict):
        for name, value in body.items():
            yield f"body {where}{name}"
            if isinstance(value, str):
                yield f"body {where}{name}={value}"
            elif isinstance(value, dict) and name != "value":
                yield from _used(value, f"{where}{name}.")
