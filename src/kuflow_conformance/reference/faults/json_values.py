"""Faults of JSON values: what is kept, and whether it is said to be valid."""

from __future__ import annotations

import unicodedata
from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call
from kuflow_conformance.reference.faults.processes import process_of
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, JsonValue, Principal, Process
from kuflow_conformance.reference.operations import Answer


def on_save(server: ReferenceServer, change: Any) -> None:
    """Let `change(value)` rewrite what is saved as a JSON value."""

    def save(original: Any, caller: Principal, process: Process, row: Any, data: JsonValue, value: Json) -> None:
        original(caller, process, row, data, change(value))

    around(server.platform, "save", save)


def rendered(server: ReferenceServer, change: Any) -> None:
    """Let `change(value, rendered)` rewrite how JSON values are shown."""
    honest = JsonValue.render
    JsonValue.render = lambda value: change(value, honest(value))  # type: ignore[method-assign, assignment]


@fault("invalid-not-kept", "JSV-001", "an invalid entity is answered but not kept")
def _(server: ReferenceServer) -> None:
    def update(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        process = process_of(server, id)
        before = process.entity.value
        answer: Answer = original()
        if not process.entity.render()["valid"]:
            process.entity.value = before
        return answer

    on_call(server, "updateProcessEntity", update)


@fault("valid-missing-data", "JSV-002", "data are valid only when they have every property of the schema")
def _(server: ReferenceServer) -> None:
    def change(value: JsonValue, shown: Json) -> Json:
        complete = set(value.schema.get("properties", {})) <= set(value.value)
        return shown if complete or not shown["valid"] or not value.value else {**shown, "valid": False}

    rendered(server, change)


@fault("errors-beside-valid", "JSV-003", "a valid JSON value still has an error")
def _(server: ReferenceServer) -> None:
    rendered(
        server,
        lambda value, shown: (
            {**shown, "errors": [{"propertyPath": "/x", "type": "stale"}]} if shown["valid"] else shown
        ),
    )


@fault("always-valid", "JSV-004", "task data are always valid")
def _(server: ReferenceServer) -> None:
    def change(body: Json) -> None:
        if "task" in body:
            body["task"]["data"] = {"valid": True, "value": body["task"]["data"]["value"]}

    on_answer(
        server,
        ["createProcessItem", "retrieveProcessItem", "updateProcessItemTaskData", "patchProcessItemTaskData"],
        change,
    )


@fault("pointer-dotted", "JSV-005", "the propertyPath of errors is dotted")
def _(server: ReferenceServer) -> None:
    def change(value: JsonValue, shown: Json) -> Json:
        errors = [
            {**e, "propertyPath": e["propertyPath"].strip("/").replace("/", ".")} for e in shown.get("errors", ())
        ]
        return {**shown, "errors": errors} if errors else shown

    rendered(server, change)


@fault("errors-untold", "JSV-010", "an invalid value comes without errors")
def _(server: ReferenceServer) -> None:
    rendered(server, lambda value, shown: {key: part for key, part in shown.items() if key != "errors"})


@fault("valid-stale", "JSV-006", "an entity that was invalid once stays invalid")
def _(server: ReferenceServer) -> None:
    spoilt: set[int] = set()

    def change(value: JsonValue, shown: Json) -> Json:
        if "customer" not in value.schema.get("properties", {}):
            return shown
        if not shown["valid"] and value.value:
            spoilt.add(id(value))
        return {**shown, "valid": False} if id(value) in spoilt else shown

    rendered(server, change)


@fault("valid-from-client", "JSV-007", "a client may say that its data are valid")
def _(server: ReferenceServer) -> None:
    def update(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        answer: Answer = original()
        if isinstance(body["metadata"].get("valid"), bool) and answer.json is not None:
            answer.json["metadata"]["valid"] = body["metadata"]["valid"]
            answer.json["metadata"].pop("errors", None)
        return answer

    on_call(server, "updateProcessMetadata", update)


def _without_nulls(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _without_nulls(value) for key, value in node.items() if value is not None}
    return [_without_nulls(item) for item in node] if isinstance(node, list) else node


@fault("nulls-dropped", "JSV-008", "null is dropped from data that are saved")
def _(server: ReferenceServer) -> None:
    def update(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        answer: Answer = original(body={"data": {"value": _without_nulls(body["data"]["value"])}})
        return answer

    on_call(server, "updateProcessItemTaskData", update)


@fault("metadata-into-entity", "JSV-009", "saving metadata saves them as the entity as well")
def _(server: ReferenceServer) -> None:
    def update(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        process = process_of(server, id)
        original()
        process.entity.value = process.metadata.value
        return Answer(json=process.render())

    on_call(server, "updateProcessMetadata", update)


@fault("save-merges", "JSV-011", "saving an entity merges it into the one before")
def _(server: ReferenceServer) -> None:
    def update(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        before = process_of(server, id).entity.value
        answer: Answer = original(body={"entity": {"value": {**before, **body["entity"]["value"]}}})
        return answer

    on_call(server, "updateProcessEntity", update)


@fault("valid-at-creation", "JSV-012", "the data of a new task are valid whatever they are")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original()
        if answer.json and "task" in answer.json:
            answer.json["task"]["data"] = {"valid": True, "value": answer.json["task"]["data"]["value"]}
        return answer

    on_call(server, "createProcessItem", create)


@fault("pointer-root", "JSV-005", "the propertyPath of errors is always the whole value")
def _(server: ReferenceServer) -> None:
    def change(value: JsonValue, shown: Json) -> Json:
        errors = [{**error, "propertyPath": ""} for error in shown.get("errors", ())]
        return {**shown, "errors": errors} if errors else shown

    rendered(server, change)


def on_texts(node: Any, change: Any) -> Any:
    if isinstance(node, dict):
        return {key: on_texts(value, change) for key, value in node.items()}
    if isinstance(node, list):
        return [on_texts(item, change) for item in node]
    return change(node) if isinstance(node, str) else node


@fault("texts-trimmed", "JSV-008", "spaces around texts in saved data are lost")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_texts(value, str.strip))


@fault("markup-escaped", "JSV-008", "< in saved data becomes &lt;")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_texts(value, lambda text: text.replace("<", "&lt;")))


@fault("texts-composed", "JSV-008", "texts in saved data are normalised to composed Unicode")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_texts(value, lambda text: unicodedata.normalize("NFC", text)))


def _rounded(node: Any) -> Any:
    if isinstance(node, dict):
        return {key: _rounded(value) for key, value in node.items()}
    if isinstance(node, list):
        return [_rounded(item) for item in node]
    return round(node, 4) if isinstance(node, float) else node


@fault("numbers-rounded", "JSV-008", "numbers in saved data are rounded to four places")
def _(server: ReferenceServer) -> None:
    on_save(server, _rounded)
