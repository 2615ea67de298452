"""Rules on the keywords of texts, numbers and lists: which values are lost, and which are gained."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any, NamedTuple

from kuflow_conformance.description.compatibility.flat import INTEGER_FORMATS, SCALARS, Flat

WIDER_FORMATS = {
    "email": {"idn-email"},
    "hostname": {"idn-hostname"},
    "uri": {"uri-reference", "iri", "iri-reference", "uri-template"},
    "uri-reference": {"iri-reference"},
    "iri": {"iri-reference"},
    "float": {"double"},
}
"""Format → formats that allow all its values (JSON Schema validation, section 7.3)."""

_UNLIMITED = {"int64", "double"}
"""Formats of numbers that say no more than the type does, for all that clients can do with it."""

_LENGTHS = {"uuid": (36, 36), "date": (10, 10), "date-time": (20, math.inf), "ipv4": (7, 15), "ipv6": (2, 45)}
"""The lengths that texts of a format have."""


class Difference(NamedTuple):
    """What a keyword says otherwise; `lost` and `gained` are None when the rule does not know."""

    kind: str
    what: str
    lost: bool | None
    gained: bool | None
    keyword: str = ""


def types_named(types: frozenset[str]) -> str:
    """Types in words."""
    if len(types) == 7:
        return "any"
    names = types - {"integer", "fraction"} | ({"number"} if "fraction" in types else types & {"integer"})
    return " or ".join(sorted(names)) or "nothing"


def types(old: Flat, new: Flat, *, text: bool) -> Iterator[Difference]:
    """The types themselves. In a `text`, such as a query, every scalar is a string."""
    lost, gained = old.types - new.types, new.types - old.types
    if not lost | gained:
        return
    if text:
        lost -= SCALARS if _any_text(new) else frozenset()
        gained -= SCALARS if _any_text(old) else frozenset()
    what = f"type {types_named(old.types)} is now {types_named(new.types)}"
    if lost:
        named = "any other" if len(old.types) == 7 else types_named(lost)
        yield Difference("type", f"{what}: {_number(named, lost)} is gone", True, False, "type")
    if gained:
        named = "any other" if len(new.types) == 7 else types_named(gained)
        yield Difference("type", f"{what}: {_number(named, gained)} is new", False, True, "type")
    if not lost and not gained:
        yield Difference("type", f"{what}, which is the same in a text", False, False, "type")


def _number(named: str, types: frozenset[str]) -> str:
    return "number that is no integer" if types == {"fraction"} else named


def _any_text(flat: Flat) -> bool:
    bounds = flat.bounds.keys() & {"minLength", "maxLength"}
    return "string" in flat.types and not (flat.patterns or flat.formats or bounds or flat.enum)


def of_types(old: Flat, new: Flat) -> Iterator[Difference]:
    """The keywords that concern types which both allow."""
    common = old.types & new.types
    if common & {"integer", "fraction"}:
        yield from _numbers(old, new)
    if common & {"string", "integer", "fraction"}:
        yield from _formats(old, new, text="string" in common)
    if "string" in common:
        yield from _bounds(old, new, "minLength", "maxLength")
        yield from _patterns(old, new)
        yield from _encodings(old, new)
    if "array" in common:
        yield from _bounds(old, new, "minItems", "maxItems")
        yield from _unique(old, new)
        yield from _bounds(old, new, "minContains", "maxContains")
    if "object" in common:
        yield from _bounds(old, new, "minProperties", "maxProperties")


def least(flat: Flat, key: str) -> float:
    """The smallest length, or number of items or properties, that is possible."""
    least = flat.bounds.get(key, 1 if key == "minContains" else 0)
    if key == "minProperties":
        least = max(least, len(flat.required))
    if key == "minLength":
        least = max([least, *(_LENGTHS[form][0] for form in flat.formats if form in _LENGTHS)])
    return float(least)


def most(flat: Flat, key: str) -> float:
    """The largest that is possible."""
    most = flat.bounds.get(key, math.inf)
    if key == "maxLength":
        most = min([most, *(_LENGTHS[form][1] for form in flat.formats if form in _LENGTHS)])
    return float(most)


def _bounds(old: Flat, new: Flat, smallest: str, largest: str) -> Iterator[Difference]:
    for key, far in ((smallest, least), (largest, most)):
        before, after = old.bounds.get(key), new.bounds.get(key)
        if before != after:
            grows = key == smallest
            one, other = far(old, key), far(new, key)
            tighter, looser = (other > one, other < one) if grows else (other < one, other > one)
            # What the keyword says may follow from others; then it is no change.
            yield Difference("bound", f"{key} {_said(before)} is now {_said(after)}", tighter, looser, key)


def _said(value: Any) -> str:
    return "none" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def _edge(flat: Flat, side: str) -> tuple[float, bool]:
    """The bound of numbers on one side, and whether it is excluded itself."""
    sign = 1 if side == "minimum" else -1
    infinite = -math.inf * sign
    inclusive = flat.bounds.get(side, infinite)
    excluded = flat.bounds.get(f"exclusive{side.capitalize()}", infinite)
    return (excluded, True) if sign * excluded >= sign * inclusive and math.isfinite(excluded) else (inclusive, False)


def _edge_said(flat: Flat, side: str) -> str:
    """The keyword that says the bound."""
    exclusive = f"exclusive{side.capitalize()}"
    return exclusive if exclusive in flat.written else side


def _numbers(old: Flat, new: Flat) -> Iterator[Difference]:
    for side, sign in (("minimum", 1), ("maximum", -1)):
        (value, excluded), (other, other_excluded) = _edge(old, side), _edge(new, side)
        if (value, excluded) == (other, other_excluded):
            continue
        tighter = (sign * other, other_excluded) > (sign * value, excluded)
        key, other_key = _edge_said(old, side), _edge_said(new, side)
        key = other_key if key not in old.written else key
        other_key = key if other_key not in new.written else other_key
        before, after = _said(old.written.get(key)), _said(new.written.get(other_key))
        what = f"{key} {before} is now {after if key == other_key else f'{other_key} {after}'}"
        yield Difference("bound", what, tighter, not tighter, key)
    if old.multiples != new.multiples:

        def implied(multiples: Any, by: Any) -> bool:
            return all(any((other / multiple).denominator == 1 for other in by) for multiple in multiples)

        words, other_words = (", ".join(map(str, sorted(f.multiples))) or "none" for f in (old, new))
        lost, gained = not implied(new.multiples, old.multiples), not implied(old.multiples, new.multiples)
        yield Difference("bound", f"multipleOf {words} is now {other_words}", lost, gained, "multipleOf")


def _formats(old: Flat, new: Flat, *, text: bool) -> Iterator[Difference]:
    before, after = old.formats - _UNLIMITED, new.formats - _UNLIMITED
    if before == after:
        return
    lost = not all(_implied(form, before, old) for form in after)
    gained = not all(_implied(form, after, new) for form in before)
    words, other_words = (", ".join(sorted(flat.formats)) or "none" for flat in (old, new))
    yield Difference("format", f"format {words} is now {other_words}", lost, gained, "format")


def _implied(form: str, others: frozenset[str], flat: Flat) -> bool:
    """Whether what has the other formats, and fits the schema they stand in, has this format as well."""
    if form in others or any(form in WIDER_FORMATS.get(other, ()) for other in others):
        return True
    bits = INTEGER_FORMATS.get(form)
    if bits is None or "fraction" in flat.types:
        return False
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    inside = flat.bounds.get("minimum", -math.inf) >= low and flat.bounds.get("maximum", math.inf) <= high
    return inside or any(INTEGER_FORMATS.get(other, 64) <= bits for other in others & INTEGER_FORMATS.keys())


def _patterns(old: Flat, new: Flat) -> Iterator[Difference]:
    if old.patterns == new.patterns:
        return
    gone, come = sorted(old.patterns - new.patterns), sorted(new.patterns - old.patterns)
    words, other_words = (" and ".join(sorted(flat.patterns)) or "none" for flat in (old, new))
    changed = bool(gone and come)
    lost, gained = (None, None) if changed else (bool(come), bool(gone))
    yield Difference("pattern", f"pattern {words} is now {other_words}", lost, gained, "pattern")


def _encodings(old: Flat, new: Flat) -> Iterator[Difference]:
    for key in ("contentEncoding", "contentMediaType", "contentSchema"):
        before, after = old.encodings.get(key), new.encodings.get(key)
        if before != after:
            lost, gained = after is not None, before is not None
            yield Difference("format", f"{key} {_said(before)} is now {_said(after)}", lost, gained, key)


def _unique(old: Flat, new: Flat) -> Iterator[Difference]:
    if old.unique != new.unique:
        what = "items have to differ now" if new.unique else "items may be equal now"
        one = most(old if new.unique else new, "maxItems") <= 1
        yield Difference("bound", what, new.unique and not one, old.unique and not one, "uniqueItems")
