"""What is right of JSON values: equality, JSON Patch (RFC 6902) and the pointers of their errors (RFC 6901)."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch
import jsonpointer


def json_equal(first: Any, second: Any) -> bool:
    """Whether two JSON values are equal (RFC 6902 section 4.6): numbers by value, true is not 1."""
    if isinstance(first, bool) or isinstance(second, bool):
        return first is second
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(json_equal(first[key], second[key]) for key in first)
    if isinstance(first, list) and isinstance(second, list):
        return len(first) == len(second) and all(map(json_equal, first, second))
    return bool(first == second)


def patched(value: Any, operations: list[dict[str, Any]]) -> Any:
    """`value` after the JSON Patch. Raises ValueError when the patch does not apply."""
    try:
        return jsonpatch.apply_patch(copy.deepcopy(value), operations)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
        raise ValueError(str(error)) from error


def points_into(pointer: object, value: Any) -> bool:
    """Whether `pointer` is a JSON Pointer to a place of `value`, or to one that is missing in a place that exists."""
    if not isinstance(pointer, str):
        return False
    try:
        parts = jsonpointer.JsonPointer(pointer).parts
        parent, last = jsonpointer.JsonPointer.from_parts(parts[:-1]), parts[-1:]
        container = parent.resolve(value)
    except jsonpointer.JsonPointerException:
        return False
    return not last or isinstance(container, (dict, list))
