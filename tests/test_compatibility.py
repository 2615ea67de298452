"""Does a changed description break clients? Pairs by kind, with the verdicts that they have to get."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from kuflow_conformance.description import compatibility

DATA = Path(__file__).parent / "compatibility"
LETTERS = {"breaking": "B", "new values": "N", "risky": "R", "compatible": "C"}

COMPONENTS = {
    "Text": {"type": "string"},
    "SameText": {"type": "string", "minLength": 0},
    "ShortText": {"type": "string", "maxLength": 3},
    "Tree": {
        "type": "object",
        "properties": {"children": {"type": "array", "items": {"$ref": "#/components/schemas/Tree"}}},
    },
    "ThinTree": {
        "type": "object",
        "properties": {
            "children": {"type": "array", "maxItems": 1, "items": {"$ref": "#/components/schemas/ThinTree"}}
        },
    },
    "Wrapped": {"type": "object", "properties": {"inner": {"allOf": [{"$ref": "#/components/schemas/Wrapped"}]}}},
    "WrappedToo": {"type": "object", "properties": {"inner": {"$ref": "#/components/schemas/WrappedToo"}}},
}


def letter(judgement):
    """The worst that was found."""
    return next((LETTERS[level] for level in compatibility.LEVELS if judgement.of(level)), "C")


def describe(version, schema, *, sent):
    content = {
        "application/json": {"schema": {"type": "object", "properties": {"a": schema}, "required": ["a"]}},
    }
    operation = {"operationId": "act", "responses": {"200": {"description": ""}}}
    if sent:
        operation["requestBody"] = {"required": True, "content": content}
    else:
        operation["responses"]["200"]["content"] = content
    return {
        "openapi": f"{version}.0",
        "info": {"title": "t", "version": "1.0.0"},
        "servers": [{"url": "https://api.example.com"}],
        "paths": {"/act": {"post": operation}},
        "components": {"schemas": COMPONENTS},
    }


def rows():
    for name, old, new, sent, received, *versions in yaml.safe_load((DATA / "schemas.yaml").read_text()):
        for version in versions[0] if versions else ("3.0", "3.1"):
            yield pytest.param(version, old, new, sent, True, id=f"{name}-{version}-sent")
            yield pytest.param(version, old, new, received, False, id=f"{name}-{version}-received")


@pytest.mark.parametrize(("version", "old", "new", "verdict", "sent"), rows())
def test_schemas(version, old, new, verdict, sent):
    documents = [describe(version, schema, sent=sent) for schema in (old, new)]
    judgement = compatibility.judge(*documents, witnesses=True)
    found = [(c.level, c.id, c.what, c.witness, c.note) for c in judgement.changes]
    assert letter(judgement) == verdict, found
    assert not [c for c in judgement.changes if c.kind == "found"], found


BASE = {
    "info": {"title": "t", "version": "1.0.0"},
    "servers": [{"url": "https://api.example.com"}],
    "paths": {"/a": {"get": {"operationId": "act", "responses": {"200": {"description": "x"}}}}},
}


def merged(document, change):
    """A document with another merged into it; None takes a member away."""
    if not isinstance(document, dict) or not isinstance(change, dict):
        return change
    new = {key: value for key, value in document.items() if key not in change}
    return new | {key: merged(document.get(key), value) for key, value in change.items() if value is not None}


def descriptions():
    for name, old, new, verdict, *versions in yaml.safe_load((DATA / "documents.yaml").read_text()):
        for version in versions[0] if versions else ("3.0", "3.1"):
            yield pytest.param(version, old, new, verdict, id=f"{name}-{version}")


@pytest.mark.parametrize(("version", "old", "new", "verdict"), descriptions())
def test_descriptions(version, old, new, verdict):
    before = merged(BASE, {"openapi": f"{version}.0", **old})
    judgement = compatibility.judge(before, merged(before, new), witnesses=True)
    found = [(c.level, c.id, c.what, c.witness, c.note) for c in judgement.changes]
    if verdict == "MAJOR":
        assert judgement.major, found
        assert judgement.failing, found
        assert not judgement.breaks_clients, found
    else:
        assert letter(judgement) == verdict, found
        assert judgement.breaks_clients is (verdict in "BN"), found
