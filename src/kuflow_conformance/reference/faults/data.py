"""Faults of JSON values, JSON Patch and documents."""

from __future__ import annotations

import copy
import unicodedata
from typing import Any

import jsonpatch

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call
from kuflow_conformance.reference.faults.processes import item_of, process_of
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Document, Json, JsonValue, Principal, Process, ProcessItem
from kuflow_conformance.reference.operations import Answer, Refused


def on_save(server: ReferenceServer, change: Any) -> None:
    """Let `change(value)` rewrite what is saved as a JSON value."""

    def save(original: Any, caller: Principal, process: Process, row: Any, data: JsonValue, value: Json) -> None:
        original(caller, process, row, data, change(value))

    around(server.platform, "save", save)


def on_patch(server: ReferenceServer, change: Any) -> None:
    """Let `change(operations)` rewrite the operations of a patch."""
    around(server.platform, "patched", lambda original, value, operations: original(value, change(operations)))


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


@fault("patch-first-ten", "PAT-001", "only the first ten operations of a patch are carried out")
def _(server: ReferenceServer) -> None:
    on_patch(server, lambda operations: operations[:10])


@fault("patch-append-front", "PAT-001", "a patch to the end of a list goes to its front")
def _(server: ReferenceServer) -> None:
    def change(operations: list[Json]) -> list[Json]:
        return [
            {**op, "path": op["path"][:-1] + "0"} if op["op"] == "add" and op["path"].endswith("/-") else op
            for op in operations
        ]

    on_patch(server, change)


@fault("patch-move-copies", "PAT-001", "a move in a patch leaves its source")
def _(server: ReferenceServer) -> None:
    on_patch(
        server,
        lambda ops: [
            {**op, "op": "copy"} if op["op"] == "move" and not op["path"].startswith(op.get("from", "")) else op
            for op in ops
        ],
    )


@fault("patch-escape", "PAT-001", "~1 in a path of a patch is taken as it is")
def _(server: ReferenceServer) -> None:
    on_patch(server, lambda ops: [{**op, "path": op["path"].replace("~1", "~01").replace("~001", "~01")} for op in ops])


@fault("patch-test-ignored", "PAT-002", "the test operation of a patch is not looked at")
def _(server: ReferenceServer) -> None:
    def patched(original: Any, value: Json, operations: list[Json]) -> Json:
        kept = [op for op in operations if op["op"] != "test"]
        return original(value, kept) if kept else value

    around(server.platform, "patched", patched)


@fault("patch-test-loose", "PAT-002", "the test operation takes 1 for true")
def _(server: ReferenceServer) -> None:
    def patched(original: Any, value: Json, operations: list[Json]) -> Json:
        def loose(op: Json) -> bool:
            node: Any = value.get(op["path"][1:])
            return op["op"] == "test" and isinstance(op.get("value"), (bool, int)) and node == op["value"]

        kept = [op for op in operations if not loose(op)]
        return original(value, kept) if kept else value

    around(server.platform, "patched", patched)


@fault("patch-not-atomic", "PAT-003", "the first operations of a patch that fails are kept")
def _(server: ReferenceServer) -> None:
    def patch(original: Any, caller: Principal, id: str, body: list[Json]) -> Answer:
        try:
            answer: Answer = original()
        except Refused:
            _, task = item_of(server, id)
            for operation in body:
                try:
                    value = jsonpatch.apply_patch(copy.deepcopy(task.data.value), [operation])
                except Exception:
                    break
                task.data.value = value if isinstance(value, dict) else task.data.value
            raise
        return answer

    on_call(server, "patchProcessItemTaskData", patch)


@fault("patch-remove-missing", "PAT-004", "removing what is not there is no error")
def _(server: ReferenceServer) -> None:
    def patched(original: Any, value: Json, operations: list[Json]) -> Json:
        kept = [op for op in operations if not (op["op"] == "remove" and op["path"] == "/missing")]
        return original(value, kept) if kept else value

    around(server.platform, "patched", patched)


@fault("patch-unknown-operation", "PAT-005", "an unknown operation in a patch is skipped")
def _(server: ReferenceServer) -> None:
    known = ("add", "remove", "replace", "move", "copy", "test")

    def check(original: Any, operation: Any, media_type: str, body: Any) -> None:
        if isinstance(body, list) and len(body) > 1:
            body[:] = [op for op in body if not isinstance(op, dict) or op.get("op") in known or op.get("op") is None]
        original(operation, media_type, body)

    around(server, "check_body", check)


@fault("patch-valid-stale", "PAT-006", "validity is not judged again after a patch of metadata")
def _(server: ReferenceServer) -> None:
    def patch(original: Any, caller: Principal, id: str, body: list[Json]) -> Answer:
        before = process_of(server, id).metadata.render()["valid"]
        answer: Answer = original()
        if answer.json is not None:
            answer.json["metadata"]["valid"] = before
            answer.json["metadata"].pop("errors", None)
        return answer

    on_call(server, "patchProcessMetadata", patch)


def on_upload(server: ReferenceServer, change: Any) -> None:
    """Let `change(document)` spoil each document that is stored."""

    def store(original: Any, process: Process, query: Json, content: bytes) -> Document:
        document: Document = original(process, query, content)
        change(document)
        return document

    around(server.platform, "store_document", store)


@fault("document-cut", "DOC-001", "a zero byte at the end of a document is lost")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.content = document.content[:-1] if document.content.endswith(b"\x00") else document.content

    on_upload(server, change)


@fault("document-line-breaks", "DOC-001", "CRLF in documents becomes LF")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.content = document.content.replace(b"\r\n", b"\n")

    on_upload(server, change)


@fault("document-size", "DOC-002", "the size in a document reference is one too large")
def _(server: ReferenceServer) -> None:
    def change(body: Json) -> None:
        head, _, tail = body["documentUri"].partition("size=")
        size, _, rest = tail.partition(";")
        body["documentUri"] = f"{head}size={int(size) + 1};{rest}"

    on_answer(server, ["uploadProcessDocument"], change)


@fault("document-latest", "DOC-003", "every download gives the latest document of the process")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        answer: Answer = original()
        answer.content = [*process_of(server, id).documents.values()][-1].content
        return answer

    on_call(server, "downloadProcessDocument", download)


@fault("document-unknown-empty", "DOC-004", "an unknown document is downloaded as an empty one")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        try:
            answer: Answer = original()
        except Refused as refusal:
            if "document" in refusal.message and "uri=none" in query["documentUri"]:
                return Answer(content=b"", media_type="application/octet-stream")
            raise
        return answer

    on_call(server, "downloadProcessDocument", download)


@fault("document-any-process", "DOC-005", "a document can be downloaded through any process")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        server.platform.find(server.platform.processes, caller, id, "process")
        for process in server.platform.processes.visible(caller):
            try:
                return original(id=process.id)  # type: ignore[no-any-return]
            except Refused:
                continue
        answer: Answer = original()
        return answer

    on_call(server, "downloadProcessDocument", download)


@fault("document-linked-lost", "DOC-006", "a document that task data refer to is gone")
def _(server: ReferenceServer) -> None:
    def save(original: Any, caller: Principal, process: Process, row: Any, data: JsonValue, value: Json) -> None:
        original(caller, process, row, data, value)
        if isinstance(row, ProcessItem):
            for uri in [uri for uri, document in process.documents.items() if document.linked]:
                del process.documents[uri]

    around(server.platform, "save", save)


@fault("document-large-cut", "DOC-007", "documents are cut at 4 MiB")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.content = document.content[: 4 * 1024 * 1024]

    on_upload(server, change)


@fault("user-action-unknown", "DOC-008", "a document for an unknown user action is taken and dropped")
def _(server: ReferenceServer) -> None:
    def upload(original: Any, caller: Principal, id: str, query: Json, content: bytes) -> Answer:
        process = server.platform.find(server.platform.processes, caller, id, "process")
        if query["userActionValueId"].lower() not in process.user_actions and process.user_actions:
            return Answer(json=process.render())
        answer: Answer = original()
        return answer

    on_call(server, "uploadProcessUserActionDocument", upload)


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


@fault("patch-null-removes", "PAT-001", "a replacement by null removes")
def _(server: ReferenceServer) -> None:
    def change(op: Json) -> Json:
        if op["op"] == "replace" and op["path"] and op.get("value", 0) is None:
            return {"op": "remove", "path": op["path"]}
        return op

    on_patch(server, lambda ops: [change(op) for op in ops])


@fault("patch-add-replaces", "PAT-001", "adding at an index replaces what is there")
def _(server: ReferenceServer) -> None:
    def change(op: Json) -> Json:
        return {**op, "op": "replace"} if op["op"] == "add" and op["path"].endswith("/1") else op

    on_patch(server, lambda ops: [change(op) for op in ops])


@fault("patch-one-based", "PAT-001", "copies within a list go one place too far")
def _(server: ReferenceServer) -> None:
    def change(op: Json) -> Json:
        return {**op, "path": op["path"][:-1] + "1"} if op["op"] == "copy" and op["path"].endswith("/0") else op

    on_patch(server, lambda ops: [change(op) for op in ops])


@fault("patch-test-unordered", "PAT-002", "the test operation compares lists without their order")
def _(server: ReferenceServer) -> None:
    def patched(original: Any, value: Json, operations: list[Json]) -> Json:
        def loose(op: Json) -> bool:
            node: Any = value.get(op["path"][1:])
            wanted = op.get("value")
            if op["op"] != "test" or not isinstance(node, list) or not isinstance(wanted, list):
                return False
            return sorted(map(repr, node)) == sorted(map(repr, wanted))

        kept = [op for op in operations if not loose(op)]
        return original(value, kept) if kept else value

    around(server.platform, "patched", patched)


@fault("patch-refused-touches", "PAT-003", "a refused patch of an entity changes lastModifiedAt")
def _(server: ReferenceServer) -> None:
    def patch(original: Any, caller: Principal, id: str, body: list[Json]) -> Answer:
        try:
            answer: Answer = original()
        except Refused:
            if (process := server.platform.processes.get(caller, id)) is not None:
                server.platform.touch(caller, process.audit)
            raise
        return answer

    on_call(server, "patchProcessEntity", patch)


@fault("patch-base-stale", "PAT-001", "a second patch of an entity forgets the first one")
def _(server: ReferenceServer) -> None:
    saved: dict[str, Any] = {}

    def update(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        answer: Answer = original()
        saved[id.lower()] = copy.deepcopy(body["entity"]["value"])
        return answer

    def patch(original: Any, caller: Principal, id: str, body: list[Json]) -> Answer:
        process = process_of(server, id)
        before = process.entity.value
        process.entity.value = copy.deepcopy(saved.get(id.lower(), {}))
        try:
            answer: Answer = original()
        except Refused:
            process.entity.value = before
            raise
        return answer

    on_call(server, "updateProcessEntity", update)
    on_call(server, "patchProcessEntity", patch)


@fault("document-once", "DOC-001", "a document is gone once it was downloaded")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        answer: Answer = original()
        documents = process_of(server, id).documents
        gone = [uri for uri, document in documents.items() if document.content == answer.content]
        for uri in gone:
            del documents[uri]
        return answer

    on_call(server, "downloadProcessDocument", download)


@fault("document-plus", "DOC-002", "a plus in the name of a document becomes a space")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.name = document.name.replace("+", " ")

    on_upload(server, change)


@fault("document-type-fixed", "DOC-002", "every document is an application/octet-stream")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.content_type = "application/octet-stream"

    on_upload(server, change)


@fault("document-by-name", "DOC-003", "a document replaces the one with the same name")
def _(server: ReferenceServer) -> None:
    def store(original: Any, process: Process, query: Json, content: bytes) -> Document:
        document: Document = original(process, query, content)
        for other in process.documents.values():
            if other.name == document.name:
                other.content = content
        return document

    around(server.platform, "store_document", store)


@fault("user-action-untouched", "DOC-008", "a new document of a user action is answered with 304, and dropped")
def _(server: ReferenceServer) -> None:
    def upload(original: Any, caller: Principal, id: str, query: Json, content: bytes) -> Answer:
        process = server.platform.processes.get(caller, id)
        if process is not None and query["userActionValueId"].lower() in process.user_actions:
            return Answer(304)
        answer: Answer = original()
        return answer

    on_call(server, "uploadProcessUserActionDocument", upload)
