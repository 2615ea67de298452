"""Faults of refusals: their status and their body."""

from __future__ import annotations

from typing import Any

from starlette.responses import HTMLResponse, Response

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around
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


@fault("unknown-id-empty", "ERR-006", "an unknown principal is answered with an empty object")
def _(server: ReferenceServer) -> None:
    def retrieve(original: Any, caller: Principal, id: str) -> Answer:
        try:
            answer: Answer = original(caller, id)
        except Refused:
            return Answer(json={})
        return answer

    around(server.platform, "retrieve_principal", retrieve)
