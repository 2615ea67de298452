"""The variation bank: legal choices that differ from the reference server's own, to prove that the suite allows them.

Each names the reason why the documentation allows it.
"""

from __future__ import annotations

import re
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta, timezone
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import RedirectResponse, Response, StreamingResponse

from kuflow_conformance.openapi import Operation
from kuflow_conformance.reference import platform as rules
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import Bank, Install, Switch, around, on_answer, on_call
from kuflow_conformance.reference.model import Json, JsonValue, Principal
from kuflow_conformance.reference.platform import Answer, Refused

SILENT = "the documentation is silent on it"
NO_CODES = "the documentation names no status code for a refusal"
EXTRA = "a schema that does not forbid further properties allows them"
OPTIONAL = "the schema does not require the property"
WRITING = "RFC 3339 and RFC 9562 allow several ways to write it"
HTTP = "RFC 9110 and RFC 9112 leave it to servers and gateways"


@dataclass(frozen=True)
class Variation(Switch):
    """A legal choice, and why it is legal."""

    reason: str


BANK: Bank[Variation] = Bank("variation")


def variation(key: str, summary: str, reason: str) -> Callable[[Install], Install]:
    """Put a variation into the bank; the decorated function switches it on in a server."""

    def register(install: Install) -> Install:
        BANK.add(Variation(key, summary, install, reason))
        return install

    return register


def every_json(server: ReferenceServer, change: Callable[[int, Any], Any]) -> None:
    """Let `change(status, body)` rewrite the body of every JSON answer."""
    around(
        server,
        "json_response",
        lambda original, status, body, headers=None: original(status, change(status, body), headers),
    )


def walk(node: Any, change: Callable[[Any], Any]) -> Any:
    """`node` with `change` applied to every scalar in it, but not to the data of the user."""
    if isinstance(node, dict):
        return {key: value if key == "value" else walk(value, change) for key, value in node.items()}
    if isinstance(node, list):
        return [walk(item, change) for item in node]
    return change(node)


def refused_with(server: ReferenceServer, codes: dict[int, int]) -> None:
    def refuse(original: Any, operation: Operation | None, refusal: Refused) -> Response:
        response: Response = original(
            operation, Refused(codes.get(refusal.status, refusal.status), refusal.message, refusal.errors)
        )
        return response

    around(server, "refuse", refuse)


@variation("refusal-422", "what is invalid is refused with 422", NO_CODES)
def _(server: ReferenceServer) -> None:
    refused_with(server, {400: 422})


@variation("refusal-403-for-404", "what does not exist is refused with 403", NO_CODES)
def _(server: ReferenceServer) -> None:
    refused_with(server, {404: 403})


@variation("refusal-400-everywhere", "everything but missing credentials is refused with 400", NO_CODES)
def _(server: ReferenceServer) -> None:
    refused_with(server, {403: 400, 404: 400, 409: 400, 415: 400, 405: 400})


@variation("refusal-410-and-412", "unusual codes: 410 for unknown, 412 for a state that does not allow it", NO_CODES)
def _(server: ReferenceServer) -> None:
    refused_with(server, {404: 410, 409: 412})


@variation("refusal-403-for-401", "wrong credentials are refused with 403", NO_CODES)
def _(server: ReferenceServer) -> None:
    refused_with(server, {401: 403})


@variation("error-without-details", "error bodies have no errors", OPTIONAL)
def _(server: ReferenceServer) -> None:
    around(
        server, "error_body", lambda original, refusal: {k: v for k, v in original(refusal).items() if k != "errors"}
    )


@variation("error-extra", "error bodies have a path and a trace id", EXTRA)
def _(server: ReferenceServer) -> None:
    around(
        server, "error_body", lambda original, refusal: {**original(refusal), "path": "/", "traceId": uuid.uuid4().hex}
    )


@variation("extra-properties", "every object has further properties, which change each time", EXTRA)
def _(server: ReferenceServer) -> None:
    def change(status: int, body: Json) -> Json:
        body = {**body, "_links": {"self": "/"}, "version": time.time_ns()}
        if isinstance(body.get("content"), list):
            body["content"] = [{**row, "_version": time.time_ns()} for row in body["content"]]
        return body

    every_json(server, change)


@variation("optional-absent", "optional properties are left out where they say little", OPTIONAL)
def _(server: ReferenceServer) -> None:
    def change(status: int, body: Any) -> Any:
        if isinstance(body, list):
            return [change(status, item) for item in body]
        if not isinstance(body, dict):
            return body
        drop = {"createdBy", "lastModifiedBy", "processRelated", "description", "environmentVariables"}
        drop |= {key for key in ("logs", "workflowTypes", "activityTypes") if not body.get(key)}
        return {
            key: value if key == "value" else change(status, value) for key, value in body.items() if key not in drop
        }

    every_json(server, change)


@variation("audit-absent", "lists and resources have no audit properties", OPTIONAL)
def _(server: ReferenceServer) -> None:
    audit = {"createdBy", "createdAt", "lastModifiedBy", "lastModifiedAt"}

    def change(status: int, body: Json) -> Json:
        body = {key: value for key, value in body.items() if key not in audit}
        if isinstance(body.get("content"), list):
            body["content"] = [
                {key: value for key, value in row.items() if key not in audit} for row in body["content"]
            ]
        return body

    every_json(server, change)


@variation("empty-json-absent", "a JSON value that was never set is left out", OPTIONAL)
def _(server: ReferenceServer) -> None:
    def change(status: int, body: Json) -> Json:
        return {
            key: v
            for key, v in body.items()
            if not (key in ("metadata", "entity") and isinstance(v, dict) and v.get("value") == {})
        }

    every_json(server, change)


_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def stamps(server: ReferenceServer, write: Callable[[str], str]) -> None:
    every_json(
        server, lambda status, body: walk(body, lambda v: write(v) if isinstance(v, str) and _STAMP.fullmatch(v) else v)
    )


@variation("time-offset", "timestamps are in another time zone", WRITING)
def _(server: ReferenceServer) -> None:
    from datetime import datetime

    zone = timezone(timedelta(hours=5, minutes=30))
    stamps(server, lambda value: datetime.fromisoformat(value).astimezone(zone).isoformat())


@variation("time-nanoseconds", "timestamps have nanoseconds", WRITING)
def _(server: ReferenceServer) -> None:
    stamps(server, lambda value: value.replace("Z", "123456Z"))


@variation("time-seconds", "timestamps have whole seconds", WRITING)
def _(server: ReferenceServer) -> None:
    stamps(server, lambda value: value[:19] + "Z")


@variation("uuid-upper-case", "ids in answers are in upper case", WRITING)
def _(server: ReferenceServer) -> None:
    pattern = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    every_json(
        server,
        lambda status, body: walk(body, lambda v: v.upper() if isinstance(v, str) and pattern.fullmatch(v) else v),
    )


@variation("ids-lower-cased", "ids are stored and shown in lower case", WRITING)
def _(server: ReferenceServer) -> None:
    pattern = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
    every_json(
        server,
        lambda status, body: walk(body, lambda v: v.lower() if isinstance(v, str) and pattern.fullmatch(v) else v),
    )


def every_response(server: ReferenceServer, change: Callable[[Response], Response]) -> None:
    for step in ("respond", "refuse"):
        around(server, step, lambda original, operation, what: change(original(operation, what)))


@variation("content-type-charset", "Content-Type has a charset", HTTP)
def _(server: ReferenceServer) -> None:
    def change(response: Response) -> Response:
        if response.headers.get("Content-Type") == "application/json":
            response.headers["Content-Type"] = "Application/JSON; charset=UTF-8"
        return response

    every_response(server, change)


@variation("gateway-headers", "answers have an ETag, caching and tracing headers", HTTP)
def _(server: ReferenceServer) -> None:
    def change(response: Response) -> Response:
        response.headers.update(
            {"ETag": f'"{uuid.uuid4().hex}"', "Cache-Control": "no-store", "Via": "1.1 gateway", "X-Request-Id": "1"}
        )
        return response

    every_response(server, change)


@variation("no-keep-alive", "the connection is closed after each answer", HTTP)
def _(server: ReferenceServer) -> None:
    def change(response: Response) -> Response:
        response.headers["Connection"] = "close"
        return response

    every_response(server, change)


@variation("chunked", "answers are chunked, without a length", HTTP)
def _(server: ReferenceServer) -> None:
    def change(response: Response) -> Response:
        async def chunks() -> Any:
            body = bytes(response.body)
            for start in range(0, len(body), 100):
                yield body[start : start + 100]

        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return response if response.status_code == 304 else StreamingResponse(chunks(), response.status_code, headers)

    every_response(server, change)


@variation("gzip", "answers are compressed", HTTP)
def _(server: ReferenceServer) -> None:
    server.asgi.add_middleware(GZipMiddleware, minimum_size=1)


@variation("slow", "every answer takes 30 milliseconds", SILENT)
def _(server: ReferenceServer) -> None:
    def change(response: Response) -> Response:
        time.sleep(0.03)
        return response

    every_response(server, change)


@variation("rate-limited", "one request in fifty is answered 429 with Retry-After", "RFC 6585 section 4")
def _(server: ReferenceServer) -> None:
    count = 0

    def handle(original: Any, operation: Operation, request: Any, content: bytes) -> Answer:
        nonlocal count
        count += 1
        if count % 50 == 0:
            raise Refused(429, "Too many requests")
        answer: Answer = original(operation, request, content)
        return answer

    def refuse(original: Any, operation: Operation | None, refusal: Refused) -> Response:
        response: Response = original(operation, refusal)
        if refusal.status == 429:
            response.headers["Retry-After"] = "0"
        return response

    around(server, "handle", handle)
    around(server, "refuse", refuse)


@variation("redirect", "lists are redirected to a path with a trailing slash", HTTP)
def _(server: ReferenceServer) -> None:
    inner = server.asgi

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and scope["method"] == "GET" and path.count("/") == 2 and not path.endswith("/"):
            query = scope["query_string"].decode()
            await RedirectResponse(f"{path}/{f'?{query}' if query else ''}", 307)(scope, receive, send)
            return
        if scope["type"] == "http" and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/"), "raw_path": path.rstrip("/").encode()}
        await inner(scope, receive, send)

    server.asgi = asgi  # type: ignore[assignment]


@variation("default-order", "lists that were asked for no order come newest first", SILENT)
def _(server: ReferenceServer) -> None:
    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        if "sort" not in query and "createdAt" in sorting:
            query = {**query, "sort": ["createdAt,desc"]}
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
    server.platform.robots.rows.clear()


@variation("webforms-off", "web forms are not switched on", "they have to be asked for")
def _(server: ReferenceServer) -> None:
    def off(original: Any, caller: Principal, **arguments: Any) -> Answer:
        raise Refused(403, "Web forms are not switched on")

    on_call(server, "downloadProcessItemTaskDataWebformsAsDocument", off)


@variation("log-bound-10", "a log holds ten entries", SILENT)
def _(server: ReferenceServer) -> None:
    rules.LOG_BOUND = 10


@variation("log-bound-1000", "a log holds a thousand entries", SILENT)
def _(server: ReferenceServer) -> None:
    rules.LOG_BOUND = 1000


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
        if any(i.process_id == id and i.task and i.task.state in rules.ACTIVE_TASK_STATES for i in items):
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
