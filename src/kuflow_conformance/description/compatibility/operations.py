"""Rules on operations: which there are, and everything that belongs to them."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from kuflow_conformance.description.compatibility import exchanges, security, servers
from kuflow_conformance.description.compatibility.document import At, Document
from kuflow_conformance.description.compatibility.findings import Finding, Level
from kuflow_conformance.description.compatibility.flat import Node
from kuflow_conformance.description.compatibility.normal import Schemas
from kuflow_conformance.description.compatibility.schemas import Comparison, Pair

METHODS = ("get", "put", "post", "delete", "options", "head", "patch", "trace")
_CALLED = "clients call it"


@dataclass(frozen=True)
class Change:
    """One difference, and what it means for clients. `place` is where in the operation it is."""

    level: Level
    kind: str
    operation: str
    place: str
    what: str
    reason: str
    old: str = ""
    """Where it stands in the old description, as a JSON pointer; empty if nowhere. Likewise `new`."""
    new: str = ""
    witness: str = ""
    """A message that shows it, in words."""
    note: str = ""
    """Whether the two ways to judge agree."""
    within: str = ""
    """The last of `place`: from the schema in which the change stands."""
    used: tuple[tuple[str, int], ...] = ()
    """Recorded clients that send or read what changes, and how often; with `--traffic`."""

    @property
    def id(self) -> str:
        return f"{self.kind} {self.operation} {self.place}".strip()


class Way(NamedTuple):
    """How a pair of schemas was reached: by the last step, from the pair above; from nowhere for a whole body."""

    step: str
    pair: Pair
    above: Way | None


@dataclass
class Occurrence:
    """A change, and for one of schemas where the rules found it."""

    change: Change
    pair: Pair | None = None
    finding: Finding | None = None
    way: Way | None = field(default=None, repr=False)


@dataclass
class Operation:
    """An operation, and the path items that it stands in (one may refer to another)."""

    at: At
    items: list[At]
    path: str
    method: str

    @property
    def name(self) -> str:
        named = self.at.value.get("operationId")
        return str(named) if named else f"{self.method} {self.path}"

    @property
    def parameters(self) -> dict[Any, At]:
        """By location and name; those of the path by their position in it."""
        positions = re.findall(r"\{([^}]*)\}", self.path)
        found: dict[Any, At] = {}
        for parameter in [p for item in [*self.items, self.at] for p in item.listed("parameters")]:
            name, location = str(parameter.value.get("name")), parameter.value.get("in")
            if location == "header":
                name = name.lower()
                if name in exchanges.NOT_PARAMETERS:
                    parameter.cover()
                    continue
            key = (location, positions.index(name)) if location == "path" and name in positions else (location, name)
            found[key] = parameter
        return found


class Walk:
    """Goes through two descriptions and collects the changes."""

    def __init__(self, old: Document, new: Document) -> None:
        self.old = old
        self.new = new
        self.occurrences: list[Occurrence] = []
        self.reported: list[tuple[str, str, Pair]] = []
        """Operation, place and pair of every schema that was compared."""
        self.operation = ""
        self._sent = Comparison(old, new, sent=True)
        self._received = Comparison(old, new, sent=False)

    def comparison(self, sent: bool) -> Comparison:
        """The comparison of schemas in one direction."""
        return self._sent if sent else self._received

    def types(self, schemas: Schemas, node: Node) -> frozenset[str]:
        """The types that a node allows, with or without alternatives."""
        flat = schemas.flat(node)
        branches = [self.types(schemas, branch) for group in flat.groups for branch in group.branches]
        return flat.types & frozenset().union(*branches) if branches else flat.types

    def add(
        self,
        level: Level | str,
        kind: str,
        place: str,
        what: str,
        reason: str,
        old: At | None = None,
        new: At | None = None,
        key: str = "",
    ) -> None:
        """Note a change that is not one of schemas; `key` is the member of `old` and `new` that differs."""
        one, other = (_pointer(at, key) for at in (old, new))
        self.occurrences.append(
            Occurrence(Change(level, kind, self.operation, place, what, reason, one, other))  # type: ignore[arg-type]
        )

    def add_plain(self, level: Level, kind: str, place: str, what: str, reason: str, old: str, new: str) -> None:
        """Note a change that concerns no operation, with its pointers."""
        self.occurrences.append(Occurrence(Change(level, kind, "", place, what, reason, old, new)))

    def report(self, pair: Pair, place: str) -> None:
        """Note the changes of two schemas, and of all below them, at a place of the operation."""
        pair.settle()
        self.reported.append((self.operation, place, pair))
        for way, where in ways(pair, place):
            inner = way.pair
            for finding in inner.findings:
                texts = finding.what, finding.reason, finding.old, finding.new
                place_found = f"{where}{finding.place}"
                change = Change(finding.level, finding.kind, self.operation, place_found, *texts, within=finding.place)
                self.occurrences.append(Occurrence(change, inner, finding, way))

    def everything(self) -> list[Occurrence]:
        """All changes."""
        servers.compare(self)
        old, new = _operations(self.old), _operations(self.new)
        self._operations(old, new)
        self._messages(_webhooks(self.old), _webhooks(self.new), "webhook")
        return self.occurrences

    def _operations(self, old: dict[Any, Operation], new: dict[Any, Operation]) -> None:
        for key, operation in old.items():
            self.operation = operation.name
            if key not in new:
                operation.at.cover()
                self.add("breaking", "operation-removed", "", " ".join(key), _CALLED, operation.at)
                continue
            other = new[key]
            self._named(operation, other)
            self._swapped(operation, other)
            security.compare(self, operation.at, other.at)
            servers.compare_own(self, [*operation.items, operation.at], [*other.items, other.at])
            self._exchange(operation, other, sent=True)
            self._callbacks(operation.at, other.at)
        for key, operation in new.items():
            if key not in old:
                self.operation = operation.name
                operation.at.cover()
                self.add("compatible", "operation-added", "", " ".join(key), "nobody calls it yet", None, operation.at)

    def _named(self, old: Operation, new: Operation) -> None:
        before, after = (operation.at.plain("operationId") for operation in (old, new))
        if before != after:
            what = f"operationId {before} is now {after}"
            self.add("risky", "operation-renamed", "", what, "generated clients use it", old.at, new.at, "operationId")
        deprecated, now = (bool(operation.at.plain("deprecated", False)) for operation in (old, new))
        if now and not deprecated:
            self.add(
                "compatible", "deprecated", "", "it is deprecated now", "it still works", old.at, new.at, "deprecated"
            )

    def _swapped(self, old: Operation, new: Operation) -> None:
        before, after = (re.findall(r"\{([^}]*)\}", operation.path) for operation in (old, new))
        if before != after and sorted(before) == sorted(after):
            what = f"{old.path} is now {new.path}: the parameters have changed places"
            self.add(
                "breaking", "path-parameters-swapped", "path", what, "clients fill them in as before", old.at, new.at
            )

    def _exchange(self, old: Operation, new: Operation, *, sent: bool) -> None:
        exchanges.parameters(self, old.parameters, new.parameters, sent=sent)
        exchanges.body(self, old.at.get("requestBody"), new.at.get("requestBody"), sent=sent)
        before, after = (o.at.members("responses", extensible=True) for o in (old, new))
        exchanges.answers(self, before, after, sent=not sent)

    def _callbacks(self, old: At, new: At) -> None:
        before, after = (_callbacks(at) for at in (old, new))
        operation = self.operation
        self._messages(before, after, "callback", f"{operation} callback ")
        self.operation = operation

    def _messages(self, old: dict[Any, Operation], new: dict[Any, Operation], kind: str, prefix: str = "") -> None:
        """Compare what the server sends by itself."""
        for key, message in old.items():
            self.operation = prefix + (message.name if not prefix else key[0])
            if key not in new:
                message.at.cover()
                self.add("breaking", f"{kind}-removed", "", " ".join(key), "clients wait for it", message.at)
            else:
                self._exchange(message, new[key], sent=False)
        for key, message in new.items():
            if key not in old:
                self.operation = prefix + (message.name if not prefix else key[0])
                message.at.cover()
                self.add("compatible", f"{kind}-added", "", " ".join(key), "nobody waits for it yet", None, message.at)


def ways(pair: Pair, place: str) -> Iterator[tuple[Way, str]]:
    """Every pair below one in which something was found, by the first way that leads to it, and where that is."""
    seen = {id(pair)}
    work: deque[tuple[Way, str]] = deque([(Way("", pair, None), place)])
    while work:
        way, where = work.popleft()
        current = way.pair
        if current.findings or current.rewritten:
            yield way, where
        for step, below in current.below:
            if id(below) not in seen:
                seen.add(id(below))
                if below.below or below.findings or below.rewritten:
                    work.append((Way(step, below, way), where + step))


def _pointer(at: At | None, key: str) -> str:
    if at is None:
        return ""
    return at.below(key) if key and isinstance(at.value, Mapping) and key in at.value else at.pointer


def _items(document: Document, pointer: str) -> list[At]:
    """A path item, and the one that it refers to."""
    value = document.at(pointer)
    found = [At(document, pointer)]
    if isinstance(value, Mapping) and "$ref" in value and len(value) > 1:
        own = At.__new__(At)
        own.document, own.pointer, own.value = document, pointer, value
        found.append(own)
    return found


def _in_item(document: Document, pointer: str, path: str) -> Iterator[tuple[str, Operation]]:
    items = _items(document, pointer)
    for method in METHODS:
        for item in items:
            at = item.get(method) if isinstance(item.value.get(method), Mapping) else None
            if at is not None:
                yield method.upper(), Operation(at, items, path, method.upper())
                break


def _operations(document: Document) -> dict[Any, Operation]:
    found = {}
    for path in document.value.get("paths") or {}:
        if path.startswith("/"):
            pointer = At(document, "").below("paths") + "/" + path.replace("~", "~0").replace("/", "~1")
            for method, operation in _in_item(document, pointer, path):
                found[method, re.sub(r"\{[^}]*\}", "{}", path)] = operation
    return found


def operations_of(document: Document) -> list[Operation]:
    """The operations that clients call."""
    return list(_operations(document).values())


def _webhooks(document: Document) -> dict[Any, Operation]:
    found = {}
    for key in ("webhooks", "x-webhooks"):
        inner = document.value.get(key)
        for name in inner if isinstance(inner, Mapping) else ():
            pointer = f"/{key}/" + name.replace("~", "~0").replace("/", "~1")
            for method, operation in _in_item(document, pointer, name):
                found[f"webhook {name}", method] = operation
    return found


def _callbacks(at: At) -> dict[Any, Operation]:
    found = {}
    for name, callback in at.members("callbacks", extensible=True).items():
        for expression in callback.value:
            if not expression.startswith("x-"):
                pointer = callback.below(expression)
                for method, operation in _in_item(at.document, pointer, expression):
                    found[f"{name} {expression}", method] = operation
    return found
