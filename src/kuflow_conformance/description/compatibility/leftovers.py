"""What no rule has looked at: it is said, never passed over.

Rules mark what they judge. What is not marked, is no mere text for people, and does not stand in the other description
in the same way, is left over.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kuflow_conformance.description.compatibility.document import Document, escape
from kuflow_conformance.description.compatibility.flat import same

WORDS = frozenset(
    [
        "description",
        "summary",
        "title",
        "example",
        "examples",
        "externalDocs",
        "deprecated",
        "tags",
        "$comment",
        "info",
        "openapi",
        "$schema",
        "jsonSchemaDialect",
    ]
)
"""Members that speak to people, or about the document itself."""

NAMED = frozenset(
    [
        "properties",
        "patternProperties",
        "dependentSchemas",
        "$defs",
        "definitions",
        "schemas",
        "responses",
        "parameters",
        "requestBodies",
        "headers",
        "securitySchemes",
        "callbacks",
        "pathItems",
        "paths",
        "webhooks",
        "x-webhooks",
        "content",
        "variables",
        "mapping",
        "encoding",
        "links",
        "scopes",
        "examples",
    ]
)
"""Members whose own members are named by the author of the description."""


def leftovers(old: Document, new: Document) -> list[tuple[str, str, str]]:
    """What differs and was judged by no rule: its pointer in the old description, in the new one, and what it is."""
    found: dict[str, tuple[str, str]] = {}
    for document, other, place in ((old, new, 0), (new, old, 1)):
        for pointer in _unjudged(document, other):
            pointers = list(found.get(pointer, ("", "")))
            pointers[place] = pointer
            found[pointer] = (pointers[0], pointers[1])
    return [(one, other, pointer) for pointer, (one, other) in found.items()]


def _unjudged(document: Document, other: Document) -> Iterator[str]:
    entered, ancestors = set(document.entered), set[str]()
    for pointer in document.judged | document.entered:
        while pointer:
            pointer = pointer.rpartition("/")[0]
            if pointer in ancestors:
                break
            ancestors.add(pointer)

    def walk(pointer: str, value: Any, names: bool) -> Iterator[str]:
        if pointer in document.judged:
            return
        if pointer in entered:
            if isinstance(value, Mapping):
                for key, inner in value.items():
                    if names or key not in WORDS:
                        yield from walk(f"{pointer}/{escape(key)}", inner, not names and key in NAMED)
            elif isinstance(value, list):
                for number, inner in enumerate(value):
                    yield from walk(f"{pointer}/{number}", inner, False)
            return
        try:
            counterpart = other.at(pointer)
        except KeyError:
            counterpart = None
        if wordless(value, names) in ({}, [], None):
            return
        if not same(wordless(value, names), wordless(counterpart, names)):
            yield pointer

    entered |= ancestors | {""}
    yield from walk("", document.value, False)


def wordless(value: Any, names: bool = False) -> Any:
    """A value without what speaks to people only."""
    if isinstance(value, Mapping):
        return {
            key: wordless(inner, not names and key in NAMED)
            for key, inner in value.items()
            if names or key not in WORDS
        }
    return [wordless(item) for item in value] if isinstance(value, list) else value
