"""Schemas in one form, whatever version of OpenAPI and whichever way they are written.

A *node* is a conjunction of schemas, each named by its JSON pointer, so `$ref`, `allOf` and inline schemas are the same
thing. A node is made *flat* by taking its schemas together: types intersect, the larger minimum counts, a property that
several of them describe becomes a node of their parts. Nothing is copied, so recursion costs nothing.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any, NamedTuple

from kuflow_conformance.description.compatibility.document import Document, escape

TYPES = frozenset({"null", "boolean", "integer", "fraction", "string", "array", "object"})
"""The types of JSON values; a number is an integer or a fraction."""

SCALARS = frozenset({"boolean", "integer", "fraction", "string"})

_COMPOSED = ("allOf", "anyOf", "oneOf", "not")

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


class Schemas:
    """The schemas of a document, as those see them who send them (`sent`) or receive them."""

    def __init__(self, document: Document, *, sent: bool) -> None:
        self.document = document
        self.sent = sent
        self._expanded: dict[Node, Node] = {}
        self._flat: dict[Node, Flat] = {}
        self._marked: dict[tuple[Node, str], bool] = {}
        self._subtypes, self._supertypes = _hierarchy(document)

    def node(self, pointer: str) -> Node:
        """The node of a schema in the document."""
        return (Part(pointer),)

    def raw(self, part: Part) -> Any:
        """A schema as it is written, without the keywords that are considered elsewhere."""
        schema = json.loads(part.pointer[1:]) if part.pointer.startswith("!") else self.document.at(part.pointer)
        if part.without and isinstance(schema, Mapping):
            return {key: value for key, value in schema.items() if key not in part.without}
        return schema

    def expand(self, node: Node) -> Node:
        """The schemas that a node is made of, with `$ref` and `allOf` followed. A schema counts once."""
        if node not in self._expanded:
            self._expanded[node] = tuple(
                sorted(self._leaves(node), key=lambda part: (part.pointer, sorted(part.without)))
            )
        return self._expanded[node]

    def _leaves(self, node: Node) -> set[Part]:
        leaves: set[Part] = set()
        visited: set[Part] = set()
        work = list(node)
        while work:
            part = work.pop()
            if part in visited:
                continue
            visited.add(part)
            raw = self.raw(part)
            if not isinstance(raw, Mapping):
                if raw is not True:
                    leaves.add(part)
                continue
            old = self.document.old_dialect and not part.pointer.startswith("!")
            if isinstance(raw.get("$ref"), str):
                work.append(Part(raw["$ref"][1:]))
                if old or len(raw) == 1:
                    # In OpenAPI 3.0 what stands beside a reference does not count.
                    self.document.judged.add(part.pointer)
                    continue
                self.document.judged.add(f"{part.pointer}/$ref")
                part = Part(part.pointer, part.without | {"$ref"})
            elif old and raw.get("nullable") is True and any(keyword in raw for keyword in _COMPOSED):
                leaves.add(Part(part.pointer, part.without | {"~"}))
                continue
            if "allOf" in raw:
                work += (Part(f"{part.pointer}/allOf/{number}") for number in range(len(raw["allOf"])))
                part = Part(part.pointer, part.without | {"allOf"})
            leaves.add(part)
        return leaves | set(self._pins({part.pointer for part in visited}, leaves))

    def _pins(self, visited: set[str], leaves: set[Part]) -> Iterator[Part]:
        """What a discriminator says of the subtypes among the schemas; it says no more to their supertype."""
        for pointer in visited:
            for supertype, name, values in self._supertypes.get(pointer, ()):
                if supertype in visited and supertype != pointer:
                    for leaf in [leaf for leaf in leaves if leaf.pointer == supertype]:
                        leaves.remove(leaf)
                        leaves.add(Part(leaf.pointer, leaf.without | {"discriminator"}))
                    yield own({"~pin": {name: sorted(values)}})

    def flat(self, node: Node) -> Flat:
        """The node with its schemas taken together."""
        leaves = self.expand(node)
        if leaves not in self._flat:
            self._flat[leaves] = self._flattened(leaves)
        return self._flat[leaves]

    def marked(self, node: Node, keyword: str) -> bool:
        """Whether one of the schemas of a node has a keyword that is true."""
        key = node, keyword
        if key not in self._marked:
            raws = map(self.raw, self.expand(node))
            self._marked[key] = any(isinstance(raw, Mapping) and raw.get(keyword) is True for raw in raws)
        return self._marked[key]

    def _flattened(self, leaves: Node) -> Flat:
        flat = Flat()
        objects: list[tuple[dict[str, Node], list[str], Node | None]] = []
        arrays: list[tuple[list[Node], Node | None]] = []
        implied: set[str] = set()
        stated, nullable = False, False
        for part in leaves:
            raw = self.raw(part)
            if raw is False:
                flat.types = frozenset()
            if not isinstance(raw, Mapping):
                continue
            if "~" in part.without:
                inner = Part(part.pointer, (part.without - {"~"}) | {"nullable"})
                flat.groups.append(Group(part, "nullable", ((inner,), (NULL,))))
                flat.where.setdefault("nullable", f"{part.pointer}/nullable")
                continue
            for keyword in raw:
                flat.where.setdefault(keyword, f"{part.pointer}/{escape(keyword)}")
            null = bool(raw.get("nullable") is True) and self.document.old_dialect
            if "type" in raw:
                stated = True
                flat.types &= types_named(raw["type"]) | ({"null"} if null else frozenset())
            else:
                implied |= {"object"} if raw.keys() & {"properties", "additionalProperties"} else set()
                implied |= {"array"} if "items" in raw else set()
                nullable = nullable or null
            _values(flat, raw, null)
            _limits(flat, raw, self.document.old_dialect and not part.pointer.startswith("!"))
            _texts(flat, raw, self.document.old_dialect)
            self._members(flat, raw, part, objects)
            self._elements(flat, raw, part, arrays)
            self._applied(flat, raw, part)
        if implied and not stated:
            flat.types &= implied | ({"null"} if nullable else set())
        _joined(flat, objects)
        _lined_up(flat, arrays)
        flat.written = dict(flat.bounds)
        _integers(flat)
        if flat.items and not self.possible(flat.items):
            flat.bounds["maxItems"] = min(len(flat.first), flat.bounds.get("maxItems", math.inf))
            flat.items = None
        self._directed(flat)
        return flat

    def _below(self, part: Part, *path: object) -> Node:
        if part.pointer.startswith("!"):
            value = json.loads(part.pointer[1:])
            for step in path:
                value = value[step]
            return (own(value),)
        return (Part(part.pointer + "".join(f"/{escape(step)}" for step in path)),)

    def _members(self, flat: Flat, raw: Mapping[str, Any], part: Part, objects: list[Any]) -> None:
        named = {name: self._below(part, "properties", name) for name in raw.get("properties", ())}
        patterned = {name: self._below(part, "patternProperties", name) for name in raw.get("patternProperties", ())}
        further = raw.get("additionalProperties")
        additional = None
        if further is not None:
            additional = ANYTHING if further in (True, {}) else self._below(part, "additionalProperties")
        objects.append((named, list(patterned), additional))
        for pattern, node in patterned.items():
            flat.patterned[pattern] = flat.patterned.get(pattern, ()) + node
        flat.required |= frozenset(raw.get("required", ()))
        if "propertyNames" in raw:
            flat.names = (flat.names or ()) + self._below(part, "propertyNames")
        for name, needed in raw.get("dependentRequired", {}).items():
            flat.dependent_required[name] = flat.dependent_required.get(name, frozenset()) | frozenset(needed)
        for name in raw.get("dependentSchemas", ()):
            flat.dependent[name] = flat.dependent.get(name, ()) + self._below(part, "dependentSchemas", name)
        if raw.get("unevaluatedProperties") not in (None, True, {}):
            flat.unevaluated_properties = (flat.unevaluated_properties or ()) + self._below(
                part, "unevaluatedProperties"
            )

    def _elements(self, flat: Flat, raw: Mapping[str, Any], part: Part, arrays: list[Any]) -> None:
        first = [self._below(part, "prefixItems", number) for number in range(len(raw.get("prefixItems", ())))]
        items = self._below(part, "items") if raw.get("items") not in (None, True, {}) else None
        if first or items:
            arrays.append((first, items))
        if "contains" in raw and raw.get("minContains") != 0:
            flat.contains.append(self._below(part, "contains"))
        if raw.get("unevaluatedItems") not in (None, True, {}):
            flat.unevaluated_items = (flat.unevaluated_items or ()) + self._below(part, "unevaluatedItems")

    def _applied(self, flat: Flat, raw: Mapping[str, Any], part: Part) -> None:
        discriminator = raw.get("discriminator")
        name = discriminator.get("propertyName") if isinstance(discriminator, Mapping) else None
        if name:
            flat.discriminators |= {str(name)}
        for keyword in ("anyOf", "oneOf"):
            branches = [self._below(part, keyword, number) for number in range(len(raw.get(keyword, ())))]
            if name:
                branches = [self._pinned(branch, str(name), raw["discriminator"]) for branch in branches]
            if branches:
                flat.groups.append(Group(part, keyword, tuple(branches)))
        if name and not raw.keys() & {"anyOf", "oneOf"}:
            subtypes = self._subtypes.get(part.pointer, ())
            branches = [
                (Part(p, frozenset({"discriminator"}) if p == part.pointer else frozenset()),) for p in subtypes
            ]
            if branches:
                flat.groups.append(Group(part, "discriminator", tuple(branches)))
        if "not" in raw:
            flat.nots.append(self._below(part, "not"))
        if "if" in raw and raw.keys() & {"then", "else"}:
            then, otherwise = (self._below(part, key) if key in raw else ANYTHING for key in ("then", "else"))
            flat.conditions.append((self._below(part, "if"), then, otherwise))
        for key, values in raw.get("~pin", {}).items():
            both = flat.pins.get(key)
            flat.pins[key] = frozenset(values) & both if both else frozenset(values)
        if "default" in raw:
            flat.default = (raw["default"],)

    def _pinned(self, branch: Node, name: str, discriminator: Mapping[str, Any]) -> Node:
        """An alternative, with the values of the discriminating property that stand for it."""
        raw = self.raw(branch[0])
        reference = raw.get("$ref") if isinstance(raw, Mapping) else None
        if not isinstance(reference, str):
            return branch
        values = [value for value, to in (discriminator.get("mapping") or {}).items() if target(to) == reference[1:]]
        return (*branch, own({"~pin": {name: sorted(values or [reference.rpartition("/")[2]])}}))

    def _directed(self, flat: Flat) -> None:
        """Take out what does not count in this direction (OpenAPI 3.0.4 section 4.7.24.2, readOnly and writeOnly)."""
        for name, node in list(flat.properties.items()):
            if self.sent and self.marked(node, "readOnly"):
                flat.properties[name] = ANYTHING
                flat.hidden[name] = node
                flat.required -= {name}
            elif not self.sent and (self.marked(node, "writeOnly") or not self.possible(node)):
                flat.hidden[name] = flat.properties.pop(name)
                flat.required -= {name}

    def possible(self, node: Node) -> bool:
        """Whether there can be a value at all: not by the schema ``false``."""
        return all(self.raw(part) is not False for part in self.expand(node))


def _hierarchy(document: Document) -> tuple[dict[str, list[str]], dict[str, list[tuple[str, str, list[str]]]]]:
    """Supertype → its subtypes, and subtype → supertype, discriminating property, values; all by pointer."""
    subtypes: dict[str, list[str]] = {}
    supertypes: dict[str, list[tuple[str, str, list[str]]]] = {}
    components = document.value.get("components") or {}
    schemas = components.get("schemas") or {}
    for name, schema in schemas.items():
        discriminator = schema.get("discriminator") if isinstance(schema, Mapping) else None
        if (
            not isinstance(discriminator, Mapping)
            or "propertyName" not in discriminator
            or schema.keys() & {"oneOf", "anyOf"}
        ):
            continue
        pointer = f"/components/schemas/{escape(name)}"
        values: dict[str, list[str]] = {}
        for value, to in (discriminator.get("mapping") or {}).items():
            values.setdefault(target(to), []).append(value)
        if not values:
            for other, child in schemas.items():
                parts = child.get("allOf", ()) if isinstance(child, Mapping) else ()
                if any(isinstance(part, Mapping) and part.get("$ref") == f"#{pointer}" for part in parts):
                    values[f"/components/schemas/{escape(other)}"] = [other]
        subtypes[pointer] = list(values)
        for to, named in values.items():
            supertypes.setdefault(to, []).append((pointer, str(discriminator["propertyName"]), named))
    return subtypes, supertypes


def target(mapped: str) -> str:
    """The pointer of the schema that a discriminator maps a value to: by reference or by name."""
    return mapped[1:] if mapped.startswith("#") else f"/components/schemas/{escape(mapped)}"


def types_named(named: Any) -> frozenset[str]:
    """The types that the keyword `type` allows."""
    names = set(named) if isinstance(named, list) else {named}
    return frozenset(names - {"number"} | ({"integer", "fraction"} if "number" in names else set()))


def _values(flat: Flat, raw: Mapping[str, Any], null: bool) -> None:
    for values in (raw.get("enum"), [raw["const"]] if "const" in raw else None):
        if values is not None:
            values = [*values, None] if null and None not in values else values
            flat.enum = [v for v in values if flat.enum is None or any(same(v, other) for other in flat.enum)]


def _limits(flat: Flat, raw: Mapping[str, Any], old: bool) -> None:
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


def _texts(flat: Flat, raw: Mapping[str, Any], old: bool) -> None:
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


def _joined(flat: Flat, objects: list[tuple[dict[str, Node], list[str], Node | None]]) -> None:
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


def _lined_up(flat: Flat, arrays: list[tuple[list[Node], Node | None]]) -> None:
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


def _integers(flat: Flat) -> None:
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


def without(node: Node, groups: Iterable[Group]) -> Node:
    """An expanded node without some of its alternatives."""
    keywords: dict[Part, set[str]] = {}
    for group in groups:
        keywords.setdefault(group.part, set()).add(group.keyword)
    rest = []
    for part in node:
        gone = keywords.get(part, set())
        if "nullable" not in gone:
            rest.append(Part(part.pointer, part.without | gone) if gone else part)
    return tuple(rest)


def types_written(types: frozenset[str]) -> frozenset[str]:
    """Types as the keyword `type` has them."""
    return types - {"integer", "fraction"} | ({"number"} if "fraction" in types else types & {"integer"})


def cover(schemas: Schemas, nodes: Iterable[Node]) -> None:
    """Note that all of some nodes, and what they refer to, was looked at."""
    for node in nodes:
        for part in node:
            if not part.pointer.startswith("!"):
                schemas.document.cover(part.pointer)
