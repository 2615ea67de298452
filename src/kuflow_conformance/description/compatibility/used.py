"""For whom does it break? Recorded clients, and which of them send or read what changes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any
from urllib.parse import parse_qs, urlsplit

from kuflow_conformance.description.compatibility.document import At, Document
from kuflow_conformance.description.compatibility.exchanges import NOT_PARAMETERS
from kuflow_conformance.description.compatibility.findings import Finding
from kuflow_conformance.description.compatibility.operations import Change, Occurrence, Operation, operations_of

_STEP = re.compile(r"/([^/\[\]\s]+)|(\[\d*\])|(\s[^/\[\]]+)")
_MISSING = ("property-required", "parameter-required", "body-required")
"""Kinds of changes that concern whoever leaves something out."""


@dataclass
class Recorded:
    """A request of a client, or `count` of them, and what it was answered with. Bodies are None when not known."""

    client: str
    method: str
    url: str
    headers: dict[str, str] = field(default_factory=dict)
    body: Any = None
    status: int = 0
    answer_headers: dict[str, str] = field(default_factory=dict)
    answer: Any = None
    count: int = 1
    operation: str = ""
    """The operation, where it is known and nothing else is."""


class Usage:
    """Recorded traffic, by operation of a description."""

    def __init__(self, document: Document, traffic: Iterable[Recorded]) -> None:
        self.operations = operations_of(document)
        urls = [re.sub(r"\{[^}]*\}", "", str(at.value.get("url", ""))) for at in At(document, "").listed("servers")]
        base = [urlsplit(url).path.rstrip("/") for url in urls]
        self._patterns = [
            (operation.method, re.compile(_pattern(base, operation.path)), operation) for operation in self.operations
        ]
        self._patterns.sort(key=lambda found: found[2].path.count("{"))
        self.calls: dict[str, list[Recorded]] = {}
        for recorded in traffic:
            name = recorded.operation or self._operation(recorded)
            if name:
                self.calls.setdefault(name, []).append(recorded)

    def _operation(self, recorded: Recorded) -> str:
        path = urlsplit(recorded.url).path
        found = (op for method, pattern, op in self._patterns if method == recorded.method and pattern.fullmatch(path))
        operation: Operation | None = next(found, None)
        return operation.name if operation else ""

    def of(self, occurrence: Occurrence) -> tuple[tuple[str, int], ...]:
        """The clients that a change concerns, and how many of their exchanges."""
        change = occurrence.change
        counts: dict[str, int] = {}
        operation, _, _ = change.operation.partition(" callback ")
        calls = self.calls.get(operation, []) if operation else [c for calls in self.calls.values() for c in calls]
        for recorded in calls:
            if _concerned(change, occurrence.finding, recorded):
                counts[recorded.client] = counts.get(recorded.client, 0) + recorded.count
        return tuple(sorted(counts.items()))


def _pattern(bases: Sequence[str], path: str) -> str:
    inner = re.sub(r"\\\{[^{}]*\\\}", "[^/]+", re.escape(path))
    return f"(?:{'|'.join(map(re.escape, bases)) or ''}|.*?){inner}/?"


def _concerned(change: Change, finding: Finding | None, recorded: Recorded) -> bool:
    """Whether an exchange sends or reads what a change is about; where that is not known, it does."""
    if recorded.operation:
        return True
    place, kind = change.place, change.kind
    if " callback " in change.operation:
        return False
    where, _, rest = place.partition(" ")
    if where in ("query", "header", "cookie"):
        return _parameter(where, rest.partition("/")[0].partition("[")[0].split(" ")[0], recorded) != (kind in _MISSING)
    if place.startswith("answer "):
        return _answered(change, recorded)
    if place.startswith("body"):
        return _in_value(recorded.body, place.removeprefix("body"), missing=kind in _MISSING)
    return True


def _parameter(where: str, name: str, recorded: Recorded) -> bool:
    if where == "query":
        return name in parse_qs(urlsplit(recorded.url).query, keep_blank_values=True)
    headers = {key.lower(): value for key, value in recorded.headers.items()}
    if where == "header":
        return name.lower() in headers or name.lower() in NOT_PARAMETERS
    return f"{name}=" in headers.get("cookie", "")


def _answered(change: Change, recorded: Recorded) -> bool:
    code = re.split(r"[ /\[]", change.place)[1]
    inside = change.place.removeprefix(f"answer {code}")
    if code.isdigit() and recorded.status != int(code):
        return False
    if code[1:].upper() == "XX" and str(recorded.status)[:1] != code[:1]:
        return False
    if inside.startswith(" header "):
        name = inside.removeprefix(" header ").split(" ")[0].split("/")[0]
        return name in {key.lower() for key in recorded.answer_headers}
    return _in_value(recorded.answer, inside, missing=False)


def _in_value(value: Any, place: str, *, missing: bool) -> bool:
    """Whether a value has what is at a place, or just lacks it; a body that is not known has it."""
    if value is None or not place.strip():
        return True
    steps = [match for match in _STEP.finditer(place) if not match[3]]
    if not steps:
        return True
    parents = list(_at([value], steps[:-1]))
    found = list(_at(parents, steps[-1:]))
    return len(found) < len(parents) if missing else bool(found)


def _at(values: Iterable[Any], steps: Sequence[Any]) -> Iterator[Any]:
    values = list(values)
    for step in steps:
        inner: list[Any] = []
        for value in values:
            if step[1] == "*" and isinstance(value, dict):
                inner += value.values()
            elif step[1] and isinstance(value, dict) and step[1] in value:
                inner.append(value[step[1]])
            elif step[2] and isinstance(value, list):
                inner += value
        values = inner
    yield from values


def told(occurrences: Iterable[Occurrence], usage: Usage) -> list[Occurrence]:
    """The changes with the clients that each concerns; what is compatible concerns nobody."""
    return [
        found
        if found.change.level == "compatible"
        else replace(found, change=replace(found.change, used=usage.of(found)))
        for found in occurrences
    ]
