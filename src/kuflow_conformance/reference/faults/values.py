"""Faults of values and texts: what is lost on one way in, or because it looks like something else."""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call
from kuflow_conformance.reference.faults.documents import on_upload
from kuflow_conformance.reference.faults.json_values import on_save, on_texts, rendered
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Document, Json, JsonValue, Principal
from kuflow_conformance.reference.operations import Answer, Refused

Change = Callable[[Any], Any]


def on_creation(server: ReferenceServer, part: str, change: Change) -> None:
    """Let `change` rewrite the value that a creation brings: ``metadata``, ``task`` or ``message``."""

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        parent = body if part == "metadata" else body.get(part) or {}
        data = parent.get("metadata" if part == "metadata" else "data")
        if not data:
            answer: Answer = original()
            return answer
        changed = {**data, "value": change(data["value"])}
        if part == "metadata":
            return original(body={**body, "metadata": changed})  # type: ignore[no-any-return]
        return original(body={**body, part: {**parent, "data": changed}})  # type: ignore[no-any-return]

    on_call(server, "createProcess" if part == "metadata" else "createProcessItem", create)


def on_patched(server: ReferenceServer, operation_id: str, change: Change) -> None:
    """Let `change` rewrite the values that the operations of a patch bring."""

    def patch(original: Any, caller: Principal, id: str, body: list[Json]) -> Answer:
        answer: Answer = original(body=[{**op, "value": change(op["value"])} if "value" in op else op for op in body])
        return answer

    on_call(server, operation_id, patch)


def without_nulls(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: without_nulls(part) for name, part in node.items() if part is not None}
    return [without_nulls(part) for part in node] if isinstance(node, list) else node


def without_empties(node: Any) -> Any:
    if isinstance(node, dict):
        return {name: without_empties(part) for name, part in node.items() if part not in ({}, [], "")}
    return [without_empties(part) for part in node] if isinstance(node, list) else node


def on_scalars(node: Any, change: Change) -> Any:
    if isinstance(node, dict):
        return {name: on_scalars(part, change) for name, part in node.items()}
    return [on_scalars(part, change) for part in node] if isinstance(node, list) else change(node)


def on_lists(node: Any, change: Change) -> Any:
    if isinstance(node, dict):
        return {name: on_lists(part, change) for name, part in node.items()}
    return change([on_lists(part, change) for part in node]) if isinstance(node, list) else node


def on_objects(node: Any, change: Change) -> Any:
    if isinstance(node, dict):
        return change({name: on_objects(part, change) for name, part in node.items()})
    return [on_objects(part, change) for part in node] if isinstance(node, list) else node


# One way in


@fault("created-without-nulls", "JSV-008", "null members of metadata are dropped at creation only")
def _(server: ReferenceServer) -> None:
    on_creation(server, "metadata", without_nulls)


@fault("created-without-empties", "JSV-008", "empty members of task data are dropped at creation only")
def _(server: ReferenceServer) -> None:
    on_creation(server, "task", without_empties)


@fault("message-data-without-nulls", "JSV-008", "null members of the data of messages are dropped")
def _(server: ReferenceServer) -> None:
    on_creation(server, "message", without_nulls)


@fault("patched-without-nulls", "JSV-008", "nulls within values that a patch of an entity brings are dropped")
def _(server: ReferenceServer) -> None:
    on_patched(server, "patchProcessEntity", without_nulls)


@fault("put-without-empties", "JSV-008", "empty members of an entity are dropped by PUT")
def _(server: ReferenceServer) -> None:
    def update(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        answer: Answer = original(body={"entity": {"value": without_empties(body["entity"]["value"])}})
        return answer

    on_call(server, "updateProcessEntity", update)


# What looks like something else

_DATE_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?([+-]\d\d:\d\d|Z)")


def _in_utc(text: str) -> str:
    try:
        moment = datetime.fromisoformat(text) if _DATE_TIME.fullmatch(text) else None
        return moment.astimezone(UTC).isoformat().replace("+00:00", "Z") if moment else text
    except (ValueError, OverflowError):
        return text


@fault("timestamps-rewritten", "JSV-008", "timestamps in saved data are rewritten in UTC")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_texts(value, _in_utc))


@fault("dates-completed", "JSV-008", "dates in metadata become timestamps at creation")
def _(server: ReferenceServer) -> None:
    def complete(text: str) -> str:
        return f"{text}T00:00:00Z" if re.fullmatch(r"\d{4}-\d\d-\d\d", text) else text

    on_creation(server, "metadata", lambda value: on_texts(value, complete))


@fault("digits-into-lists", "JSV-008", "objects with only digits as names become lists")
def _(server: ReferenceServer) -> None:
    def as_list(node: Json) -> Any:
        return [*node.values()] if node and all(name.isdecimal() for name in node) else node

    on_save(server, lambda value: {name: on_objects(part, as_list) for name, part in value.items()})


@fault("numbers-from-text", "JSV-008", "texts of digits in task data become numbers")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_texts(value, lambda text: int(text) if re.fullmatch(r"[1-9]\d*", text) else text))


@fault("words-from-text", "JSV-008", "the texts true and false become booleans")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_texts(value, lambda text: {"true": True, "false": False}.get(text, text)))


@fault("empty-text-null", "JSV-008", "empty texts become null")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_texts(value, lambda text: text or None))


@fault("ids-lower-cased-in-data", "JSV-008", "UUIDs in saved data are written in lower case")
def _(server: ReferenceServer) -> None:
    uuid = re.compile(r"[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
    on_save(server, lambda value: on_texts(value, lambda text: text.lower() if uuid.fullmatch(text) else text))


@fault("percent-decoded", "JSV-008", "percent signs in saved data are decoded")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_texts(value, unquote))


@fault("line-breaks-in-data", "JSV-008", "CRLF in saved data becomes LF")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_texts(value, lambda text: text.replace("\r\n", "\n")))


@fault("texts-cut", "JSV-008", "texts in saved data are cut at 65,535 characters")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_texts(value, lambda text: text[:65_535]))


@fault("beyond-sixteen-bits", "JSV-008", "characters beyond U+FFFF become question marks")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_texts(value, lambda text: re.sub("[\U00010000-\U0010ffff]", "?", text)))


@fault("single-unwrapped", "JSV-008", "lists of one element become the element")
def _(server: ReferenceServer) -> None:
    on_save(server, lambda value: on_lists(value, lambda parts: parts[0] if len(parts) == 1 else parts))


@fault("lists-distinct", "JSV-008", "equal elements of lists are kept once")
def _(server: ReferenceServer) -> None:
    on_save(
        server,
        lambda value: on_lists(
            value, lambda parts: [p for n, p in enumerate(parts) if repr(p) not in map(repr, parts[:n])]
        ),
    )


@fault("names-lower-cased", "JSV-008", "of names that differ in case only, one is kept")
def _(server: ReferenceServer) -> None:
    def one_of_each(node: Json) -> Json:
        return {name: part for name, part in node.items() if name == name.lower() or name.lower() not in node}

    on_save(server, lambda value: on_objects(value, one_of_each))


@fault("names-dotted", "JSV-008", "a dot in a name makes a nested object")
def _(server: ReferenceServer) -> None:
    def nested(node: Json) -> Json:
        result: Json = {}
        for name, part in node.items():
            head, dot, tail = name.partition(".")
            if dot and head and tail:
                result[head] = {**(result[head] if isinstance(result.get(head), dict) else {}), tail: part}
            else:
                result[name] = part
        return result

    on_save(server, lambda value: on_objects(value, nested))


@fault("numbers-single", "JSV-008", "numbers with a fraction are kept in 32 bits")
def _(server: ReferenceServer) -> None:
    def single(number: Any) -> Any:
        if not isinstance(number, float) or abs(number) > 1e38:
            return number
        return struct.unpack("f", struct.pack("f", number))[0]

    on_save(server, lambda value: on_scalars(value, single))


@fault("integers-wrap", "JSV-008", "integers beyond 32 bits wrap around")
def _(server: ReferenceServer) -> None:
    def wrapped(number: Any) -> Any:
        whole = isinstance(number, int) and not isinstance(number, bool)
        return (number + 2**31) % 2**32 - 2**31 if whole else number

    on_save(server, lambda value: on_scalars(value, wrapped))


@fault("infinity", "SCH-001", "1e400 is saved, and answered as Infinity")
def _(server: ReferenceServer) -> None:
    import json

    def read_body(original: Any, operation: Any, media_type: str, content: bytes) -> Any:
        if b"e400" not in content:
            return original(operation, media_type, content)
        body = json.loads(content)
        server.check_body(operation, media_type, body)
        return body

    around(server, "read_body", read_body)


# Texts


def on_message(server: ReferenceServer, change: Change) -> None:
    def new_message(original: Any, body: Json | None) -> Any:
        return original({**body, "text": change(body["text"])} if body and body.get("text") else body)

    around(server.platform, "new_message", new_message)


@fault("message-cut", "ITM-004", "the text of a message is cut at 64 characters")
def _(server: ReferenceServer) -> None:
    on_message(server, lambda text: text[:64])


@fault("message-text-trimmed", "ITM-004", "spaces around the text of a message are lost")
def _(server: ReferenceServer) -> None:
    on_message(server, str.strip)


def on_log(server: ReferenceServer, change: Change) -> None:
    def append(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        answer: Answer = original(body={**body, "message": change(body["message"])})
        return answer

    on_call(server, "appendProcessItemTaskLog", append)


@fault("log-cut-4096", "LOG-001", "messages in a log are cut at 4,096 characters")
def _(server: ReferenceServer) -> None:
    on_log(server, lambda text: text[:4096])


@fault("log-line", "LOG-001", "CRLF in a log becomes LF")
def _(server: ReferenceServer) -> None:
    on_log(server, lambda text: text.replace("\r\n", "\n"))


@fault("document-name-lower-cased", "DOC-002", "names of documents are written in lower case")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.name = document.name.lower()

    on_upload(server, change)


@fault("document-name-cut", "DOC-002", "names of documents are cut at 100 characters")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.name = document.name[:100]

    on_upload(server, change)


@fault("document-type-cut", "DOC-002", "types of documents are cut at 64 characters")
def _(server: ReferenceServer) -> None:
    def change(document: Document) -> None:
        document.content_type = document.content_type[:64]

    on_upload(server, change)


@fault("worker-types-sorted", "WRK-003", "the workflow types of a worker are sorted")
def _(server: ReferenceServer) -> None:
    def change(body: Json) -> None:
        if "workflowTypes" in body:
            body["workflowTypes"] = sorted(body["workflowTypes"])

    on_answer(server, ["createWorker"], change)


@fault("worker-queue-trimmed", "WRK-003", "spaces around the task queue of a worker are lost")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["createWorker"], lambda body: {**body, "taskQueue": body["taskQueue"].strip()})


@fault("lengths-in-units", "WRK-006", "lengths are counted in units of UTF-16")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        if any(isinstance(part, str) and len(part.encode("utf-16-le")) > 2 * 255 for part in body.values()):
            raise Refused(400, "too long")
        answer: Answer = original()
        return answer

    on_call(server, "createWorker", create)


# Errors that point


def on_pointers(server: ReferenceServer, change: Callable[[str], str]) -> None:
    def shown(value: JsonValue, rendered: Json) -> Json:
        errors = [{**error, "propertyPath": change(error["propertyPath"])} for error in rendered.get("errors", ())]
        return {**rendered, "errors": errors} if errors else rendered

    rendered(server, shown)


@fault("pointer-without-index", "JSV-005", "the propertyPath of errors leaves out the indexes of lists")
def _(server: ReferenceServer) -> None:
    on_pointers(server, lambda pointer: re.sub(r"/\d+(?=/|$)", "", pointer))


@fault("pointer-from-one", "JSV-005", "the indexes in the propertyPath of errors count from one")
def _(server: ReferenceServer) -> None:
    on_pointers(server, lambda pointer: re.sub(r"/(\d+)(?=/|$)", lambda match: f"/{int(match[1]) + 1}", pointer))


@fault("pointer-unescaped", "JSV-005", "slashes and tildes in the propertyPath of errors are not escaped")
def _(server: ReferenceServer) -> None:
    on_pointers(server, lambda pointer: pointer.replace("~1", "/").replace("~0", "~"))


@fault("pointer-last-only", "JSV-005", "the propertyPath of errors has the last name only")
def _(server: ReferenceServer) -> None:
    on_pointers(server, lambda pointer: "/" + pointer.rpartition("/")[2])


@fault("pointer-with-value", "JSV-005", "the propertyPath of errors begins with the name of the property value")
def _(server: ReferenceServer) -> None:
    on_pointers(server, lambda pointer: f"/value{pointer}")


@fault("pointer-stale", "JSV-005", "the errors of an entity are those of the first invalid value")
def _(server: ReferenceServer) -> None:
    first: dict[int, list[Json]] = {}

    def change(value: JsonValue, shown: Json) -> Json:
        if "customer" not in value.schema.get("properties", {}) or "errors" not in shown:
            return shown
        return {**shown, "errors": first.setdefault(id(value), shown["errors"])}

    rendered(server, change)
