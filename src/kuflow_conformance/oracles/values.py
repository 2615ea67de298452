"""What is right of JSON values: when two are equal, and when one has survived being saved."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kuflow_conformance.oracles import shown
from kuflow_conformance.oracles.pointers import pointer

SAFE = 2**53
"""Up to here every integer is a double (RFC 8259 section 6)."""


def json_equal(first: Any, second: Any) -> bool:
    """Whether two JSON values are equal (RFC 6902 section 4.6): numbers by value, true is not 1."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(json_equal(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(json_equal, first, second))
    return bool(first == second)


def losses(saved: Any, seen: Any, *names: str | int) -> Iterator[str]:
    """Where a value that was saved has not survived, in words; nothing when it has.

    Numbers that no double holds may be rounded (RFC 8259 section 6).
    """
    where = pointer(*names) or "the whole"
    if isinstance(saved, dict) and isinstance(seen, dict):
        for name in [*saved, *(name for name in seen if name not in saved)]:
            if name not in seen:
                yield f"{pointer(*names, name)} is gone; it was {shown(saved[name])[:80]}"
            elif name not in saved:
                yield f"{pointer(*names, name)} has come in: {shown(seen[name])[:80]}"
            else:
                yield from losses(saved[name], seen[name], *names, name)
    elif isinstance(saved, list) and isinstance(seen, list):
        if len(saved) != len(seen):
            yield f"{where} has {len(seen)} elements, not {len(saved)}"
        for index, (one, other) in enumerate(zip(saved, seen, strict=False)):
            yield from losses(one, other, *names, index)
    elif isinstance(saved, str) and isinstance(seen, str) and saved != seen and len(saved) > 80:
        yield f"{where} is {shown(seen[:40])}… of {len(seen)} characters, not {shown(saved[:40])}… of {len(saved)}"
    elif not json_equal(saved, seen) and not _rounded(saved, seen):
        yield f"{where} is {shown(seen)[:80]}, not {shown(saved)[:80]}"


def survives(saved: Any, seen: Any) -> bool:
    """Whether a value that was saved is there as it was; see `losses`."""
    return next(losses(saved, seen), None) is None


def _rounded(saved: Any, seen: Any) -> bool:
    """Whether a number that no double holds is now one that is near it."""
    if isinstance(seen, bool) or not isinstance(seen, int | float):
        return False
    if isinstance(saved, int) and not isinstance(saved, bool) and abs(saved) > SAFE:
        return abs(saved - seen) <= abs(saved) * 2**-52
    return saved in (float("inf"), float("-inf"))
