"""What a schema says, taken together: the values of its keywords, and how they combine."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

TYPES = frozenset({"null", "boolean", "integer", "fraction", "string", "array", "object"})
"""The types of JSON values; a number is an integer or a fraction."""

SCALARS = frozenset({"boolean", "integer", "fraction", "string"})

COMPOSED = ("allOf", "anyOf", "oneOf", "not")

LARGEST = ("maximum", "maxLength", "maxItems", "maxProperties", "maxContains")
SMALLEST = ("minimum", "minLength", "minItems", "minProperties", "minContains")
INTEGER_FORMATS = {"int8": 8, "int16": 16, "int32": 32, "int64": 64}
_BINARY = "application/octet-stream"


class Part(NamedTuple):
    """A schema of a document, by its pointer, or one of our own, as ``!`` and JSON.

    `without` names the keywords of it that are considered elsewhere.
    """

    pointer: str
    without: frozenset[str] = frozenset()


Node = tuple[Part, ...]


def own(schema: Mapping[str, Any] | bool) -> Part:
    """A schema that stands in no document."""
    return Part("!" + json.dumps(schema, sort_keys=True))


NULL = own({"type": "null"})
ANYTHING: Node = ()


@dataclass(frozen=True)
class Group:
    """Alternatives: `anyOf`, `oneOf`, ``nullable`` around other keywords, or the subtypes of a `discriminator`."""

    part: Part
    keyword: str
    branches: tuple[Node, ...]


@dataclass(eq=False)
class Flat:
    """A node whose schemas are taken together."""

    types: frozenset[str] = TYPES
    enum: list[Any] | None = None
    bounds: dict[str, Any] = field(default_factory=dict)
    """The keywords of `SMALLEST` and `LARGEST`, and the exclusive ones as numbers."""
    written: dict[str, Any] = field(default_factory=dict)
    """The bounds, as they are written."""
    unique: bool = False
    multiples: frozenset[Fraction] = frozenset()
    patterns: frozenset[str] = frozenset()
    formats: frozenset[str] = frozenset()
    encodings: dict[str, Any] = field(default_factory=dict)
    properties: dict[str, Node] = field(default_factory=dict)
    hidden: dict[str, Node] = field(default_factory=dict)
    """Properties that do not count in this direction, readOnly in what is sent or writeOnly in what is received."""
    required: frozenset[str] = frozenset()
    additional: Node | None = None
    """What other properties have to be; None where nothing is said of them."""
    patterned: dict[str, Node] = field(default_factory=dict)
    names: Node | None = None
    first: tuple[Node, ...] = ()
    items: Node | None = None
    contains: list[Node] = field(default_factory=list)
    dependent_required: dict[str, frozenset[str]] = field(default_factory=dict)
    dependent: dict[str, Node] = field(default_factory=dict)
    unevaluated_properties: Node | None = None
    unevaluated_items: Node | None = None
    groups: list[Group] = field(default_factory=list)
    nots: list[Node] = field(default_factory=list)
    conditions: list[tuple[Node, Node, Node]] = field(default_factory=list)
    pins: dict[str, frozenset[str]] = field(default_factory=dict)
    """Property that discriminates → the values that stand for this schema."""
    default: tuple[Any, ...] = ()
    """The default value, if there is one."""
    discriminators: frozenset[str] = frozenset()
    where: dict[str, str] = field(default_factory=dict)
    """Keyword → where it stands."""

    @property
    def finite(self) -> list[Any] | None:
        """All values that may be allowed, when they can be listed."""
        if self.enum is not None:
            return [value for value in self.enum if type_of(value) in self.types]
        if self.types <= {"null", "boolean"}:
            return [*([None] if "null" in self.types else []), *([False, True] if "boolean" in self.types else [])]
        return None


def type_of(value: Any) -> str:
    """The type of a JSON value."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "boolean"
    if isinstance(value, int) or (isinstance(value, float) and value.is_integer()):
        return "integer"
    names: dict[type, str] = {float: "fraction", str: "string", list: "array"}
    return names.get(type(value), "object")


def same(one: Any, other: Any) -> bool:
    """Whether two JSON values are equal: true is not 1, and 1.0 is."""
    if isinstance(one, bool) or isinstance(other, bool):
        return one is other
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    return bool(one == other)


def types_named(named: Any) -> frozenset[str]:
    """The types that the keyword `type` allows."""
    names = set(named) if isinstance(named, list) else {named}
    return frozenset(names - {"number"} | ({"integer", "fraction"} if "number" in names else set()))


def add_values(flat: Flat, raw: Mapping[str, Any], null: bool) -> None:
    """The values that are listed, as far as all schemas list them."""
    for values in (raw.get("enum"), [raw["const"]] if "const" in raw else None):
        if values is not None:
            values = [*values, None] if null and None not in values else values
            flat.enum = [v for v in values if flat.enum is None or any(same(v, other) for other in flat.enum)]


def add_limits(flat: Flat, raw: Mapping[str, Any], old: bool) -> None:
    """The tighter of each bound."""
    limits = {key: raw[key] for key in (*SMALLEST, *LARGEST) if key in raw}
    for inclusive, exclusive in (("minimum", "exclusiveMinimum"), ("maximum", "exclusiveMaximum")):
        given = raw.get(exclusive)
        if isinstance(given, bool):
            if old and given and inclusive in limits:
                limits[exclusive] = limits.pop(inclusive)
        elif given is not None:
            limits[exclusive] = given
    for key, value in limits.items():
        if value == 0 and key in ("minLength", "minItems", "minProperties"):
            continue
        known = flat.bounds.get(key)
        larger = key in SMALLEST or key == "exclusiveMinimum"
        flat.bounds[key] = value if known is None else max(known, value) if larger else min(known, value)
    flat.unique = flat.unique or raw.get("uniqueItems") is True
    if "multipleOf" in raw:
        flat.multiples |= {Fraction(str(raw["multipleOf"]))}


def add_texts(flat: Flat, raw: Mapping[str, Any], old: bool) -> None:
    """Patterns, formats and encodings, all of which have to fit."""
    if raw.get("pattern") not in (None, "", ".*", "^.*$", "^"):
        flat.patterns |= {str(raw["pattern"])}
    form = raw.get("format")
    encodings = {key: raw[key] for key in ("contentEncoding", "contentMediaType", "contentSchema") if key in raw}
    if form == "byte":
        encodings["contentEncoding"] = "base64"
    elif form == "binary":
        encodings["contentMediaType"] = _BINARY
    elif form is not None and form != "password":
        flat.formats |= {str(form)}
    flat.encodings.update(encodings)
    if (old and form == "binary") or (raw.get("contentMediaType") == _BINARY and "contentEncoding" not in raw):
        flat.encodings["contentMediaType"] = _BINARY


def join_properties(flat: Flat, objects: list[tuple[dict[str, Node], list[str], Node | None]]) -> None:
    """Properties that several schemas describe, or that one describes and another's `additionalProperties` covers."""
    for named, _, additional in objects:
        for name, node in named.items():
            flat.properties[name] = union(flat.properties.get(name, ()), node)
        if additional is not None:
            flat.additional = union(flat.additional or (), additional)
    for named, patterned, additional in objects:
        if additional:
            for name in flat.properties.keys() - named.keys():
                if not any(matches(pattern, name) for pattern in patterned):
                    flat.properties[name] = union(flat.properties[name], additional)
    for pattern, node in flat.patterned.items():
        for name in flat.properties:
            if matches(pattern, name):
                flat.properties[name] = union(flat.properties[name], node)
    if flat.unevaluated_properties is not None and not (flat.groups or flat.conditions or flat.dependent):
        if flat.additional is None:
            flat.additional = flat.unevaluated_properties
        flat.unevaluated_properties = None


def line_up_items(flat: Flat, arrays: list[tuple[list[Node], Node | None]]) -> None:
    """The items of an array by position, and all further ones."""
    length = max((len(first) for first, _ in arrays), default=0)
    nodes = []
    for number in range(length):
        parts = [first[number] if number < len(first) else items or () for first, items in arrays]
        nodes.append(union(*parts))
    flat.first = tuple(nodes)
    further = [items for _, items in arrays if items is not None]
    flat.items = union(*further) if further else None
    if flat.unevaluated_items is not None and not (flat.groups or flat.conditions or flat.contains):
        if flat.items is None:
            flat.items = flat.unevaluated_items
        flat.unevaluated_items = None


def settle_integers(flat: Flat) -> None:
    """Bounds in one form: those of integers are inclusive, and so are those of formats such as int32."""
    if "fraction" in flat.types and all(multiple.denominator == 1 for multiple in flat.multiples) and flat.multiples:
        flat.types -= {"fraction"}
    if "fraction" in flat.types or "integer" not in flat.types:
        return
    flat.multiples -= {Fraction(1)}
    bounds = flat.bounds
    if (value := bounds.pop("exclusiveMinimum", None)) is not None:
        bounds["minimum"] = max(math.floor(value) + 1, bounds.get("minimum", -math.inf))
    if (value := bounds.pop("exclusiveMaximum", None)) is not None:
        bounds["maximum"] = min(math.ceil(value) - 1, bounds.get("maximum", math.inf))
    for key, rounded in (("minimum", math.ceil), ("maximum", math.floor)):
        if key in bounds and math.isfinite(bounds[key]):
            bounds[key] = rounded(bounds[key])


def union(*nodes: Node) -> Node:
    """What all of the nodes demand."""
    return tuple(dict.fromkeys(part for node in nodes for part in node))


def matches(pattern: str, text: str) -> bool:
    """Whether a pattern is found in a text; one that Python does not know matches nothing."""
    try:
        return re.search(pattern, text) is not None
    except re.error:
        return False


def types_written(types: frozenset[str]) -> frozenset[str]:
    """Types as the keyword `type` has them."""
    return types - {"integer", "fraction"} | ({"number"} if "fraction" in types else types & {"integer"})
