"""Changes as they are read: one entry for a change of a schema, however many operations use it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from kuflow_conformance.description.compatibility.document import Document, unescape
from kuflow_conformance.description.compatibility.operations import Change

_SCHEMA = "/components/schemas/"
_NAMED_STEPS = {"properties": "/", "patternProperties": "/~"}
_NUMBERED_STEPS = ("allOf", "anyOf", "oneOf")


@dataclass
class Place:
    """Where something stands in a file."""

    pointer: str
    file: str
    line: int | None = None
    column: int | None = None

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}" if self.line is not None else self.file


@dataclass
class Entry:
    """A change, and everywhere it matters."""

    first: Change
    title: str
    """The schema and the place in it, such as ``Process/state``; else the operation and the place."""
    old: Place | None
    new: Place | None
    changes: list[Change] = field(default_factory=list)

    @property
    def is_of_schema(self) -> bool:
        """Whether it is of a schema with a name, which several operations may use."""
        return bool(schema_place(self.first))

    @property
    def places(self) -> list[str]:
        """The operations that it concerns, each with the place in it."""
        return [f"{change.operation} {change.place}".strip() for change in self.changes]

    @property
    def used(self) -> dict[str, int]:
        """Recorded clients that send or read what changes, and how often."""
        counts: dict[str, int] = {}
        for change in self.changes:
            for client, count in change.used:
                counts[client] = counts.get(client, 0) + count
        return counts


def schema_place(change: Change) -> str:
    """The named schema that a change is in, with the way to the place; empty when it is in none."""
    found = [_below(pointer) for pointer in (change.new, change.old) if pointer.startswith(_SCHEMA)]
    whole = [place for place in found if place.endswith(change.within)]
    return whole[0] if whole else found[0] + change.within if found else ""


def _below(pointer: str) -> str:
    """A place in a named schema, as people write it."""
    name, *parts = pointer.removeprefix(_SCHEMA).split("/")
    found = unescape(name)
    while parts:
        step = parts.pop(0)
        if step in _NAMED_STEPS and parts:
            found += _NAMED_STEPS[step] + unescape(parts.pop(0))
        elif step == "items":
            found += "[]"
        elif step == "prefixItems" and parts:
            found += f"[{parts.pop(0)}]"
        elif step == "additionalProperties" and parts:
            found += "/*"
        elif step in _NUMBERED_STEPS and parts:
            parts.pop(0)
        else:
            break
    return found


def accepted_by(change: Change, accepted: Iterable[str]) -> str | None:
    """The id in a file of accepted changes that is meant: of the change, or of all of the schema."""
    place = schema_place(change)
    ids = (change.id, f"{change.kind} {place}" if place else "")
    return next((key for key in ids if key and key in accepted), None)


def grouped(changes: Iterable[Change], old: Document, new: Document) -> list[Entry]:
    """The changes as entries: those of schemas first, then those of operations, each in the order given."""
    found: dict[tuple[str, ...], Entry] = {}
    for change in changes:
        place = schema_place(change)
        key = (change.kind, change.what, change.within, place) if place else (change.id, change.what, change.operation)
        if key not in found:
            title = place or f"{change.operation} {change.place}".strip()
            if change.kind == "not-judged":
                title = f"not judged: {change.place}"
            places = (_place(old, change.old), _place(new, change.new))
            found[key] = Entry(change, title, *places)
        found[key].changes.append(change)
    return sorted(found.values(), key=lambda entry: not entry.is_of_schema)


def _place(document: Document, pointer: str) -> Place | None:
    if not pointer:
        return None
    mark = document.mark(pointer)
    return Place(pointer, document.name, *mark) if mark else Place(pointer, document.name)
