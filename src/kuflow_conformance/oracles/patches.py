"""What a JSON Patch (RFC 6902) leaves behind, whatever the value before was.

Who did not see the value before can still say much of the value after: what was added is there, what was moved away
is not. Nothing is said of what depends on the value before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from kuflow_conformance.oracles import shown
from kuflow_conformance.oracles.pointers import pointer, tokens
from kuflow_conformance.oracles.values import survives

Path = tuple[str, ...]

_MISSING = object()


@dataclass(frozen=True)
class _Fact:
    """What is certain of the value after: ``value`` at a path, ``absent``, ``last`` of a list, or the ``same``."""

    kind: str
    path: Path
    operand: Any
    operation: str


def contradiction(operations: list[dict[str, Any]], after: Any) -> tuple[str, str] | None:
    """The operation whose effect `after` lacks, and in which way; None when nothing contradicts the patch.

    The operations are those of a patch that was accepted. Malformed ones make nothing certain.
    """
    for fact in _facts(operations):
        found = _resolve(after, fact.path)
        place = _pointer(fact.path)
        if fact.kind == "value" and (found is _MISSING or not survives(fact.operand, found)):
            seen = "nothing there" if found is _MISSING else shown(found)
            return fact.operation, f"{shown(fact.operand)} at {place} after {fact.operation}, not {seen}"
        if fact.kind == "absent" and found is not _MISSING:
            return fact.operation, f"nothing at {place} after {fact.operation}, not {shown(found)}"
        if fact.kind == "last" and isinstance(found, list) and not (found and survives(fact.operand, found[-1])):
            return fact.operation, f"{shown(fact.operand)} as the last of {place}, not {shown(found[-1:])}"
        if fact.kind == "same":
            other = _resolve(after, fact.operand)
            if found is _MISSING or other is _MISSING or not survives(found, other):
                return fact.operation, f"the same at {place} as at {_pointer(fact.operand)} after {fact.operation}"
    return None


def _facts(operations: list[dict[str, Any]]) -> list[_Fact]:
    facts: list[_Fact] = []
    for operation in operations:
        name, path, source = operation.get("op"), _path(operation.get("path")), _path(operation.get("from"))
        if path is None or (name in ("move", "copy") and source is None):
            return []
        for touched in ([path] if name != "test" else []) + ([source] if name == "move" and source else []):
            facts = [fact for fact in facts if not _touches(touched, fact)]
        value = operation.get("value", _MISSING)
        if name in ("add", "replace", "test") and value is _MISSING:
            continue  # some clients leave `value` out when it is null
        if name == "test" and value is None:
            continue  # some servers take what is not there for null
        if name == "add" and path and path[-1] == "-":
            facts.append(_Fact("last", path[:-1], value, name))
        elif name in ("add", "replace", "test"):
            facts.append(_Fact("value", path, value, name))
        elif name == "remove" and path and not _is_index(path[-1]):
            facts.append(_Fact("absent", path, None, name))
        elif name == "move" and source and not _is_index(source[-1]) and path[: len(source)] != source:
            facts.append(_Fact("absent", source, None, name))
        elif name == "copy" and source and not any(map(_is_index, (*path, *source))):
            facts.append(_Fact("same", path, source, name))
    return facts


def _touches(path: Path, fact: _Fact) -> bool:
    """Whether a change at `path` may take a fact away."""
    concerned = [fact.path] + ([fact.operand] if fact.kind == "same" else [])
    if path and _is_index(path[-1]):
        path = path[:-1]  # what is behind it in a list moves
    return any(other[: len(path)] == path or path[: len(other)] == other for other in concerned)


def _is_index(part: str) -> bool:
    return part == "-" or part.isdecimal()


def _path(place: object) -> Path | None:
    if not isinstance(place, str):
        return None
    try:
        return tuple(tokens(place))
    except ValueError:
        return None


def _pointer(path: Path) -> str:
    return pointer(*path) or "the whole value"


def _resolve(value: Any, path: Path) -> Any:
    for part in path:
        if isinstance(value, dict):
            value = value.get(part, _MISSING)
        elif isinstance(value, list) and part.isdecimal() and int(part) < len(value):
            value = value[int(part)]
        else:
            return _MISSING
    return value
