"""The fast validator says the same as `jsonschema`, on what is generated, on real answers and on spoilt ones."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from typing import Any

import jsonschema
import pytest
import requests

from kuflow_conformance.description import openapi
from kuflow_conformance.description.openapi import Schema, is_uuid
from kuflow_conformance.generation.cases import CaseStore

FORMATS = jsonschema.FormatChecker(formats=("date-time", "email"))
FORMATS.checks("uuid")(lambda value: not isinstance(value, str) or is_uuid(value))

SPOILT = (None, "", "x", "a@b", -1, 1.5, 2**70, True, [], {}, [{}], "2026-01-05T10:00:00", "2026-01-05T10:00:60Z")


def slow(description: openapi.Description, schema: dict[str, Any], *, request: bool) -> jsonschema.Draft4Validator:
    """The validator of `jsonschema` for a schema of the description."""
    document = description._request_document if request else description.document
    whole = {"allOf": [schema], "components": document["components"]}
    return jsonschema.Draft4Validator(whole, format_checker=FORMATS)


def spoilt(value: Any) -> Iterator[Any]:
    """`value` with each of its parts left out, and replaced by what does not belong there."""
    if isinstance(value, dict):
        for name, part in value.items():
            rest = {key: other for key, other in value.items() if key != name}
            yield rest
            for wrong in (*SPOILT, *spoilt(part)):
                yield {**rest, name: wrong}
    elif isinstance(value, list):
        for number, part in enumerate(value[:1]):
            for wrong in spoilt(part):
                changed = copy.copy(value)
                changed[number] = wrong
                yield changed


def agree(fast: Schema, reference: jsonschema.Draft4Validator, instance: Any) -> None:
    pointers = {"/".join(map(str, error.absolute_path)) for error in reference.iter_errors(instance)}
    found = [*fast.errors(instance)]
    assert fast.accepts(instance) == (not pointers), json.dumps(instance)[:500]
    assert {error.pointer.lstrip("/").replace("~1", "/").replace("~0", "~") for error in found} == pointers


def test_generated_bodies(description):
    store = CaseStore(description, "core", 20240614)
    compared = 0
    for operation in description.operations.values():
        for media_type, fast in operation.bodies.items():
            if "json" not in media_type:
                continue
            content = description.resolve(operation.raw["requestBody"])["content"]
            schema = next(item["schema"] for name, item in content.items() if name.lower() == media_type)
            reference = slow(description, schema, request=True)
            for case in store.of(operation):
                if case.has_json:
                    agree(fast, reference, case.json)
                    compared += 1
    assert compared > 500


@pytest.mark.parametrize(
    "path", ["/principals", "/tenant-users", "/processes", "/process-items", "/robots", "/processes/x"]
)
def test_answers_and_spoilt_answers(path, description, server):
    answer = requests.get(f"{server.url}{path}?size=3", auth=(server.user, server.password))
    operation = description.operation_at("GET", path)
    code = "200" if answer.ok else "default"
    fast = operation.answers[code]["application/json"]
    response = description.resolve(operation.raw["responses"][code])
    reference = slow(description, response["content"]["application/json"]["schema"], request=False)
    instances = [answer.json(), *spoilt(answer.json())]
    assert len(instances) > 20
    for instance in instances:
        agree(fast, reference, instance)
