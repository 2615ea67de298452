"""Faults of answers: whether there is one, its form, and what it shows."""

from __future__ import annotations

import json
from typing import Any

from starlette.responses import Response

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import Caller, ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call, refuse_if
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal
from kuflow_conformance.reference.operations import Answer, Refused


@fault("malformed-credentials-crash", "ANS-002", "a Basic header without base64 gives a 500")
def _(server: ReferenceServer) -> None:
    def decode(original: Any, credentials: str) -> str:
        decoded: str = original(credentials)
        if not decoded:
            raise Refused(500, "Internal error")
        return decoded

    around(server, "decode", decode)


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


@fault("row-differs", "RED-002", "the list of processes shows the initiator of the process before")
def _(server: ReferenceServer) -> None:
    def render_row(original: Any, row: Any) -> Json:
        rendered: Json = original(row)
        if "initiatorId" in rendered:
            rendered["initiatorId"] = rendered["id"]
        return rendered

    around(server.platform, "render_row", render_row)


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


@fault("nan-in-answer", "SCH-001", "an entity answers with NaN in it")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["patchProcessEntity"], lambda body: {**body, "score": float("nan")})


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
