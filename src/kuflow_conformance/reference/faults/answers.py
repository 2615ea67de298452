"""Faults of answers, errors, authentication and the reading of requests."""

from __future__ import annotations

import json
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import HTMLResponse, Response

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import Caller, ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call, refuse_if
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal
from kuflow_conformance.reference.operations import Answer, Refused


@fault("error-status-differs", "ERR-002", "the status in error bodies is always 400")
def _(server: ReferenceServer) -> None:
    around(server, "error_body", lambda original, refusal: {**original(refusal), "status": 400})


@fault("error-html", "ERR-001", "404 answers are HTML pages")
def _(server: ReferenceServer) -> None:
    def refuse(original: Any, operation: Any, refusal: Refused) -> Response:
        if refusal.status == 404:
            return HTMLResponse("<h1>Not found</h1>", 404)
        response: Response = original(operation, refusal)
        return response

    around(server, "refuse", refuse)


@fault("error-detail-without-code", "ERR-003", "the items of errors have no code")
def _(server: ReferenceServer) -> None:
    def error_body(original: Any, refusal: Refused) -> Json:
        body: Json = original(refusal)
        return {**body, "errors": [{"message": e["message"]} for e in body["errors"]]} if "errors" in body else body

    around(server, "error_body", error_body)


@fault("error-timestamp-without-zone", "ERR-004", "the timestamp of error bodies has no time zone")
def _(server: ReferenceServer) -> None:
    around(server, "error_body", lambda original, refusal: {**original(refusal), "timestamp": "2024-06-14T10:00:00"})


@fault("error-timestamp-fixed", "ERR-005", "the timestamp of error bodies is always the same")
def _(server: ReferenceServer) -> None:
    around(server, "error_body", lambda original, refusal: {**original(refusal), "timestamp": "2024-06-14T10:00:00Z"})


@fault("error-stack-trace", "ERR-007", "the message of a 404 has a stack trace")
def _(server: ReferenceServer) -> None:
    trace = 'Traceback (most recent call last):\n  File "app.py", line 7, in find\nKeyError'

    def error_body(original: Any, refusal: Refused) -> Json:
        body: Json = original(refusal)
        return {**body, "message": f"{body['message']}: {trace}"} if refusal.status == 404 else body

    around(server, "error_body", error_body)


@fault("unknown-path-plain", "ERR-008", "an unknown path is refused without an error body")
def _(server: ReferenceServer) -> None:
    def refuse(original: Any, operation: Operation | None, refusal: Refused) -> Response:
        if operation is None and refusal.status == 404:
            return Response("Not Found", 404, media_type="text/plain")
        response: Response = original(operation, refusal)
        return response

    around(server, "refuse", refuse)


@fault("no-challenge", "AUT-004", "a 401 does not say how to authenticate")
def _(server: ReferenceServer) -> None:
    def refuse(original: Any, operation: Operation | None, refusal: Refused) -> Response:
        response: Response = original(operation, refusal)
        if "WWW-Authenticate" in response.headers:
            del response.headers["WWW-Authenticate"]
        return response

    around(server, "refuse", refuse)


@fault("missing-credentials-400", "AUT-009", "missing credentials are refused with 400")
def _(server: ReferenceServer) -> None:
    def authenticate(original: Any, operation: Operation, header: str) -> Caller:
        if not header:
            raise Refused(400, "There are no credentials")
        caller: Caller = original(operation, header)
        return caller

    around(server, "authenticate", authenticate)


@fault("open-operation", "AUT-001", "appendProcessItemTaskLog does not ask for credentials")
def _(server: ReferenceServer) -> None:
    def authenticate(original: Any, operation: Operation, header: str) -> Caller:
        if operation.id == "appendProcessItemTaskLog" and not header:
            return Caller(server.tenants[0].application)
        caller: Caller = original(operation, header)
        return caller

    around(server, "authenticate", authenticate)


@fault("password-ignored", "AUT-002", "any password is accepted for a known user")
def _(server: ReferenceServer) -> None:
    def application(original: Any, identifier: str, token: str) -> Principal | None:
        return next((t.application for t in server.tenants if t.identifier == identifier), None)

    around(server, "application", application)


@fault("malformed-credentials-crash", "ANS-002", "a Basic header without base64 gives a 500")
def _(server: ReferenceServer) -> None:
    def decode(original: Any, credentials: str) -> str:
        decoded: str = original(credentials)
        if not decoded:
            raise Refused(500, "Internal error")
        return decoded

    around(server, "decode", decode)


@fault("size-1001", "PAG-003", "a size of 1001 is accepted")
def _(server: ReferenceServer) -> None:
    around(
        server,
        "query_accepts",
        lambda original, operation, name, value: (name == "size" and value == 1001) or original(operation, name, value),
    )


@fault("total-pages-rounded-down", "PAG-005", "totalPages is rounded down")
def _(server: ReferenceServer) -> None:
    around(server.platform, "total_pages", lambda original, total, size: total // size if size else 0)


@fault("created-at-local", "SCH-004", "createdAt of robots has no time zone")
def _(server: ReferenceServer) -> None:
    def retrieve(original: Any, caller: Principal, id: str) -> Answer:
        answer: Answer = original(caller, id)
        assert answer.json is not None
        answer.json["createdAt"] = answer.json["createdAt"].rstrip("Z")
        return answer

    around(server.platform, "retrieve_robot", retrieve)


@fault("tenant-missing", "SCH-002", "a process answers without tenantId")
def _(server: ReferenceServer) -> None:
    def retrieve(original: Any, caller: Principal, id: str) -> Answer:
        answer: Answer = original(caller, id)
        assert answer.json is not None
        del answer.json["tenantId"]
        return answer

    around(server.platform, "retrieve_process", retrieve)


@fault("state-lower-case", "SCH-005", "cancelProcess answers with the state in lower case")
def _(server: ReferenceServer) -> None:
    def cancel(original: Any, caller: Principal, id: str) -> Answer:
        answer: Answer = original(caller, id)
        assert answer.json is not None
        answer.json["state"] = answer.json["state"].lower()
        return answer

    around(server.platform, "cancel_process", cancel)


@fault("id-not-uuid", "SCH-003", "ids of tenant users are UUIDs without hyphens")
def _(server: ReferenceServer) -> None:
    def retrieve(original: Any, caller: Principal, id: str) -> Answer:
        answer: Answer = original(caller, id)
        assert answer.json is not None
        answer.json["id"] = answer.json["id"].replace("-", "")
        return answer

    around(server.platform, "retrieve_tenant_user", retrieve)


@fault("json-as-text", "ANS-004", "retrieveRobot answers as text/plain")
def _(server: ReferenceServer) -> None:
    def respond(original: Any, operation: Operation, answer: Answer) -> Response:
        response: Response = original(operation, answer)
        if operation.id == "retrieveRobot":
            response.headers["Content-Type"] = "text/plain"
        return response

    around(server, "respond", respond)


@fault("created-is-204", "ANS-003", "updateProcessEntity answers 204 without a body")
def _(server: ReferenceServer) -> None:
    def update(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        original(caller, id, body)
        return Answer(204)

    around(server.platform, "update_process_entity", update)


@fault("unknown-id-empty", "ERR-006", "an unknown principal is answered with an empty object")
def _(server: ReferenceServer) -> None:
    def retrieve(original: Any, caller: Principal, id: str) -> Answer:
        try:
            answer: Answer = original(caller, id)
        except Refused:
            return Answer(json={})
        return answer

    around(server.platform, "retrieve_principal", retrieve)


@fault("media-type-ignored", "REQ-002", "bodies are read as JSON whatever their media type")
def _(server: ReferenceServer) -> None:
    around(
        server,
        "read_body",
        lambda original, operation, media_type, content: original(operation, next(iter(operation.bodies)), content),
    )


@fault("row-differs", "RED-002", "the list of processes shows the initiator of the process before")
def _(server: ReferenceServer) -> None:
    def render_row(original: Any, row: Any) -> Json:
        rendered: Json = original(row)
        if "initiatorId" in rendered:
            rendered["initiatorId"] = rendered["id"]
        return rendered

    around(server.platform, "render_row", render_row)


@fault("filter-second-value", "FLT-001", "a list filter with several values lets everything through")
def _(server: ReferenceServer) -> None:
    around(
        server.platform,
        "having",
        lambda original, rows, query, name, values: (
            rows if len(query.get(name, ())) > 1 else original(rows, query, name, values)
        ),
    )


@fault("robots-of-all-tenants", "AUT-006", "findRobots lists the robots of every tenant")
def _(server: ReferenceServer) -> None:
    robots = server.platform.robots
    around(robots, "visible", lambda original, caller: list(robots.rows.values()))


@fault("read-across-tenants", "AUT-005", "a process of another tenant can be read by id")
def _(server: ReferenceServer) -> None:
    def retrieve(original: Any, caller: Principal, id: str) -> Answer:
        process = server.platform.processes.rows.get(id.lower())
        if process is None:
            answer: Answer = original(caller, id)
            return answer
        return Answer(json=process.render())

    around(server.platform, "retrieve_process", retrieve)


@fault("connection-dropped", "ANS-001", "the answer to cancelProcess breaks off")
def _(server: ReferenceServer) -> None:
    inner = server.asgi

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].endswith("/cancel") and scope["method"] == "POST":
            # The server closes the connection of an application that does not finish its answer.
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"100")]})
            await send({"type": "http.response.body", "body": b"{", "more_body": True})
            return
        await inner(scope, receive, send)

    server.asgi = asgi  # type: ignore[assignment]


@fault("assign-refused", "ITM-007", "assigning a task by id is always refused")
def _(server: ReferenceServer) -> None:
    refuse_if(server, "assignProcessItemTask", lambda caller, id, body: "ownerId" in body, 409, "Not now")


@fault("authentication-refused", "SUC-001", "no engine token is ever issued")
def _(server: ReferenceServer) -> None:
    refuse_if(
        server, "createAuthentication", lambda caller, body, **more: body["type"] == "ENGINE_TOKEN", 409, "Not now"
    )


@fault("malformed-credentials-pass", "AUT-003", "a header that is no Basic and no Bearer lets everybody in")
def _(server: ReferenceServer) -> None:
    def authenticate(original: Any, operation: Operation, header: str) -> Caller:
        if header.startswith("Token"):
            return Caller(server.tenants[0].application)
        caller: Caller = original(operation, header)
        return caller

    around(server, "authenticate", authenticate)


@fault("nan-in-answer", "SCH-001", "an entity answers with NaN in it")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["patchProcessEntity"], lambda body: {**body, "score": float("nan")})


@fault("malformed-json-empty", "REQ-001", "malformed JSON is taken for an empty object where nothing is required")
def _(server: ReferenceServer) -> None:
    def read_body(original: Any, operation: Operation, media_type: str, content: bytes) -> Any:
        try:
            return original(operation, media_type, content)
        except Refused as refusal:
            if refusal.message == "The body is not JSON" and operation.id == "updateProcessMetadata":
                return {"metadata": {"value": {}}}
            raise

    around(server, "read_body", read_body)


@fault("missing-parameter-defaulted", "REQ-003", "an upload without a file name gets one")
def _(server: ReferenceServer) -> None:
    def read_query(original: Any, operation: Operation, raw: Any) -> Json:
        if operation.id == "uploadProcessDocument" and "fileName" not in raw:
            return {"fileName": "unnamed", "fileContentType": raw.get("fileContentType", "text/plain")}
        query: Json = original(operation, raw)
        return query

    around(server, "read_query", read_query)


@fault("uuid-unchecked", "REQ-004", "a malformed id in the groupId filter is ignored")
def _(server: ReferenceServer) -> None:
    around(
        server,
        "query_accepts",
        lambda original, operation, name, value: name == "groupId" or original(operation, name, value),
    )


@fault("text-page", "REQ-005", "text in place of a page number is page 0")
def _(server: ReferenceServer) -> None:
    def read_query(original: Any, operation: Operation, raw: Any) -> Json:
        kept = [(name, value) for name, value in raw.multi_items() if not (name == "page" and value.isalpha())]
        query: Json = original(operation, QueryParams(kept))
        return query

    around(server, "read_query", read_query)


def _unchecked(server: ReferenceServer, *keywords: str) -> None:
    """Let bodies pass whose only mistakes are of these kinds."""

    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        if {error.keyword for error in operation.bodies[media_type].errors(body)} - set(keywords):
            original(operation, media_type, body)

    around(server, "check_body", check)


@fault("types-unchecked", "REQ-006", "a log entry may have an object for a message")
def _(server: ReferenceServer) -> None:
    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        if (
            operation.id == "appendProcessItemTaskLog"
            and isinstance(body, dict)
            and isinstance(body.get("message"), (dict, list))
        ):
            body["message"] = str(body["message"])
        original(operation, media_type, body)

    around(server, "check_body", check)


@fault("patch-empty", "PAT-005", "an empty patch is accepted")
def _(server: ReferenceServer) -> None:
    _unchecked(server, "minItems")


@fault("enum-unchecked", "REQ-008", "a log entry may have any level")
def _(server: ReferenceServer) -> None:
    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        if operation.id == "appendProcessItemTaskLog" and isinstance(body, dict) and isinstance(body.get("level"), str):
            body = {**body, "level": "INFO"}
        original(operation, media_type, body)

    around(server, "check_body", check)


@fault("version-ignored", "VER-001", "every version in the path is answered as this one")
def _(server: ReferenceServer) -> None:
    inner = server.asgi

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1999-01-01"):
            path = scope["path"].replace("/v1999-01-01", "/v2024-06-14")
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await inner(scope, receive, send)

    server.asgi = asgi  # type: ignore[assignment]


@fault("other-resource", "RED-001", "reading a tenant user gives another one")
def _(server: ReferenceServer) -> None:
    users = server.platform.tenant_users

    def retrieve(original: Any, caller: Principal, id: str) -> Answer:
        original()
        return Answer(json=next(user for user in users.visible(caller) if user.id != id).render())

    on_call(server, "retrieveTenantUser", retrieve)


@fault("reading-touches", "RED-003", "reading a process changes when it was last modified")
def _(server: ReferenceServer) -> None:
    def retrieve(original: Any, caller: Principal, id: str) -> Answer:
        server.platform.touch(caller, server.platform.find(server.platform.processes, caller, id, "process").audit)
        answer: Answer = original()
        return answer

    on_call(server, "retrieveProcess", retrieve)


@fault("modified-before-created", "RED-004", "a robot was modified before it was created")
def _(server: ReferenceServer) -> None:
    for robot in server.platform.robots.rows.values():
        robot.audit.created_at, robot.audit.last_modified_at = robot.audit.last_modified_at, robot.audit.created_at


@fault("patch-not-touched", "RED-005", "patching task data leaves lastModifiedAt as it was")
def _(server: ReferenceServer) -> None:
    def patch(original: Any, caller: Principal, id: str, body: Any) -> Answer:
        item, _ = server.platform.active_task_of(caller, id)
        before = item.audit.last_modified_at
        original()
        item.audit.last_modified_at = before
        return Answer(json=item.render())

    on_call(server, "patchProcessItemTaskData", patch)


@fault("token-expired", "ATH-001", "an engine token has expired already")
def _(server: ReferenceServer) -> None:
    def change(body: Json) -> None:
        if "engineToken" in body:
            body["engineToken"]["expiredAt"] = body["createdAt"]

    on_answer(server, ["createAuthentication"], change)


@fault("certificate-bare", "ATH-002", "the client certificate comes without its PEM frame")
def _(server: ReferenceServer) -> None:
    def change(body: Json) -> None:
        if "engineCertificate" in body:
            tls = body["engineCertificate"]["tls"]
            body["engineCertificate"]["tls"] = {
                **tls,
                "clientCertificate": "".join(tls["clientCertificate"].split("\n")[1:-2]),
            }

    on_answer(server, ["createAuthentication"], change)


@fault("authentication-type", "ATH-003", "an engine certificate says that it is a token")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["createAuthentication"], lambda body: {**body, "type": "ENGINE_TOKEN"})


@fault("source-cut", "ROB-001", "the last byte of a robot's source code is lost")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str) -> Answer:
        answer: Answer = original()
        answer.content = (answer.content or b"")[:-1]
        return answer

    on_call(server, "downloadRobotSourceCode", download)


@fault("hash-of-another", "ROB-002", "one robot in two shows a hash that is not its own")
def _(server: ReferenceServer) -> None:
    robots = list(server.platform.robots.rows.values())
    for robot, other in zip(robots[::2], robots[1::2], strict=False):
        robot.source_hash = other.source_hash


@fault("asset-random", "ROB-004", "an asset differs from one download to the next")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        answer: Answer = original()
        answer.content = (answer.content or b"") + server.platform.new_id().encode()
        return answer

    on_call(server, "downloadRobotAsset", download)


@fault("asset-any-version", "ROB-005", "an unknown version of an asset is answered with the newest")
def _(server: ReferenceServer) -> None:
    on_call(
        server,
        "downloadRobotAsset",
        lambda original, caller, id, query: original(query={**query, "type": "PYTHON", "version": "3.12"}),
    )


def crash_when(server: ReferenceServer, rare: Any) -> None:
    """Fail on each request whose query parameters or body `rare(operation, query, body)` picks out."""

    def execute(original: Any, operation: Operation, caller: Caller, arguments: dict[str, Any]) -> Answer:
        if rare(operation, arguments.get("query", {}), arguments.get("body")):
            raise RuntimeError("a bug")
        answer: Answer = original(operation, caller, arguments)
        return answer

    around(server, "execute", execute)


@fault("page-overflow", "ANS-002", "a page beyond 32 bits makes findRobots fail")
def _(server: ReferenceServer) -> None:
    crash_when(server, lambda operation, query, body: operation.id == "findRobots" and query.get("page", 0) >= 2**31)


@fault("sort-empty-crash", "ANS-002", "an empty sort criterion makes findTenantUsers fail")
def _(server: ReferenceServer) -> None:
    crash_when(server, lambda operation, query, body: operation.id == "findTenantUsers" and "" in query.get("sort", ()))


@fault("nul-crash", "ANS-002", "a NUL in saved metadata makes the server fail")
def _(server: ReferenceServer) -> None:
    crash_when(server, lambda operation, query, body: operation.id == "updateProcessMetadata" and "\0" in repr_of(body))


@fault("reference-crash", "ANS-002", "a document reference without a uri makes the download fail")
def _(server: ReferenceServer) -> None:
    crash_when(
        server,
        lambda operation, query, body: (
            operation.id == "downloadProcessDocument" and query["documentUri"].startswith("kuflow-file:uri=;")
        ),
    )


@fault("pointer-crash", "ANS-002", "a property path that is no pointer makes the rendering of forms fail")
def _(server: ReferenceServer) -> None:
    crash_when(
        server,
        lambda operation, query, body: (
            operation.id.startswith("downloadProcessItemTaskDataWebforms")
            and query["propertyPath"]
            and not query["propertyPath"].startswith("/")
        ),
    )


def repr_of(body: Any) -> str:
    return json.dumps(body, ensure_ascii=False).replace("\\u0000", "\0")
