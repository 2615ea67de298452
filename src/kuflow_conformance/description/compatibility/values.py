"""Values against schemas: whether one is valid, and whether a schema provably allows all that another allows."""

from __future__ import annotations

import re
from typing import Any

import jsonschema_rs

from kuflow_conformance.description.compatibility.flat import INTEGER_FORMATS, TYPES, Flat, Node, union
from kuflow_conformance.description.compatibility.normal import Schemas

_DRAFT = "https://json-schema.org/draft/2020-12/schema"
_ONCE = frozenset({"integer", "fraction"})


class Exporter:
    """Writes a node, and all that it leads to, as a JSON Schema of draft 2020-12."""

    def __init__(self, schemas: Schemas, *, pinned: bool = True, relaxed: bool = False) -> None:
        self.schemas = schemas
        self.pinned = pinned
        self.relaxed = relaxed
        """Whether `oneOf` is taken for `anyOf`."""

    def schema(self, node: Node) -> dict[str, Any]:
        """The schema of a node."""
        self.names: dict[Node, str] = {}
        self.definitions: dict[str, Any] = {}
        self._work: list[Node] = []
        root = self._refer(node)
        while self._work:
            expanded = self._work.pop()
            self.definitions[self.names[expanded]] = self._written(expanded, self.schemas.flat(expanded))
        return {"$schema": _DRAFT, **root, "$defs": self.definitions}

    def _refer(self, node: Node) -> dict[str, Any]:
        expanded = self.schemas.expand(node)
        if expanded not in self.names:
            self.names[expanded] = f"n{len(self.names)}"
            self._work.append(expanded)
        return {"$ref": f"#/$defs/{self.names[expanded]}"}

    def _written(self, node: Node, flat: Flat) -> Any:
        if not flat.types:
            return False
        schema: dict[str, Any] = {}
        if flat.types != TYPES:
            names = flat.types - _ONCE | ({"number"} if "fraction" in flat.types else flat.types & {"integer"})
            schema["type"] = sorted(names)
        if flat.enum is not None:
            schema["enum"] = flat.enum
        schema.update({key: value for key, value in flat.bounds.items() if key not in ("minContains", "maxContains")})
        if flat.unique:
            schema["uniqueItems"] = True
        parts: list[Any] = [{"multipleOf": float(m) if m.denominator != 1 else int(m)} for m in sorted(flat.multiples)]
        parts += ({"pattern": pattern} for pattern in sorted(flat.patterns))
        for form in sorted(flat.formats):
            bits = INTEGER_FORMATS.get(form)
            if bits == 64:
                continue  # what any integer is, for all that clients can do
            if bits:
                numbers = {"minimum": -(2 ** (bits - 1)), "maximum": 2 ** (bits - 1) - 1}
                if "integer" in flat.types:
                    parts.append(numbers)
            else:
                parts.append({"format": form})
        self._object(flat, schema)
        self._array(flat, schema, parts)
        for group in flat.groups:
            keyword = "oneOf" if group.keyword == "oneOf" and not self.relaxed else "anyOf"
            parts.append({keyword: [self._refer(branch) for branch in group.branches]})
        parts += ({"not": self._refer(node)} for node in flat.nots)
        for condition, then, otherwise in flat.conditions:
            parts.append({"if": self._refer(condition), "then": self._refer(then), "else": self._refer(otherwise)})
        if parts:
            schema["allOf"] = parts
        return schema

    def _object(self, flat: Flat, schema: dict[str, Any]) -> None:
        properties = dict(flat.properties)
        if self.pinned:
            for name, values in flat.pins.items():
                properties[name] = pinned(self.schemas, properties.get(name, ()), values)
        if properties:
            schema["properties"] = {name: self._refer(node) for name, node in properties.items()}
        if flat.required:
            schema["required"] = sorted(flat.required)
        if flat.additional:
            schema["additionalProperties"] = self._refer(flat.additional)
        if flat.patterned:
            schema["patternProperties"] = {name: self._refer(node) for name, node in flat.patterned.items()}
        if flat.names:
            schema["propertyNames"] = self._refer(flat.names)
        if flat.dependent_required:
            schema["dependentRequired"] = {key: sorted(names) for key, names in flat.dependent_required.items()}
        if flat.dependent:
            schema["dependentSchemas"] = {key: self._refer(node) for key, node in flat.dependent.items()}

    def _array(self, flat: Flat, schema: dict[str, Any], parts: list[Any]) -> None:
        if flat.first:
            schema["prefixItems"] = [self._refer(node) for node in flat.first]
        if flat.items:
            schema["items"] = self._refer(flat.items)
        limits = {key: flat.bounds[key] for key in ("minContains", "maxContains") if key in flat.bounds}
        parts += ({"contains": self._refer(node), **limits} for node in flat.contains)


def pinned(schemas: Schemas, node: Node, values: frozenset[str]) -> Node:
    """The node of a discriminating property with the values that stand for a schema, unless it has none of them."""
    from kuflow_conformance.description.compatibility.flat import own

    listed = schemas.flat(node).enum
    if listed is not None and not values & {value for value in listed if isinstance(value, str)}:
        return node
    return union(node, (own({"enum": sorted(values)}),))


_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)


def validator(schema: Any) -> Any:
    """A validator of JSON Schema 2020-12 that knows formats. Raises ValueError when there can be none."""
    try:
        return jsonschema_rs.Draft202012Validator(
            schema, validate_formats=True, formats={"uuid": lambda text: _UUID.fullmatch(text) is not None}
        )
    except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.ReferencingError) as error:
        raise ValueError(str(error).splitlines()[0]) from error


class Values:
    """Validators of nodes, each compiled once."""

    def __init__(self, *, pinned: bool) -> None:
        self.pinned = pinned
        """Whether the values of discriminators count: where both descriptions have some."""
        self._validators: dict[tuple[int, Node, bool], Any] = {}

    def valid(self, schemas: Schemas, node: Node, value: Any, *, relaxed: bool = False) -> bool:
        """Whether a value is allowed; one that cannot be judged is."""
        key = id(schemas), schemas.expand(node), relaxed
        if key not in self._validators:
            try:
                self._validators[key] = validator(Exporter(schemas, pinned=self.pinned, relaxed=relaxed).schema(node))
            except ValueError:
                self._validators[key] = None
        found = self._validators[key]
        return found is None or bool(found.is_valid(value))

    def keywords(self, schemas: Schemas, node: Node, value: Any) -> frozenset[str]:
        """The keywords of a node that refuse a value."""
        self.valid(schemas, node, value)
        found = self._validators[id(schemas), schemas.expand(node), False]
        errors = [] if found is None else list(found.iter_errors(value))
        return frozenset(str(part) for error in errors for part in error.schema_path if isinstance(part, str))

    def proved(self, smaller: tuple[Schemas, Node], larger: tuple[Schemas, Node]) -> bool:
        """Whether it is proved that `larger` allows all values that `smaller` allows."""
        one, other = self._canonical(*smaller), self._canonical(*larger)
        return one is not None and other is not None and str(other.covers(one)) == "yes"

    def disjoint(self, schemas: Schemas, one: Node, other: Node) -> bool:
        """Whether it is proved that no value fits both nodes."""
        first, second = self._canonical(schemas, one), self._canonical(schemas, other)
        if first is None or second is None:
            return False
        return str(first.intersect(second).satisfiability()) == "no"

    def _canonical(self, schemas: Schemas, node: Node) -> Any:
        try:
            schema = Exporter(schemas, pinned=self.pinned).schema(node)
            return jsonschema_rs.canonicalize(schema, draft=jsonschema_rs.Draft202012, validate_formats=True)
        except (ValueError, jsonschema_rs.ValidationError, jsonschema_rs.canonical.CanonicalizationError):
            return None
