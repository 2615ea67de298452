"""Schemas in one form, whatever version of OpenAPI and whichever way they are written.

A *node* is a conjunction of schemas, each named by its JSON pointer, so `$ref`, `allOf` and inline schemas are the same
thing. A node is made *flat* by taking its schemas together: types intersect, the larger minimum counts, a property that
several of them describe becomes a node of their parts. Nothing is copied, so recursion costs nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from kuflow_conformance.description.compatibility.document import Document, escape
from kuflow_conformance.description.compatibility.flat import (
    ANYTHING,
    COMPOSED,
    NULL,
    Flat,
    Group,
    Node,
    Part,
    add_limits,
    add_texts,
    add_values,
    join_properties,
    line_up_items,
    own,
    settle_integers,
    types_named,
)


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
            elif old and raw.get("nullable") is True and any(keyword in raw for keyword in COMPOSED):
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
            add_values(flat, raw, null)
            add_limits(flat, raw, self.document.old_dialect and not part.pointer.startswith("!"))
            add_texts(flat, raw, self.document.old_dialect)
            self._members(flat, raw, part, objects)
            self._elements(flat, raw, part, arrays)
            self._applied(flat, raw, part)
        if implied and not stated:
            flat.types &= implied | ({"null"} if nullable else set())
        join_properties(flat, objects)
        line_up_items(flat, arrays)
        flat.written = dict(flat.bounds)
        settle_integers(flat)
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


def cover(schemas: Schemas, nodes: Iterable[Node]) -> None:
    """Note that all of some nodes, and what they refer to, was looked at."""
    for node in nodes:
        for part in node:
            if not part.pointer.startswith("!"):
                schemas.document.cover(part.pointer)
