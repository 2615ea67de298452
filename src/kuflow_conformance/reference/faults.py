"""The fault bank: single bugs that can be switched on in the reference server, to prove that the suite sees them.

Each fault replaces one step of the honest server from the outside, so the server's own code knows nothing of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.responses import HTMLResponse, Response

from kuflow_conformance.openapi import Operation
from kuflow_conformance.reference.app import Caller, ReferenceServer
from kuflow_conformance.reference.bank import Bank, Install, Switch, around
from kuflow_conformance.reference.model import Json, Principal
from kuflow_conformance.reference.platform import Answer, Refused


@dataclass(frozen=True)
class Fault(Switch):
    """A bug, and the requirement it breaks."""

    requirement: str


BANK: Bank[Fault] = Bank("fault")


def fault(key: str, requirement: str, summary: str) -> Callable[[Install], Install]:
    """Put a fault into the bank; the decorated function switches it on in a server."""

    def register(install: Install) -> Install:
        BANK.add(Fault(key, summary, install, requirement))
        return install

    return register


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
        "matches",
        lambda original, query, name, value: len(query.get(name, ())) > 1 or original(query, name, value),
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
