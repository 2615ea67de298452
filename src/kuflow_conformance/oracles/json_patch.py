"""What a JSON Patch makes of a value (RFC 6902), and how firmly that can be demanded of a server.

The documentation names RFC 6902 by its media type. What the RFC leaves open, and what the official clients do
otherwise (they leave out ``"value": null``), no server can be blamed for. What widely used libraries take although
the RFC rules it out, is a warning.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import Any, NamedTuple

from kuflow_conformance.oracles.pointers import INDEX, tokens

JsonPatch = list[dict[str, Any]]


class Firmness(IntEnum):
    """How firmly an outcome can be demanded."""

    OPEN = 0
    SHOULD = 1
    MUST = 2


OPEN, SHOULD, MUST = Firmness


@dataclass(frozen=True)
class Outcome:
    """What a patch comes to: whether it applies, and then what the value is, if that can be said.

    An outcome that is open says what is right as well: of a server that has carried the patch out.
    """

    applies: bool
    firmness: Firmness
    value: Any = None
    why: str = ""
    """Why it does not apply."""


class _Inapplicable(Exception):
    def __init__(self, why: str, firmness: Firmness = MUST) -> None:
        super().__init__(why)
        self.firmness = firmness


class _Step(NamedTuple):
    """The document after an operation, and how firmly it can be demanded."""

    document: Any
    firmness: Firmness = MUST


def outcome(value: Any, operations: JsonPatch) -> Outcome:
    """What `operations` come to when they are applied to `value`, which stays as it is."""
    document, firmness = _fresh(value), MUST
    for operation in operations:
        try:
            document, certain = _OPERATIONS[operation["op"]](document, operation)
        except _Inapplicable as error:
            return Outcome(False, min(firmness, error.firmness), why=str(error))
        firmness = min(firmness, certain)
    if not isinstance(document, dict):
        firmness = OPEN  # the value of a JSON value is an object, so that this one may be refused
    return Outcome(True, firmness, document)


def well_formed(operations: Any) -> bool:
    """Whether `operations` are a JSON Patch: one operation at least, and nothing missing in any."""
    return (
        isinstance(operations, list)
        and bool(operations)
        and all(
            isinstance(step, dict)
            and step.get("op") in _OPERATIONS
            and isinstance(step.get("path"), str)
            and (step["op"] not in ("move", "copy") or isinstance(step.get("from"), str))
            and (step["op"] not in ("add", "replace", "test") or "value" in step)
            for step in operations
        )
    )


def patched(value: Any, operations: JsonPatch) -> Any:
    """`value` after the JSON Patch. Raises ValueError when the patch does not apply."""
    result = outcome(value, operations)
    if not result.applies:
        raise ValueError(result.why)
    return result.value


def _fresh(value: Any) -> Any:
    """A copy in which no two places are the same object, as there are none in JSON."""
    if isinstance(value, dict):
        return {name: _fresh(part) for name, part in value.items()}
    return [_fresh(part) for part in value] if isinstance(value, list) else value


# Places


def _path(operation: dict[str, Any], member: str = "path") -> list[str]:
    pointer = operation[member]
    try:
        return tokens(pointer)
    except ValueError as error:
        # Libraries that replace ~0 and ~1, and look no further, take other escapes as they are.
        raise _Inapplicable(str(error), OPEN if pointer.startswith("/") else MUST) from error


def _index(container: list[Any], token: str, last: int) -> int:
    """The index that `token` means in a list; `last` is the highest one allowed."""
    if not INDEX.fullmatch(token):
        # Leading zeros, signs and fractions are ruled out, and still read as numbers by many libraries.
        number_like = token == "" or any(character.isdigit() for character in token)
        raise _Inapplicable(f"{token!r} is no index", SHOULD if number_like else MUST)
    if int(token) > last:
        raise _Inapplicable(f"there are only {len(container)} elements")
    return int(token)


_BY_NATURE = ("constructor", "toString", "valueOf", "hasOwnProperty", "__proto__")
"""Members that every object has in JavaScript."""


def _child(container: Any, token: str) -> Any:
    if isinstance(container, dict) and token in container:
        return container[token]
    if isinstance(container, list):
        return container[_index(container, token, len(container) - 1)]
    # Where objects and texts have members by nature, careless readers find them.
    by_nature = token in _BY_NATURE if isinstance(container, dict) else isinstance(container, str)
    raise _Inapplicable(f"there is no {token!r}", SHOULD if by_nature else MUST)


def _at(document: Any, path: list[str]) -> Any:
    for token in path:
        document = _child(document, token)
    return document


def _add_at(document: Any, path: list[str], value: Any) -> Any:
    if not path:
        return value
    parent, token = _at(document, path[:-1]), path[-1]
    if isinstance(parent, dict):
        parent[token] = value
    elif isinstance(parent, list):
        parent.insert(len(parent) if token == "-" else _index(parent, token, len(parent)), value)
    else:
        raise _Inapplicable(f"nothing can be added to {parent!r}")
    return document


def _remove_at(document: Any, path: list[str]) -> Any:
    """Remove what is there; returns it."""
    parent, token = _at(document, path[:-1]), path[-1]
    removed = _child(parent, token)
    del parent[token if isinstance(parent, dict) else int(token)]
    return removed


# Operations


def _value(operation: dict[str, Any]) -> tuple[Any, Firmness]:
    """The value of an operation: one that is missing may be refused, or null that a client has left out."""
    return _fresh(operation.get("value")), MUST if "value" in operation else OPEN


def _add(document: Any, operation: dict[str, Any]) -> _Step:
    value, firmness = _value(operation)
    return _Step(_add_at(document, _path(operation), value), firmness)


def _remove(document: Any, operation: dict[str, Any]) -> _Step:
    path = _path(operation)
    if not path:
        raise _Inapplicable("nothing would be left", OPEN)
    _remove_at(document, path)
    return _Step(document)


def _replace(document: Any, operation: dict[str, Any]) -> _Step:
    path, (value, firmness) = _path(operation), _value(operation)
    _at(document, path)
    if not path:
        return _Step(value, firmness)
    parent, token = _at(document, path[:-1]), path[-1]
    parent[token if isinstance(parent, dict) else int(token)] = value
    return _Step(document, firmness)


def _source(operation: dict[str, Any]) -> list[str]:
    if not isinstance(operation.get("from"), str):
        raise _Inapplicable(f"{operation['op']} needs a from")
    return _path(operation, "from")


def _move(document: Any, operation: dict[str, Any]) -> _Step:
    source, path = _source(operation), _path(operation)
    if source == path:
        _at(document, source)
        return _Step(document)
    if path[: len(source)] == source:
        return _move_into_itself(document, source, path)
    return _Step(_add_at(document, path, _remove_at(document, source)), MUST if path else OPEN)


def _move_into_itself(document: Any, source: list[str], path: list[str]) -> _Step:
    """Ruled out (RFC 6902 section 4.4); where lists move up, those who just remove and add do not notice."""
    firmness = MUST
    if source:
        trial = _fresh(document)
        removed = _remove_at(trial, source)
        try:
            _add_at(trial, path, removed)
            firmness = SHOULD
        except _Inapplicable:
            pass
    raise _Inapplicable("a place cannot be moved into one of its children", firmness)


def _copy(document: Any, operation: dict[str, Any]) -> _Step:
    source, path = _source(operation), _path(operation)
    value = _fresh(_at(document, source))
    return _Step(_add_at(document, path, value), MUST if source and path else OPEN)


def _test(document: Any, operation: dict[str, Any]) -> _Step:
    value, given = _value(operation)
    try:
        there = _at(document, _path(operation))
    except _Inapplicable as error:
        # Some libraries take what is not there for null.
        raise _Inapplicable(str(error), min(error.firmness, given, MUST if value is not None else SHOULD)) from error
    equal, firmness = _compare(there, value)
    if not equal:
        raise _Inapplicable(f"{there!r} is not {value!r}", min(given, firmness))
    return _Step(document, min(given, firmness))


def _compare(one: Any, other: Any) -> tuple[bool, Firmness]:
    """Whether two values are equal (RFC 6902 section 4.6), and how firmly.

    That 1 is 1.0, many libraries do not know; integers that no double tells apart, many servers do not either.
    """
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other, MUST
    if isinstance(one, int | float) and isinstance(other, int | float):
        if one == other:
            return True, MUST if type(one) is type(other) else SHOULD
        return False, OPEN if float(one) == float(other) else MUST
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        parts = [_compare(one[name], other[name]) for name in one]
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        parts = [_compare(*pair) for pair in zip(one, other, strict=True)]
    else:
        return one == other and not isinstance(one, dict | list), MUST
    unequal = [firmness for equal, firmness in parts if not equal]
    if unequal:
        return False, max(unequal)
    return True, min((firmness for _, firmness in parts), default=MUST)


_OPERATIONS = {
    "add": _add,
    "remove": _remove,
    "replace": _replace,
    "move": _move,
    "copy": _copy,
    "test": _test,
}
