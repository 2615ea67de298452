"""JSON Pointers (RFC 6901): how they are written, and what they point to."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

_TOKEN = re.compile(r"(?:[^~]|~[01])*")
INDEX = re.compile(r"0|[1-9][0-9]*")
"""What names an element of a list (RFC 6901 section 4)."""


def pointer(*names: str | int) -> str:
    """The pointer that goes through these names and indexes; without any, to the whole document."""
    return "".join("/" + str(name).replace("~", "~0").replace("/", "~1") for name in names)


def tokens(pointer: str) -> list[str]:
    """The names that a pointer goes through. Raises ValueError when it is none (RFC 6901 section 3)."""
    if not pointer:
        return []
    first, *parts = pointer.split("/")
    if first or not all(map(_TOKEN.fullmatch, parts)):
        raise ValueError(f"{pointer!r} is no JSON Pointer")
    return [part.replace("~1", "/").replace("~0", "~") for part in parts]


def points_into(pointer: object, value: Any) -> bool:
    """Whether `pointer` is a JSON Pointer to a place of `value`, or to one that is missing in a place that exists."""
    if not isinstance(pointer, str):
        return False
    try:
        names = tokens(pointer)
    except ValueError:
        return False
    for position, name in enumerate(names, start=1):
        if isinstance(value, dict) and (name in value or position == len(names)):
            value = value.get(name)
        elif isinstance(value, list) and INDEX.fullmatch(name):
            if int(name) >= len(value):
                return position == len(names)
            value = value[int(name)]
        else:
            return False
    return True


def places(value: Any, *names: str | int) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """Every place of a JSON value but the whole of it, parents before children: (names and indexes, what is there)."""
    if isinstance(value, dict):
        children: Iterator[tuple[str | int, Any]] = iter(value.items())
    else:
        children = enumerate(value) if isinstance(value, list) else iter(())
    for name, child in children:
        yield (*names, name), child
        yield from places(child, *names, name)


def related(one: str, other: str) -> bool:
    """Whether two pointers are the same, or one of them points into what the other points to."""
    shorter, longer = sorted((one, other), key=len)
    return longer == shorter or longer.startswith(f"{shorter}/")
