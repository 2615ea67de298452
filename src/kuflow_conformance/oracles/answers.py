"""What is right of any single answer, whatever was asked: status, media type, schema, error body.

The checks are a chain: an answer that already breaks one link is not held against the links behind it, so that one
bug is reported once.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from kuflow_conformance.description.openapi import Operation, Schema
from kuflow_conformance.oracles import Finding, found
from kuflow_conformance.oracles.gateways import cut_off_in_front, refused_in_front
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.target.exchange import NOT_JSON, Exchange

# A feature that has to be asked for may be missing altogether, and 501 says so best.
OPTIONAL_OPERATIONS = ("downloadProcessItemTaskDataWebformsAsDocument",)

# How far an error's timestamp may lie from the moment of the answer: clocks differ, and answers may be cached.
CLOCK_TOLERANCE = timedelta(minutes=10)
FOREIGN_CLOCK_TOLERANCE = timedelta(days=1)


def judge_answer(exchange: Exchange) -> Iterator[Finding]:
    """Hold one answer against everything that is demanded of every answer."""
    if cut_off_in_front(exchange):
        return
    missing = unanswered(exchange)
    yield found("ANS-001", missing != "ANS-001", "an HTTP answer", exchange.failure)
    if exchange.failure:
        return
    yield found("ANS-002", missing != "ANS-002", "an answer below 500", exchange.describe())
    if missing:
        return
    if exchange.operation is None:
        # No documented operation was asked: nothing is said of the answer, but that it is no server error.
        return
    if exchange.ok:
        yield from _judge_success(exchange, exchange.operation)
    else:
        yield from _judge_error(exchange, exchange.operation)


def unanswered(exchange: Exchange) -> str:
    """The requirement that says that this is no answer at all, ANS-001 or ANS-002; empty when it is one."""
    if exchange.failure:
        return "" if cut_off_in_front(exchange) else "ANS-001"
    # A method that no path has may be one that the server does not know at all.
    optional = exchange.operation is None or exchange.operation.id in OPTIONAL_OPERATIONS
    return "ANS-002" if exchange.status >= 500 and not (optional and exchange.status == 501) else ""


def _judge_success(exchange: Exchange, operation: Operation) -> Iterator[Finding]:
    code = str(exchange.status)
    documented = sorted(code for code in operation.answers if code != "default")
    yield found("ANS-003", code in operation.answers, f"status {' or '.join(documented)}", exchange.describe())
    if code not in operation.answers:
        return
    media_types = operation.answers[code]
    if not media_types:
        return
    known = exchange.media_type in media_types
    yield found("ANS-004", known, f"Content-Type {' or '.join(media_types)}", _content_type(exchange))
    if not known:
        return
    schema = media_types[exchange.media_type]
    if schema is not None:
        yield from _judge_schema(exchange, schema)


def _judge_schema(exchange: Exchange, schema: Schema) -> Iterator[Finding]:
    yield found("SCH-001", exchange.json is not NOT_JSON, "a body that is JSON (RFC 8259)", exchange.describe())
    if exchange.json is NOT_JSON:
        return
    errors = [*schema.errors(exchange.json)]
    kinds = {
        "SCH-002": ("every required property", [e for e in errors if e.keyword == "required"]),
        "SCH-003": ("identifiers that are UUIDs", [e for e in errors if e.keyword == "format" and "uuid" in e.message]),
        "SCH-004": (
            "timestamps as RFC 3339 writes them, with a time zone",
            [e for e in errors if e.keyword == "format" and "date-time" in e.message],
        ),
    }
    named = [error for _, matching in kinds.values() for error in matching]
    kinds["SCH-005"] = ("the documented types, enums and lengths", [e for e in errors if e not in named])
    for requirement, (expected, matching) in kinds.items():
        yield found(requirement, not matching, expected, "; ".join(map(str, matching[:3])))


_STACK_FRAME = re.compile(
    rb"Traceback \(most recent call last\)|\\?n?\s*File \\?\"[^\"]+\", line \d+|"
    rb"(\\n|\\t|\s)at [\w.$/<>]+\([\w.]*(\.java|\.kt|\.js|\.ts|Native Method)[^)]*\)"
)


def _judge_error(exchange: Exchange, operation: Operation) -> Iterator[Finding]:
    frame = _STACK_FRAME.search(exchange.body)
    yield found("ERR-007", frame is None, "no stack trace", frame.group().decode("utf-8", "replace") if frame else "")
    media_types = operation.answers.get("default", {})
    if not media_types or exchange.method == "HEAD" or refused_in_front(exchange):
        return
    body = exchange.json
    shaped = exchange.media_type in media_types and isinstance(body, dict)
    yield found(
        "ERR-001",
        shaped,
        "an error body: a JSON object as application/json",
        f"{exchange.status} with {_content_type(exchange)} and a body that starts {exchange.body[:80]!r}",
    )
    if not shaped:
        return
    schema = media_types[exchange.media_type]
    errors = [*schema.errors(body)] if schema else []
    for requirement, expected, concerns in (
        (
            "ERR-003",
            "errors as a list of objects with a code and a message",
            lambda pointer: pointer.startswith("/errors"),
        ),
        ("ERR-004", "a timestamp as RFC 3339 writes it, with a time zone", lambda pointer: pointer == "/timestamp"),
        ("ERR-001", "timestamp, status and message of the documented types", lambda pointer: not pointer),
        (
            "ERR-001",
            "timestamp, status and message of the documented types",
            lambda pointer: pointer in ("/status", "/message"),
        ),
    ):
        matching = [error for error in errors if concerns(error.pointer)]
        yield found(requirement, not matching, expected, "; ".join(map(str, matching[:3])))
    if isinstance(body.get("status"), int):
        yield found(
            "ERR-002", body["status"] == exchange.status, f"status {exchange.status} in the body", body["status"]
        )
    yield from _judge_clock(exchange, body.get("timestamp"))


def _judge_clock(exchange: Exchange, timestamp: Any) -> Iterator[Finding]:
    moment = parse_instant(timestamp)
    if moment is None:
        return
    if exchange.date is not None:
        now, tolerance = exchange.date, CLOCK_TOLERANCE
    else:
        now, tolerance = exchange.started.astimezone(UTC), FOREIGN_CLOCK_TOLERANCE
    near = abs(moment - now) <= tolerance
    yield found("ERR-005", near, f"a timestamp of the moment of the error, about {_short(now)}", f"{timestamp}")


def _short(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")


def _content_type(exchange: Exchange) -> str:
    return exchange.media_type or "no Content-Type"
