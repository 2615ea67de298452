"""What is wrong with a request, as far as the documentation settles it.

A server has to refuse what the documentation rules out, but much of what a schema calls invalid is open: unknown
properties, null for "not given", numbers in quotes. Only faults without such a reading are named here.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote, urlsplit

from requests.structures import CaseInsensitiveDict

from kuflow_conformance.description.openapi import Operation, Parameter, Schema, is_uuid
from kuflow_conformance.target.exchange import NOT_JSON, Exchange, parse_json

REFUSALS = (
    "REQ-001",
    "REQ-002",
    "REQ-003",
    "REQ-004",
    "REQ-005",
    "REQ-006",
    "REQ-008",
    "PAG-003",
    "PAT-005",
    "WRK-005",
)
"""The requirements that `request_faults` can name."""

_LENIENT_UUID = re.compile(r"[0-9a-f]{1,16}(-[0-9a-f]{1,16}){4}|-*([0-9a-f]-*){32}", re.IGNORECASE)
"""Java takes five groups of any length, PostgreSQL and Python take 32 digits with hyphens anywhere."""


@dataclass(frozen=True)
class RequestFault:
    """One thing wrong with a request, and the requirement that says it must be refused."""

    requirement: str
    what: str


def is_no_uuid(value: str) -> bool:
    """Whether no parser, however lenient, takes `value` for a UUID."""
    bare = value.strip().strip("{}").removeprefix("urn:uuid:")
    return bool(bare) and not is_uuid(bare) and not _LENIENT_UUID.fullmatch(bare)


_STRING = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)


def is_no_json(body: bytes) -> bool:
    """Whether no parser takes `body` for JSON: it begins as no value does, or ends before its value does.

    A parser may accept extensions (RFC 8259 section 9), and widely used ones do: comments, single quotes, names
    without quotes, commas too many, NaN, and anything behind the value, which Jackson does not read.
    """
    text = body.decode("utf-8", "replace").strip()
    if "'" in text or "/*" in text or "//" in text:
        return False
    bare = _STRING.sub("0", text)
    if bare[:1] not in ("{", "["):
        return re.fullmatch(r"[A-Za-z]+( [A-Za-z]+)+", text) is not None
    depth = 0
    for letter in bare:
        depth += (letter in "{[") - (letter in "}]")
        if depth == 0:
            return False  # a value has come to its end, whatever follows
    return True


def request_faults(exchange: Exchange) -> list[RequestFault]:
    """What is wrong with the request of an exchange; empty for one that has to be understood."""
    operation = exchange.operation
    if operation is None:
        return []
    faults = [*_path_faults(exchange, operation), *query_faults(operation, exchange.query)]
    if operation.bodies:
        faults += _content_faults(exchange, operation)
    return faults


def contradictions(exchange: Exchange) -> list[str]:
    """Where a request contradicts the description by the letter, leniency aside: a server may refuse it."""
    operation = exchange.operation
    if operation is None:
        return []
    found = [fault.what for fault in request_faults(exchange)]
    body = parse_json(exchange.request_body) if exchange.request_body else NOT_JSON
    for media_type, schema in operation.bodies.items():
        if "json" in media_type and body is not NOT_JSON:
            found += map(str, schema.errors(body))
    return found


def _path_faults(exchange: Exchange, operation: Operation) -> Iterator[RequestFault]:
    names = operation.path.split("/")
    if "{id}" in names:
        value = unquote(urlsplit(exchange.url).path.split("/")[names.index("{id}") - len(names)])
        if is_no_uuid(value):
            yield RequestFault("REQ-004", f"the id {value[:40]!r} is no UUID")


def _content_faults(exchange: Exchange, operation: Operation) -> Iterator[RequestFault]:
    sent = CaseInsensitiveDict(exchange.request_headers).get("Content-Type", "")
    media_type = sent.partition(";")[0].strip().lower()
    binary = "application/octet-stream" in operation.bodies
    if binary:
        return  # any bytes will do, and which media types stand for bytes is open
    if not exchange.request_body:
        yield RequestFault("REQ-003", "the required body is missing")
    elif media_type not in operation.bodies:
        # JSON under another JSON media type may be understood all the same.
        if media_type and "json" not in media_type:
            yield RequestFault("REQ-002", f"{media_type} is not documented for the body")
    elif (body := parse_json(exchange.request_body)) is NOT_JSON:
        if is_no_json(exchange.request_body):
            yield RequestFault("REQ-001", "the body is malformed JSON")
    else:
        yield from body_faults(operation, media_type, body)


def query_faults(operation: Operation, query: Mapping[str, Sequence[str]]) -> Iterator[RequestFault]:
    """What is wrong with the query parameters (name → values as sent)."""
    for parameter in operation.query_parameters:
        values = query.get(parameter.name)
        if values is None:
            if parameter.required:
                yield RequestFault("REQ-003", f"the required parameter {parameter.name} is missing")
        elif parameter.is_array or len(values) == 1:  # which of two single values counts is open
            for value in values:
                if fault := _query_value_fault(parameter, value):
                    yield fault


def _query_value_fault(parameter: Parameter, value: str) -> RequestFault | None:
    schema = parameter.schema.get("items", parameter.schema) if parameter.is_array else parameter.schema
    shown = f"{parameter.name}={value[:40]!r}"
    if not value.strip() or (parameter.is_array and "," in value):
        return None  # an empty value may mean "not given", a comma may separate values
    if schema.get("format") == "uuid" and is_no_uuid(value):
        return RequestFault("REQ-004", f"{shown} is no UUID")
    if schema.get("type") == "integer":
        if not re.fullmatch(r"[+-]?\d+", value, re.ASCII):
            open_to_reading = re.fullmatch(r"\s*[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?\s*", value, re.IGNORECASE)
            return None if open_to_reading else RequestFault("REQ-005", f"{shown} is no whole number")
        number = int(value)
        if number < schema.get("minimum", number) or number > schema.get("maximum", number):
            return RequestFault("PAG-003", f"{shown} is out of range")
    return None


def body_faults(operation: Operation, media_type: str, body: Any) -> Iterator[RequestFault]:
    """What is wrong with a JSON body: only what has one reading."""
    schema = operation.bodies.get(media_type)
    if schema is None:
        return
    for fault in _schema_faults(schema, body, list if operation.method == "PATCH" else dict):
        # Whatever is wrong with a patch, it is malformed.
        yield RequestFault("PAT-005", fault.what) if operation.method == "PATCH" else fault


def _schema_faults(schema: Schema, body: Any, expected: type) -> Iterator[RequestFault]:
    if not isinstance(body, expected):
        yield RequestFault("REQ-006", f"the body is of type {type(body).__name__}")
        return
    for error in schema.errors(body):
        value = _at(body, error.pointer)
        where = error.pointer or "the body"
        if error.keyword == "required":
            yield RequestFault("REQ-003", f"{where}: {error.message}")
        elif error.keyword == "format" and "uuid" in error.message and isinstance(value, str) and is_no_uuid(value):
            yield RequestFault("REQ-004", f"{where}: {error.message}")
        elif error.keyword in ("minLength", "maxLength", "minItems"):
            yield RequestFault("WRK-005", f"{where}: {error.message}")
        elif error.keyword == "enum" and isinstance(value, str) and value.strip() and not value.strip().isdecimal():
            # A known value in another case may be read leniently, and its number in the list, as Jackson does.
            known = error.message.rpartition(" is not one of ")[2].upper()
            if f'"{value.strip().upper()}"' not in known:
                yield RequestFault("REQ-008", f"{where}: {error.message}")
        elif error.keyword == "type" and _is_composed(value) and _expects_scalar(error.message):
            yield RequestFault("REQ-006", f"{where}: {error.message}")


def _is_composed(value: Any) -> bool:
    """Whether nothing takes a value for a scalar: a list of one is taken for it by ajv, as Fastify sets it up."""
    return isinstance(value, dict) or (isinstance(value, list) and len(value) != 1)


def _expects_scalar(message: str) -> bool:
    return message.endswith(('"string"', '"integer"', '"boolean"', '"number"'))


def _at(body: Any, pointer: str) -> Any:
    for part in pointer.split("/")[1:]:
        name = part.replace("~1", "/").replace("~0", "~")
        body = body[int(name)] if isinstance(body, list) else body[name]
    return body
