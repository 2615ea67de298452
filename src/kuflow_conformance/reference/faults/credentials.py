"""Faults of credentials: who is let in, and what the others are told."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import Caller, ReferenceServer
from kuflow_conformance.reference.bank import around
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Principal
from kuflow_conformance.reference.operations import Answer, Refused


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


@fault("malformed-credentials-pass", "AUT-003", "a header that is no Basic and no Bearer lets everybody in")
def _(server: ReferenceServer) -> None:
    def authenticate(original: Any, operation: Operation, header: str) -> Caller:
        if header.startswith("Token"):
            return Caller(server.tenants[0].application)
        caller: Caller = original(operation, header)
        return caller

    around(server, "authenticate", authenticate)
