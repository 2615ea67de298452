"""Faults of JSON Patch: what is done, what is refused, and what is left afterwards."""

from __future__ import annotations

import copy
from typing import Any

import jsonpatch

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_call
from kuflow_conformance.reference.faults.processes import item_of, process_of
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal
from kuflow_conformance.reference.operations import Answer, Refused


def on_patch(server: ReferenceServer, change: Any) -> None:
    """Let `change(operations)` rewrite the operations of a patch."""
    around(server.platform, "patched", lambda original, value, operations: original(value, change(operations)))


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
