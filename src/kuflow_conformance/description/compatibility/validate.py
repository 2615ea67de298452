"""Is it a description that can be judged at all? Everything that the rules rely on is looked at before they do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kuflow_conformance.description.compatibility import swagger
from kuflow_conformance.description.compatibility.document import Document, escape, plain
from kuflow_conformance.errors import InvalidDescription

_METHODS = "get put post delete options head patch trace"
_TYPES = frozenset({"null", "boolean", "integer", "number", "string", "array", "object"})

# What each kind of object has: "map of X" and "list of X" hold others, "!" marks what has to be there.
# OpenAPI 3.0.4 section 4.7, OpenAPI 3.1.1 section 4.8, JSON Schema 2020-12.
_SCHEMAS = "schema"
_KINDS: dict[str, dict[str, str]] = {
    "description": {
        "info": "mapping",
        "servers": "list of server",
        "paths": "map of path item",
        "webhooks": "map of path item",
        "x-webhooks": "map of path item",
        "components": "components",
        "security": "list of requirement",
    },
    "components": {
        "schemas": "map of schema",
        "responses": "map of answer",
        "parameters": "map of parameter",
        "requestBodies": "map of body",
        "headers": "map of header",
        "securitySchemes": "map of scheme",
        "callbacks": "map of callback",
        "pathItems": "map of path item",
    },
    "path item": {
        "servers": "list of server",
        "parameters": "list of parameter",
        **dict.fromkeys(_METHODS.split(), "operation"),
    },
    "operation": {
        "parameters": "list of parameter",
        "requestBody": "body",
        "responses": "map of answer",
        "callbacks": "map of callback",
        "deprecated": "truth",
        "security": "list of requirement",
        "servers": "list of server",
    },
    "parameter": {
        "name": "name!",
        "in": "location!",
        "required": "truth",
        "allowEmptyValue": "truth",
        "allowReserved": "truth",
        "explode": "truth",
        "style": "text",
        "schema": _SCHEMAS,
        "content": "map of media type",
    },
    "header": {
        "required": "truth",
        "explode": "truth",
        "schema": _SCHEMAS,
        "content": "map of media type",
    },
    "body": {"required": "truth", "content": "map of media type"},
    "media type": {"schema": _SCHEMAS, "encoding": "map of encoding"},
    "encoding": {"contentType": "text", "explode": "truth", "headers": "map of header"},
    "answer": {"headers": "map of header", "content": "map of media type"},
    "callback": {"*": "path item"},
    "requirement": {"*": "list of scope"},
    "scheme": {"type": "text!", "flows": "map of flow"},
    "flow": {"scopes": "mapping"},
    "server": {"url": "text!", "variables": "map of variable"},
    "variable": {"enum": "list"},
    "discriminator": {"propertyName": "text!", "mapping": "map of text"},
    "schema": {
        "type": "type",
        "enum": "list",
        **dict.fromkeys(("minLength", "maxLength", "minItems", "maxItems", "minProperties", "maxProperties"), "number"),
        **dict.fromkeys(("minimum", "maximum", "minContains", "maxContains"), "number"),
        **dict.fromkeys(("exclusiveMinimum", "exclusiveMaximum"), "number or truth"),
        "multipleOf": "positive number",
        "pattern": "text",
        "format": "text",
        "required": "list of text",
        "nullable": "truth",
        "readOnly": "truth",
        "writeOnly": "truth",
        "uniqueItems": "truth",
        "discriminator": "discriminator",
        **dict.fromkeys(("allOf", "anyOf", "oneOf", "prefixItems"), "list of schema"),
        **dict.fromkeys(("properties", "patternProperties", "dependentSchemas", "$defs"), "map of schema"),
        "dependentRequired": "map of list of text",
        **dict.fromkeys(
            ("items", "additionalProperties", "not", "if", "then", "else", "contains", "propertyNames"),
            _SCHEMAS,
        ),
        **dict.fromkeys(
            ("unevaluatedItems", "unevaluatedProperties"),
            _SCHEMAS,
        ),
    },
}
_REFERABLE = frozenset({"path item", "parameter", "header", "body", "answer", "callback", "scheme", "schema"})
_NUMBERS = (int, float)

# Simple values: the test and what is expected, in words.
_SIMPLE: dict[str, tuple[Any, str]] = {
    "text": (lambda v: isinstance(v, str), "a text"),
    "name": (lambda v: isinstance(v, (str, int, float)), "a name"),
    "scope": (lambda v: isinstance(v, str), "the name of a scope"),
    "truth": (lambda v: isinstance(v, bool), "true or false"),
    "number": (lambda v: isinstance(v, _NUMBERS) and not isinstance(v, bool), "a number"),
    "positive number": (lambda v: isinstance(v, _NUMBERS) and not isinstance(v, bool) and v > 0, "a number above 0"),
    "number or truth": (lambda v: isinstance(v, _NUMBERS), "a number, or true or false"),
    "mapping": (lambda v: isinstance(v, Mapping), "a mapping"),
    "list": (lambda v: isinstance(v, list), "a list"),
    "location": (lambda v: v in ("path", "query", "header", "cookie"), "path, query, header or cookie"),
    "type": (
        lambda v: (
            (v in _TYPES) if isinstance(v, str) else isinstance(v, list) and bool(v) and set(map(str, v)) <= _TYPES
        ),
        "one of " + ", ".join(sorted(_TYPES)),
    ),
}


def usable(given: Document | Mapping[str, Any], name: str) -> Document:
    """A document that the rules can judge. Raises InvalidDescription that says what is wrong, and where."""
    document = given if isinstance(given, Document) else Document(plain(given), name)
    if str(document.value.get("swagger", "")).startswith("2"):
        document = Document(swagger.converted(document.value), document.name, document.text)
    version = document.value.get("openapi")
    if not str(version or "").startswith("3."):
        _refuse(document, "/openapi", f"not an OpenAPI description: 'openapi' is {version!r}, expected 3.0 or 3.1")
    if not document.value.keys() & {"paths", "webhooks", "components"}:
        _refuse(document, "", "not an OpenAPI description: it has no 'paths'")
    _Check(document).all()
    return document


def _refuse(document: Document, pointer: str, problem: str) -> None:
    mark = document.mark(pointer)
    where = f"{document.name}:{mark[0]}:{mark[1]}" if mark else document.name
    raise InvalidDescription(f"{where}: {'at ' + pointer + ': ' if pointer and pointer != '/openapi' else ''}{problem}")


class _Check:
    def __init__(self, document: Document) -> None:
        self.document = document
        self.done: set[tuple[str, str]] = set()
        self.work: list[tuple[str, str]] = []

    def all(self) -> None:
        """Look at every object, and at what references lead to as what is expected there."""
        self.work.append(("", "description"))
        while self.work:
            pointer, kind = self.work.pop()
            if (pointer, kind) not in self.done:
                self.done.add((pointer, kind))
                self._object(pointer, kind)

    def refuse(self, pointer: str, problem: str) -> None:
        _refuse(self.document, pointer, problem)

    def _object(self, pointer: str, kind: str) -> None:
        value = self.document.at(pointer)
        if kind == "schema" and isinstance(value, bool):
            return
        if not isinstance(value, Mapping):
            self.refuse(pointer, f"expected a mapping, found {_words(value)}")
        if "$ref" in value and kind in _REFERABLE:
            self._reference(pointer, value["$ref"], kind)
            if kind != "path item" and (kind != "schema" or self.document.old_dialect):
                return
        members = _KINDS[kind]
        for key, expected in members.items():
            if key == "*":
                for name in value:
                    if not name.startswith("x-"):
                        self._member(f"{pointer}/{escape(name)}", value[name], expected)
            elif key in value:
                self._member(f"{pointer}/{escape(key)}", value[key], expected)
            elif expected.endswith("!"):
                self.refuse(pointer, f"'{key}' is missing")

    def _member(self, pointer: str, value: Any, expected: str) -> None:
        expected = expected.rstrip("!")
        if expected.startswith("map of "):
            if value is None:
                return
            if not isinstance(value, Mapping):
                self.refuse(pointer, f"expected a mapping, found {_words(value)}")
            inner = expected.removeprefix("map of ")
            extensible = inner in ("path item", "answer", "callback")
            for name, item in value.items():
                if not (extensible and name.startswith("x-")) and not (
                    pointer == "/paths" and not name.startswith("/")
                ):
                    self._member(f"{pointer}/{escape(name)}", item, inner)
        elif expected.startswith("list of "):
            if value is None:
                return
            if not isinstance(value, list):
                self.refuse(pointer, f"expected a list, found {_words(value)}")
            for number, item in enumerate(value):
                self._member(f"{pointer}/{number}", item, expected.removeprefix("list of "))
        elif expected in _SIMPLE:
            test, words = _SIMPLE[expected]
            if not test(value):
                self.refuse(pointer, f"expected {words}, found {_words(value)}")
        elif value is not None or expected == "schema":
            self.work.append((pointer, expected))

    def _reference(self, pointer: str, reference: Any, kind: str) -> None:
        seen = {pointer}
        while True:
            if not isinstance(reference, str):
                self.refuse(f"{pointer}/$ref", f"expected a reference, found {_words(reference)}")
            if not reference.startswith("#"):
                self.refuse(f"{pointer}/$ref", f"{reference} is in another file; put all into one file first")
            try:
                value = self.document.at(reference[1:])
            except KeyError:
                self.refuse(f"{pointer}/$ref", f"there is no {reference}")
            if reference[1:] in seen:
                self.refuse(f"{pointer}/$ref", f"{reference} refers to itself")
            seen.add(reference[1:])
            if isinstance(value, Mapping) and "$ref" in value and (self.document.old_dialect or len(value) == 1):
                reference = value["$ref"]
                continue
            self.work.append((reference[1:], kind))
            return


def _words(value: Any) -> str:
    if isinstance(value, Mapping):
        return "a mapping"
    if isinstance(value, list):
        return "a list"
    return "nothing" if value is None else f"{str(value)[:60]!r}"
