"""One request and its answer, as the suite saw them. No I/O: oracles judge exchanges wherever they came from."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from functools import cached_property
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from requests.structures import CaseInsensitiveDict

from kuflow_conformance.description.openapi import Operation


def value_at(resource: Any, path: str) -> Any:
    """The property at a path such as ``task.state``; None when it is not there."""
    for name in path.split("."):
        resource = resource.get(name) if isinstance(resource, dict) else None
    return resource


class NotJson:
    """Stands for a body that is not JSON (RFC 8259)."""

    def __repr__(self) -> str:
        return "not JSON"


NOT_JSON = NotJson()


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


MAXIMUM_DEPTH = 200
"""Levels of nesting that are read (RFC 8259 section 9 lets readers set a limit)."""

_BRACKETS = b"[]{}"
_OTHERS = bytes(set(range(256)) - set(_BRACKETS))


def parse_json(content: bytes) -> Any:
    """`content` as JSON, or NOT_JSON. NaN and Infinity are not JSON, whatever Python thinks."""
    try:
        value = json.loads(content.decode("utf-8"), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        return NOT_JSON
    if _too_deep(content, value):
        return NOT_JSON
    return _well_formed(value) if b"\\ud" in content or b"\\uD" in content else value


def _too_deep(content: bytes, value: Any) -> bool:
    brackets = content.translate(None, _OTHERS)
    if len(brackets) <= 2 * MAXIMUM_DEPTH:
        return False
    for _ in range(MAXIMUM_DEPTH):  # each turn takes the innermost level away
        brackets = brackets.replace(b"[]", b"").replace(b"{}", b"")
        if not brackets:
            return False
    # What is left may stand in strings: count the levels of the value itself.
    level, depth = [value], 0
    while level and depth <= MAXIMUM_DEPTH:
        level = [
            child
            for node in level
            if isinstance(node, dict | list)
            for child in (node.values() if isinstance(node, dict) else node)
        ]
        depth += 1
    return bool(level)


def _well_formed(value: Any) -> Any:
    """`value` with lone surrogates, which no file can hold, replaced by U+FFFD."""
    if isinstance(value, dict):
        return {_well_formed(name): _well_formed(part) for name, part in value.items()}
    if isinstance(value, list):
        return [_well_formed(part) for part in value]
    if isinstance(value, str):
        return value.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    return value


def whole_number(value: object) -> int | None:
    """A JSON number without a fraction, however it is written; None for anything else."""
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or value != value
        or value in (_INFINITY, -_INFINITY)
    ):
        return None
    return int(value) if value == int(value) else None


_INFINITY = float("inf")


@dataclass(frozen=True)
class Exchange:
    """A request and its answer.

    `status` is 0, and `failure` says why, when no answer came. `elapsed` is in seconds. `caller` names the
    credentials that were used: ``main``, ``second``, ``none`` or a description of made-up ones.
    """

    operation: Operation | None
    method: str
    url: str
    request_headers: Mapping[str, str]
    request_body: bytes
    status: int
    headers: Mapping[str, str]
    body: bytes
    elapsed: float
    started: datetime
    caller: str = "main"
    failure: str = ""
    number: int = field(default=0, compare=False)

    @property
    def ok(self) -> bool:
        """Whether the answer is a success, 304 included."""
        return 200 <= self.status < 300 or self.status == 304

    @property
    def refused(self) -> bool:
        """Whether the answer is a 4xx."""
        return 400 <= self.status < 500

    @property
    def operation_id(self) -> str:
        return self.operation.id if self.operation else f"{self.method} {urlsplit(self.url).path}"

    @property
    def media_type(self) -> str:
        """The media type of the answer, without parameters, in lower case; empty when there is none."""
        return CaseInsensitiveDict(self.headers).get("Content-Type", "").partition(";")[0].strip().lower()

    @cached_property
    def date(self) -> datetime | None:
        """The moment of the answer by the target's own clock (RFC 9110 section 6.6.1); None when it does not say."""
        try:
            return parsedate_to_datetime(CaseInsensitiveDict(self.headers).get("Date", "")).astimezone(UTC)
        except (TypeError, ValueError, OverflowError):
            return None

    @cached_property
    def json(self) -> Any:
        """The body of the answer as JSON, or NOT_JSON."""
        return parse_json(self.body)

    @property
    def object(self) -> dict[str, Any]:
        """The body of the answer as a JSON object; empty when it is none. Reading through it never fails."""
        return self.json if isinstance(self.json, dict) else {}

    @property
    def total(self) -> int:
        """How many rows a list says it has in all; 0 when it does not say."""
        return whole_number(self.page.get("totalElements")) or 0

    def at(self, path: str) -> Any:
        """The property of the answer at a path such as ``task.state``; None when it is not there."""
        return value_at(self.object, path)

    @property
    def rows(self) -> list[dict[str, Any]]:
        """The rows of a list answer; empty when it is none."""
        content = self.object.get("content")
        return [row for row in content if isinstance(row, dict)] if isinstance(content, list) else []

    @property
    def keys(self) -> list[str]:
        """The ids of its rows, in lower case."""
        return [str(row.get("id")).lower() for row in self.rows]

    @property
    def page(self) -> dict[str, Any]:
        """The `metadata` of a list answer; empty when it is none."""
        metadata = self.object.get("metadata")
        return metadata if isinstance(metadata, dict) else {}

    @cached_property
    def query(self) -> dict[str, list[str]]:
        """The query parameters as they were sent: name → values in order."""
        query: dict[str, list[str]] = {}
        for name, value in parse_qsl(urlsplit(self.url).query, keep_blank_values=True):
            query.setdefault(name, []).append(value)
        return query

    def describe(self) -> str:
        """The answer in a few words, for messages."""
        if self.failure:
            return self.failure
        text = self.body[:200].decode("utf-8", "replace")
        return f"{self.status} {self.media_type or 'without content type'} {text}".strip()
