"""Legal rules for everything else: what there is on a server, what it refuses, how it keeps things."""

from __future__ import annotations

import ipaddress
import json
import re
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call, refuse_if
from kuflow_conformance.reference.model import Json, JsonValue, Principal
from kuflow_conformance.reference.operations import Answer, Refused, Store
from kuflow_conformance.reference.variations.answers import every_response, refused_with
from kuflow_conformance.reference.variations.table import NO_CODES, OPTIONAL, SILENT, WRITING, variation


@variation("other-rows", "others start and end processes all the time", "a server has more than one client")
def _(server: ReferenceServer) -> None:
    platform, tenant = server.platform, server.tenants[0]

    def work() -> None:
        body = {"processDefinitionId": tenant.definition.id, "metadata": {"value": {"reference": "OTHER"}}}
        while True:
            created = platform.create_process(tenant.application, dict(body)).json or {}
            item = {"type": "TASK", "processId": created["id"], "task": {"taskDefinitionCode": "PAY"}}
            platform.create_process_item(tenant.application, item)
            time.sleep(0.05)
            platform.cancel_process(tenant.application, created["id"])

    threading.Thread(target=work, daemon=True).start()


@variation("no-robots", "the tenant has no robots", SILENT)
def _(server: ReferenceServer) -> None:
    server.platform.robots = Store()


@variation("nothing-yet", "nobody has started a process yet", SILENT)
def _(server: ReferenceServer) -> None:
    processes = server.platform.processes
    for key, process in list(processes.rows.items()):
        if not process.user_actions:
            processes.remove(key)
    server.platform.items = Store()


@variation("webforms-off", "web forms are not switched on", "they have to be asked for")
def _(server: ReferenceServer) -> None:
    refuse_if(
        server,
        "downloadProcessItemTaskDataWebformsAsDocument",
        lambda caller, **arguments: True,
        403,
        "Web forms are not switched on",
    )


@variation(
    "sizes-limited", "log messages of more than 1,000 characters and data of more than 4,000 are too large", SILENT
)
def _(server: ReferenceServer) -> None:
    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        limit = 1000 if operation.id == "appendProcessItemTaskLog" else 4000
        if len(json.dumps(body, ensure_ascii=False)) > limit:
            raise Refused(413, f"The body has more than {limit} characters")
        original(operation, media_type, body)

    around(server, "check_body", check)


@variation("hash-unknown", "contentHash is a checksum of KuFlow's own", "the documentation names no hash")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["retrieveRobot"], lambda body: body["sourceFile"].update(contentHash="crc:1234"))


@variation("user-action-always-200", "the same document of a user action is saved again", "200 is documented as well")
def _(server: ReferenceServer) -> None:
    def upload(original: Any, caller: Principal, id: str, query: Json, content: bytes) -> Answer:
        answer: Answer = original()
        return (
            answer
            if answer.status == 200
            else Answer(json=server.platform.find(server.platform.processes, caller, id, "").render())
        )

    on_call(server, "uploadProcessUserActionDocument", upload)


@variation("lenient", "null stands for absent, and ids may lack their hyphens", SILENT)
def _(server: ReferenceServer) -> None:
    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        if isinstance(body, dict):
            for key in [key for key, value in body.items() if value is None]:
                del body[key]
        original(operation, media_type, body)

    around(server, "check_body", check)
    bare = re.compile(r"[0-9a-fA-F]{32}")

    def read_id(original: Any, operation: Operation, value: str) -> str:
        return str(uuid.UUID(value)) if bare.fullmatch(value) else original(operation, value)

    around(server, "read_id", read_id)


@variation("errors-without-path", "the errors of JSON values have only a type", OPTIONAL)
def _(server: ReferenceServer) -> None:
    def render(value: JsonValue) -> Json:
        rendered = honest(value)
        if "errors" in rendered:
            rendered["errors"] = [{"type": error["type"]} for error in rendered["errors"]]
        return rendered

    honest = JsonValue.render
    JsonValue.render = render  # type: ignore[method-assign, assignment]


@variation("errors-always", "valid JSON values have an empty list of errors", OPTIONAL)
def _(server: ReferenceServer) -> None:
    honest = JsonValue.render
    JsonValue.render = lambda value: {"errors": [], **honest(value)}  # type: ignore[method-assign, assignment]


@variation("escaped-json", "JSON is indented and escapes all but ASCII", "RFC 8259 allows it")
def _(server: ReferenceServer) -> None:
    import json

    def change(response: Response) -> Response:
        if response.headers.get("Content-Type") != "application/json":
            return response
        body = json.dumps(json.loads(bytes(response.body)), indent=2).encode()
        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return Response(body, response.status_code, headers)

    every_response(server, change)


@variation(
    "references-reordered",
    "the parts of document references come in another order, and there are more",
    "the order is not promised",
)
def _(server: ReferenceServer) -> None:
    from kuflow_conformance.reference.model import Document

    honest = Document.reference

    def reference(document: Document) -> str:
        parts = honest(document).removeprefix("kuflow-file:").strip(";").split(";")
        return "kuflow-file:" + ";".join([*parts[::-1], "original-name=x"]) + ";"

    Document.reference = reference  # type: ignore[method-assign, assignment]


@variation(
    "refusal-404-for-401", "wrong credentials are refused with 404, as if there were nothing", NO_CODES, "AUT-009"
)
def _(server: ReferenceServer) -> None:
    refused_with(server, {401: 404})


def _claims_to_be_valid(node: Any) -> bool:
    if isinstance(node, dict):
        return ("value" in node and ("valid" in node or "errors" in node)) or any(
            map(_claims_to_be_valid, node.values())
        )
    return False


@variation(
    "read-only-refused", "bodies with read-only properties are refused", "the schema says that they are read-only"
)
def _(server: ReferenceServer) -> None:
    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        if _claims_to_be_valid(body):
            raise Refused(400, "valid and errors are read-only")
        original(operation, media_type, body)

    around(server, "check_body", check)


@variation("invalid-creation-refused", "nothing is created with invalid data", SILENT)
def _(server: ReferenceServer) -> None:
    def refuse(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original()
        shown = answer.json or {}
        values = (shown.get("metadata"), shown.get("task", {}).get("data"))
        if answer.status == 201 and any(value and value["value"] and not value["valid"] for value in values):
            for store in (server.platform.processes, server.platform.items):
                if shown["id"].lower() in store.rows:
                    store.remove(shown["id"])
            raise Refused(400, "The data are invalid")
        return answer

    for operation_id in ("createProcess", "createProcessItem"):
        on_call(server, operation_id, refuse)


@variation("empty-document-refused", "a document without content is refused", "the body is required")
def _(server: ReferenceServer) -> None:
    def store(original: Any, process: Any, query: Json, content: bytes) -> Any:
        if not content:
            raise Refused(400, "The document is empty")
        return original(process, query, content)

    around(server.platform, "store_document", store)


@variation("message-data-refused", "messages take data only for a data structure", SILENT)
def _(server: ReferenceServer) -> None:
    def new_message(original: Any, body: Json | None) -> Any:
        if body and body.get("data") and not body.get("dataStructureDataDefinitionCode"):
            raise Refused(400, "Name the data structure")
        return original(body)

    around(server.platform, "new_message", new_message)


@variation("addresses-checked", "the ip of a worker has to be an address", SILENT)
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        try:
            ipaddress.ip_address(body["ip"])
        except ValueError as error:
            raise Refused(400, str(error)) from error
        answer: Answer = original()
        return answer

    on_call(server, "createWorker", create)


@variation("clock-coarse", "the server keeps its times in whole seconds", WRITING)
def _(server: ReferenceServer) -> None:
    server.platform.now = lambda: datetime.now(UTC).replace(microsecond=0)  # type: ignore[method-assign]


@variation("login-limited", "after three wrong passwords in a row, more are answered 429", "RFC 6585 section 4")
def _(server: ReferenceServer) -> None:
    wrong = [0]

    def authenticate(original: Any, operation: Operation, header: str) -> Any:
        try:
            caller = original(operation, header)
        except Refused as refusal:
            wrong[0] += 1
            if wrong[0] > 3:
                raise Refused(429, "Too many attempts") from refusal
            raise
        wrong[0] = 0
        return caller

    around(server, "authenticate", authenticate)


@variation("doubles", "numbers are kept as binary floating point, of 64 bits", "RFC 8259 section 6")
def _(server: ReferenceServer) -> None:
    def double(value: Any) -> Any:
        if isinstance(value, dict):
            return {key: double(item) for key, item in value.items()}
        if isinstance(value, list):
            return [double(item) for item in value]
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value

    def save(original: Any, caller: Principal, process: Any, row: Any, data: Any, value: Json) -> None:
        original(caller, process, row, data, double(value))

    around(server.platform, "save", save)
