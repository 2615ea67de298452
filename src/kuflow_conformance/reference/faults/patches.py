"""Faults of JSON Patch that widely used libraries have, or had: pointers, indexes, null, equality."""

from __future__ import annotations

import re
from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around
from kuflow_conformance.reference.faults.json_patch import on_patch
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json
from kuflow_conformance.reference.operations import Refused


def each_path(server: ReferenceServer, change: Any) -> None:
    """Let `change(pointer)` rewrite every pointer of a patch."""

    def rewritten(op: Json) -> Json:
        return {**op, **{name: change(op[name]) for name in ("path", "from") if isinstance(op.get(name), str)}}

    on_patch(server, lambda operations: [rewritten(op) for op in operations])


def refuse(server: ReferenceServer, wrong: Any) -> None:
    """Refuse patches with an operation of which `wrong(value, operation)` says so, as it is reached."""

    def patched(original: Any, value: Json, operations: list[Json]) -> Json:
        for number, op in enumerate(operations):
            if wrong(original(value, operations[:number]) if number else value, op):
                raise Refused(400, "The patch does not apply")
        result: Json = original(value, operations)
        return result

    around(server.platform, "patched", patched)


def at(value: Any, pointer: str) -> Any:
    """What a pointer points to; an empty tuple where there is nothing."""
    for token in pointer.split("/")[1:]:
        name = token.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isdecimal() and int(name) < len(value):
            value = value[int(name)]
        else:
            return ()
    return value


@fault("patch-escape-order", "PAT-001", "~0 in a pointer is decoded before ~1")
def _(server: ReferenceServer) -> None:
    each_path(server, lambda pointer: pointer.replace("~01", "~1"))


@fault("patch-percent-decoded", "PAT-001", "percent signs in pointers are decoded")
def _(server: ReferenceServer) -> None:
    each_path(server, lambda pointer: pointer.replace("%41", "A").replace("%2F", "~1"))


@fault("patch-no-name", "PAT-001", "the pointer / means the whole document")
def _(server: ReferenceServer) -> None:
    each_path(server, lambda pointer: pointer.rstrip("/"))


@fault("patch-digits-refused", "PAT-001", "digits as a name in an object are taken for an index")
def _(server: ReferenceServer) -> None:
    refuse(
        server,
        lambda value, op: (
            re.search(r"/\d+$", op["path"]) is not None and isinstance(at(value, op["path"].rpartition("/")[0]), dict)
        ),
    )


@fault("patch-dash-refused", "PAT-001", "a dash as a name in an object is taken for the end of a list")
def _(server: ReferenceServer) -> None:
    refuse(
        server,
        lambda value, op: op["path"].endswith("/-") and isinstance(at(value, op["path"].rpartition("/")[0]), dict),
    )


@fault("patch-null-absent", "PAT-001", "a member that is null is taken for absent")
def _(server: ReferenceServer) -> None:
    refuse(
        server,
        lambda value, op: op["op"] in ("remove", "replace", "test") and op["path"] and at(value, op["path"]) is None,
    )


@fault("patch-null-source", "PAT-001", "null cannot be moved or copied")
def _(server: ReferenceServer) -> None:
    refuse(server, lambda value, op: op["op"] in ("move", "copy") and at(value, op["from"]) is None)


@fault("patch-false-absent", "PAT-001", "a member that is false, 0 or empty cannot be replaced")
def _(server: ReferenceServer) -> None:
    refuse(server, lambda value, op: op["op"] == "replace" and op["path"] and not at(value, op["path"]))


@fault("patch-index-10", "PAT-001", "indexes of two digits are refused")
def _(server: ReferenceServer) -> None:
    refuse(
        server,
        lambda value, op: (
            re.search(r"/\d\d+$", op["path"]) is not None and isinstance(at(value, op["path"].rpartition("/")[0]), list)
        ),
    )


@fault("patch-non-ascii", "PAT-001", "a pointer with letters beyond ASCII points to nothing")
def _(server: ReferenceServer) -> None:
    refuse(server, lambda value, op: not op["path"].isascii())


@fault("patch-copy-alias", "PAT-001", "a copy and its source are one thing")
def _(server: ReferenceServer) -> None:
    def patched(original: Any, value: Json, operations: list[Json]) -> Json:
        copied = [(op["from"], op["path"]) for op in operations if op["op"] == "copy"]
        again = [
            {**op, "path": source + op["path"][len(target) :]}
            for op in operations
            for source, target in copied
            if op["op"] == "replace" and op["path"].startswith(f"{target}/")
        ]
        result: Json = original(value, [*operations, *again])
        return result

    around(server.platform, "patched", patched)


@fault("patch-past-the-end", "PAT-004", "an addition beyond the end of a list goes to its end")
def _(server: ReferenceServer) -> None:
    def change(op: Json) -> Json:
        head, _, last = op["path"].rpartition("/")
        return {**op, "path": f"{head}/-"} if op["op"] == "add" and head.endswith("list") and last == "9" else op

    on_patch(server, lambda operations: [change(op) for op in operations])


@fault("patch-makes-parents", "PAT-004", "an addition below what is not there makes the objects in between")
def _(server: ReferenceServer) -> None:
    def patched(original: Any, value: Json, operations: list[Json]) -> Json:
        made = [
            {"op": "add", "path": op["path"].rpartition("/")[0], "value": {}}
            for op in operations
            if op["op"] == "add" and op["path"].startswith("/missing/") and "missing" not in value
        ]
        result: Json = original(value, [*made[:1], *operations])
        return result

    around(server.platform, "patched", patched)


@fault("patch-text-index", "PAT-008", "a pointer may go into the letters of a text")
def _(server: ReferenceServer) -> None:
    def change(op: Json) -> Json:
        into_text = op["op"] in ("copy", "move") and op.get("from", "").endswith("/text/0")
        return {"op": "add", "path": op["path"], "value": "o"} if into_text else op

    on_patch(server, lambda operations: [change(op) for op in operations])


@fault("patch-replace-adds", "PAT-004", "a replacement of what is not there adds it")
def _(server: ReferenceServer) -> None:
    def patched(original: Any, value: Json, operations: list[Json]) -> Json:
        def change(op: Json) -> Json:
            return {**op, "op": "add"} if op["op"] == "replace" and at(value, op["path"]) == () else op

        result: Json = original(value, [change(op) for op in operations])
        return result

    around(server.platform, "patched", patched)


@fault("patch-into-itself", "PAT-004", "an object is moved into itself, and is gone")
def _(server: ReferenceServer) -> None:
    def change(op: Json) -> Json:
        own = op["op"] == "move" and op["path"].startswith(f"{op['from']}/") and op["from"]
        return {"op": "remove", "path": op["from"]} if own else op

    on_patch(server, lambda operations: [change(op) for op in operations])


@fault("patch-leading-zeros", "PAT-008", "leading zeros of an index are passed over")
def _(server: ReferenceServer) -> None:
    each_path(server, lambda pointer: re.sub(r"(?<=/list/)0+(?=\d)", "", pointer))


@fault("patch-negative-index", "PAT-008", "the index -1 means the last element")
def _(server: ReferenceServer) -> None:
    each_path(server, lambda pointer: re.sub(r"(?<=/list/)-1$", "2", pointer))


@fault("patch-missing-null", "PAT-008", "what is not there is equal to null")
def _(server: ReferenceServer) -> None:
    def patched(original: Any, value: Json, operations: list[Json]) -> Json:
        def passes(op: Json) -> bool:
            return op["op"] == "test" and op.get("value", 0) is None and at(value, op["path"]) == ()

        kept = [op for op in operations if not passes(op)]
        result: Json = original(value, kept) if kept else value
        return result

    around(server.platform, "patched", patched)


@fault("patch-numbers-as-written", "PAT-009", "the test operation tells 1 from 1.0")
def _(server: ReferenceServer) -> None:
    def otherwise(value: Json, op: Json) -> bool:
        there = at(value, op["path"])
        return op["op"] == "test" and type(there) is not type(op.get("value")) and there == op.get("value")

    refuse(server, otherwise)


@fault("patch-equal-case", "PAT-002", "the test operation takes no notice of case")
def _(server: ReferenceServer) -> None:
    def patched(original: Any, value: Json, operations: list[Json]) -> Json:
        def passes(op: Json) -> bool:
            there, wanted = at(value, op["path"]), op.get("value")
            return op["op"] == "test" and isinstance(there, str) and there.lower() == str(wanted).lower()

        kept = [op for op in operations if not passes(op)]
        result: Json = original(value, kept) if kept else value
        return result

    around(server.platform, "patched", patched)


@fault("patch-equal-part", "PAT-002", "the test operation is content with a part of an object")
def _(server: ReferenceServer) -> None:
    def patched(original: Any, value: Json, operations: list[Json]) -> Json:
        def passes(op: Json) -> bool:
            there, wanted = at(value, op["path"]), op.get("value")
            if op["op"] != "test" or not isinstance(there, dict) or not isinstance(wanted, dict):
                return False
            return all(name in there and there[name] == part for name, part in wanted.items())

        kept = [op for op in operations if not passes(op)]
        result: Json = original(value, kept) if kept else value
        return result

    around(server.platform, "patched", patched)
