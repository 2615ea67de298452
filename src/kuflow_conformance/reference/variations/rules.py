"""Legal rules: what the documentation leaves to a server."""

from __future__ import annotations

import copy
import ipaddress
import json
import random
import re
import threading
import time
import uuid
from datetime import UTC, datetime
from typing import Any

from starlette.responses import Response

from kuflow_conformance.openapi import Operation
from kuflow_conformance.reference import platform
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call
from kuflow_conformance.reference.model import Json, JsonValue, Principal
from kuflow_conformance.reference.platform import Answer, Refused, Store
from kuflow_conformance.reference.variations.answers import every_json, every_response, refused_with
from kuflow_conformance.reference.variations.table import NO_CODES, OPTIONAL, SILENT, WRITING, variation


@variation("default-order", "lists that were asked for no order come newest first", SILENT)
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        if "sort" not in query and "createdAt" in sorting:
            query = {**query, "sort": ["createdAt,desc"]}
        answer: Answer = original(rows, query, sorting)
        return answer

    around(server.platform, "page", page)


@variation("order-random", "lists that were asked for no order come in another order each time", SILENT)
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        rows = list(rows)
        random.shuffle(rows)
        answer: Answer = original(rows, query, sorting)
        return answer

    around(server.platform, "page", page)


@variation("ids-by-last-group", "sorting by id goes by the last group of digits first, as in SQL Server", SILENT)
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        if "id" in sorting:
            sorting = {**sorting, "id": lambda row: "".join(reversed(row.id.lower().split("-")))}
        answer: Answer = original(rows, query, sorting)
        return answer

    around(server.platform, "page", page)


@variation(
    "size-zero", "a page of size 0 says one page in all", "no arithmetic says how many pages of no rows there are"
)
def _(server: ReferenceServer) -> None:
    around(server.platform, "total_pages", lambda original, total, size: original(total, size) if size else 1)


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


@variation("many-rows", "there are thousands of processes", "nothing limits how many there are")
def _(server: ReferenceServer) -> None:
    tenant = server.tenants[0]
    for _ in range(3000):
        server.platform.create_process(tenant.application, {"processDefinitionId": tenant.definition.id})


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
    def off(original: Any, caller: Principal, **arguments: Any) -> Answer:
        raise Refused(403, "Web forms are not switched on")

    on_call(server, "downloadProcessItemTaskDataWebformsAsDocument", off)


@variation("log-bound-10", "a log holds ten entries", SILENT)
def _(server: ReferenceServer) -> None:
    platform.LOG_BOUND = 10


@variation("log-bound-1000", "a log holds a thousand entries", SILENT)
def _(server: ReferenceServer) -> None:
    platform.LOG_BOUND = 1000


@variation("log-newest-first", "a log shows its newest entry first", SILENT)
def _(server: ReferenceServer) -> None:
    def change(status: int, body: Any) -> Any:
        task = body.get("task")
        if isinstance(task, dict) and "logs" in task:
            return {**body, "task": {**task, "logs": task["logs"][::-1]}}
        return body

    every_json(server, change)


@variation("assign-keeps-ready", "an assigned task is still READY", SILENT)
def _(server: ReferenceServer) -> None:
    def assign(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        item, _ = server.platform.active_task_of(caller, id)
        owner = server.platform.principal_named(caller, body, "owner")
        if owner is None:
            raise Refused(400, "Name the owner")
        item.owner_id = owner.id
        server.platform.touch(caller, item.audit)
        return Answer(json=item.render())

    on_call(server, "assignProcessItemTask", assign)


@variation("claim-again", "claiming a task that the caller has claimed takes no action", SILENT)
def _(server: ReferenceServer) -> None:
    def claim(original: Any, caller: Principal, id: str) -> Answer:
        item, task = server.platform.task_of(caller, id)
        if task.state == "CLAIMED" and item.owner_id == caller.id:
            return Answer(json=item.render())
        answer: Answer = original()
        return answer

    on_call(server, "claimProcessItemTask", claim)


@variation("complete-unclaimed", "a READY task can be completed at once", SILENT)
def _(server: ReferenceServer) -> None:
    def complete(original: Any, caller: Principal, id: str) -> Answer:
        _, task = server.platform.task_of(caller, id)
        if task.state == "READY":
            server.platform.claim_process_item_task(caller, id)
        answer: Answer = original()
        return answer

    on_call(server, "completeProcessItemTask", complete)


@variation("complete-needs-valid", "a task with invalid data cannot be completed", SILENT)
def _(server: ReferenceServer) -> None:
    def complete(original: Any, caller: Principal, id: str) -> Answer:
        _, task = server.platform.task_of(caller, id)
        if not task.data.render()["valid"]:
            raise Refused(409, "The data is invalid")
        answer: Answer = original()
        return answer

    on_call(server, "completeProcessItemTask", complete)


@variation("end-needs-no-items", "a process with open tasks cannot be completed", SILENT)
def _(server: ReferenceServer) -> None:
    def complete(original: Any, caller: Principal, id: str) -> Answer:
        items = server.platform.items.visible(caller)
        if any(i.process_id == id and i.task and i.task.state in platform.ACTIVE_TASK_STATES for i in items):
            raise Refused(409, "There are open tasks")
        answer: Answer = original()
        return answer

    on_call(server, "completeProcess", complete)


@variation("end-over", "a completed process can be cancelled", SILENT)
def _(server: ReferenceServer) -> None:
    around(
        server.platform,
        "running",
        lambda original, process: process if process.state == "COMPLETED" else original(process),
    )


@variation(
    "claim-forbidden", "the credentials may not claim tasks: they are no candidate", "task definitions name candidates"
)
def _(server: ReferenceServer) -> None:
    def claim(original: Any, caller: Principal, id: str) -> Answer:
        raise Refused(403, "Not a candidate")

    on_call(server, "claimProcessItemTask", claim)


@variation("only-the-owner", "data and log of a task can be changed only by who has claimed it", SILENT)
def _(server: ReferenceServer) -> None:
    def change(original: Any, caller: Principal, id: str, **arguments: Any) -> Answer:
        item = server.platform.items.get(caller, id)
        if item is not None and item.task and (item.task.state != "CLAIMED" or item.owner_id != caller.id):
            raise Refused(403, "The task is not claimed by the caller")
        answer: Answer = original()
        return answer

    for operation_id in ("updateProcessItemTaskData", "patchProcessItemTaskData", "appendProcessItemTaskLog"):
        on_call(server, operation_id, change)


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


@variation("owners-limited", "only applications may own tasks", "task definitions name candidates")
def _(server: ReferenceServer) -> None:
    def named(original: Any, caller: Principal, body: Json, prefix: str) -> Principal | None:
        found: Principal | None = original(caller, body, prefix)
        if prefix == "owner" and found is not None and found.type == "USER":
            raise Refused(403, "Not a candidate")
        return found

    around(server.platform, "principal_named", named)


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


@variation("foreign-tenant-refused", "a filter by a tenant without access is refused", NO_CODES)
def _(server: ReferenceServer) -> None:
    def handle(original: Any, operation: Operation, raw: Any) -> Json:
        query: Json = original(operation, raw)
        own = {tenant.id for tenant in server.tenants}
        if any(value.lower() not in own for value in query.get("tenantId", ())):
            raise Refused(403, "No access to this tenant")
        return query

    around(server, "read_query", handle)


@variation("beyond-the-end-refused", "a page beyond the end is refused", NO_CODES)
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        answer: Answer = original(rows, query, sorting)
        assert answer.json is not None
        if query.get("page", 0) > max(0, answer.json["metadata"]["totalPages"]) and query.get("size", 25):
            raise Refused(404, "There is no such page")
        return answer

    around(server.platform, "page", page)


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


@variation("log-bound-5", "a log holds five entries", SILENT)
def _(server: ReferenceServer) -> None:
    platform.LOG_BOUND = 5


@variation("finished-no-action", "claiming, assigning and completing finished tasks succeed, and do nothing", SILENT)
def _(server: ReferenceServer) -> None:
    def unless_finished(original: Any, caller: Principal, id: str, **arguments: Any) -> Answer:
        item, task = server.platform.task_of(caller, id)
        if task.state in ("COMPLETED", "CANCELLED"):
            return Answer(json=item.render())
        answer: Answer = original()
        return answer

    for operation_id in ("claimProcessItemTask", "completeProcessItemTask"):
        on_call(server, operation_id, unless_finished)


@variation("claim-any-no-action", "claiming a task that somebody has claimed succeeds, and does nothing", SILENT)
def _(server: ReferenceServer) -> None:
    def claim(original: Any, caller: Principal, id: str) -> Answer:
        item, task = server.platform.task_of(caller, id)
        if task.state == "CLAIMED":
            return Answer(json=item.render())
        answer: Answer = original()
        return answer

    on_call(server, "claimProcessItemTask", claim)


@variation("claim-takes-over", "claiming a task that somebody has claimed makes the caller its owner", SILENT)
def _(server: ReferenceServer) -> None:
    def claim(original: Any, caller: Principal, id: str) -> Answer:
        item, task = server.platform.task_of(caller, id)
        if task.state == "CLAIMED" and item.owner_id != caller.id:
            task.state = "READY"
        answer: Answer = original()
        return answer

    on_call(server, "claimProcessItemTask", claim)


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


@variation("rows-minimal", "the rows of lists have only their required properties", OPTIONAL)
def _(server: ReferenceServer) -> None:
    optional = {
        "createdBy",
        "createdAt",
        "lastModifiedBy",
        "lastModifiedAt",
        "ownerId",
        "message",
        "description",
    }

    def render(original: Any, row: Any) -> Json:
        return {key: value for key, value in original(row).items() if key not in optional}

    around(server.platform, "render_row", render)


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


@variation("nulls-last", "items that were never claimed come after those that were, in either direction", SILENT)
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        names = [criterion.partition(",") for criterion in query.get("sort", ())]
        moments = {"claimedAt": "claimed_at", "completedAt": "completed_at", "cancelledAt": "cancelled_at"}
        if len(names) == 1 and names[0][0] in moments:
            name, _, direction = names[0]
            never = datetime.min if direction == "desc" else datetime.max
            attribute = moments[name]
            sorting = {
                **sorting,
                name: lambda row: getattr(row.task, attribute, None) or never.replace(tzinfo=UTC),
            }
        answer: Answer = original(rows, query, sorting)
        return answer

    around(server.platform, "page", page)


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


@variation("ended-open", "the data of processes that have ended can still be changed", SILENT)
def _(server: ReferenceServer) -> None:
    ends = ("completeProcess", "cancelProcess")
    honest = server.platform.running

    def execute(original: Any, operation: Operation, caller: Any, arguments: Json) -> Answer:
        server.platform.running = honest if operation.id in ends else lambda process: process  # type: ignore[method-assign]
        answer: Answer = original(operation, caller, arguments)
        return answer

    around(server, "execute", execute)


@variation("lists-lag", "lists of processes and items are up to a quarter of a second old", SILENT)
def _(server: ReferenceServer) -> None:
    known: dict[tuple[int, str], tuple[float, list[Any]]] = {}

    def frozen(row: Any) -> Any:
        row = copy.copy(row)
        row.audit = copy.copy(row.audit)
        if hasattr(row, "task"):
            row.task = copy.copy(row.task)
        return row

    def listed(original: Any, store: Any, caller: Principal, query: Json) -> list[Any]:
        rows: list[Any] = original(store, caller, query)
        if store is not server.platform.processes and store is not server.platform.items:
            return rows
        key = (id(store), caller.tenant_id)
        if key not in known or time.monotonic() - known[key][0] > 0.25:
            known[key] = time.monotonic(), [frozen(row) for row in rows]
        return known[key][1] if rows else rows

    around(server.platform, "listed", listed)


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


@variation(
    "rate-limited-silently", "one request in a hundred is answered 429, and no more is said", "RFC 6585 section 4"
)
def _(server: ReferenceServer) -> None:
    count = 0

    def handle(original: Any, operation: Operation, request: Any, content: bytes) -> Answer:
        nonlocal count
        count += 1
        if count % 100 == 0:
            raise Refused(429, "Too many requests")
        answer: Answer = original(operation, request, content)
        return answer

    around(server, "handle", handle)
