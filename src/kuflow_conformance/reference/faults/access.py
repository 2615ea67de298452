"""Faults of who may do what: credentials, tenants, refusals that leave traces, audit properties, ids."""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from starlette.responses import Response

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import Caller, ReferenceServer
from kuflow_conformance.reference.bank import around, on_call
from kuflow_conformance.reference.faults.processes import item_of
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal
from kuflow_conformance.reference.operations import Answer, Refused
from kuflow_conformance.reference.seed import Tenant


@fault("password-prefix", "AUT-002", "a password is accepted when it only starts with the right one")
def _(server: ReferenceServer) -> None:
    around(
        server,
        "application",
        lambda original, identifier, token: next(
            (t.application for t in server.tenants if t.identifier == identifier and token.startswith(t.token)), None
        ),
    )


@fault("password-case", "AUT-002", "passwords are compared without case")
def _(server: ReferenceServer) -> None:
    around(
        server,
        "application",
        lambda original, identifier, token: next(
            (t.application for t in server.tenants if t.identifier == identifier and token.lower() == t.token.lower()),
            None,
        ),
    )


@fault("password-of-anybody", "AUT-002", "the password of any application is accepted for every application")
def _(server: ReferenceServer) -> None:
    around(
        server,
        "application",
        lambda original, identifier, token: (
            next((t.application for t in server.tenants if t.identifier == identifier), None)
            if token in [t.token for t in server.tenants]
            else None
        ),
    )


@fault("foreign-cancel", "AUT-007", "a process can be cancelled from another tenant")
def _(server: ReferenceServer) -> None:
    def cancel(original: Any, caller: Principal, id: str) -> Answer:
        process = server.platform.processes.rows.get(id.lower())
        if process is not None and process.tenant_id != caller.tenant_id and process.state == "RUNNING":
            process.state = "CANCELLED"
        answer: Answer = original()
        return answer

    on_call(server, "cancelProcess", cancel)


@fault("foreign-download", "AUT-007", "documents can be downloaded from another tenant")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        process = server.platform.processes.rows.get(id.lower())
        owner = next((t.application for t in server.tenants if process and t.id == process.tenant_id), caller)
        return server.platform.download_process_document(owner, id, query)

    on_call(server, "downloadProcessDocument", download)


@fault("foreign-existing", "AUT-007", "a creation with the id of another tenant's process answers with that process")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        process = server.platform.processes.rows.get((body.get("id") or "").lower())
        if process is not None:
            return Answer(200, process.render())
        answer: Answer = original()
        return answer

    on_call(server, "createProcess", create)


@fault("foreign-authentication", "AUT-007", "an authentication is issued for any tenant")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original(body={k: v for k, v in body.items() if k != "tenantId"})
        if answer.json and "tenantId" in body:
            answer.json["tenantId"] = body["tenantId"]
        return answer

    on_call(server, "createAuthentication", create)


@fault("method-html", "ERR-010", "an undocumented method is answered with a page")
def _(server: ReferenceServer) -> None:
    def refuse(original: Any, operation: Operation | None, refusal: Refused) -> Response:
        if refusal.status == 405:
            return Response(b"<h1>Method Not Allowed</h1>", 405, media_type="text/html")
        response: Response = original(operation, refusal)
        return response

    around(server, "refuse", refuse)


@fault("claim-before-login", "ERR-011", "a claim without credentials is refused, but the task is claimed all the same")
def _(server: ReferenceServer) -> None:
    def handle(original: Any, operation: Operation, request: Any, content: bytes) -> Answer:
        try:
            answer: Answer = original(operation, request, content)
        except Refused as refusal:
            item = server.platform.items.rows.get(str(request.path_params.get("id")).lower())
            task = item.task if item else None
            if operation.id == "claimProcessItemTask" and refusal.status == 401 and task and task.state == "READY":
                task.state = "CLAIMED"
            raise
        return answer

    around(server, "handle", handle)


@fault("created-though-refused", "ERR-011", "a process in the wrong media type is refused, but created")
def _(server: ReferenceServer) -> None:
    def handle(original: Any, operation: Operation, request: Any, content: bytes) -> Answer:
        try:
            answer: Answer = original(operation, request, content)
        except Refused as refusal:
            if operation.id == "createProcess" and refusal.status == 415:
                caller = server.authenticate(operation, request.headers.get("authorization", ""))
                with contextlib.suppress(ValueError, TypeError, KeyError, AttributeError, Refused):
                    server.platform.create_process(caller.principal, json.loads(content))
            raise
        return answer

    around(server, "handle", handle)


@fault("initiator-created", "RED-006", "createdBy of a process is its initiator")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original()
        assert answer.json is not None
        process = server.platform.processes.rows[answer.json["id"].lower()]
        process.audit.created_by = server.tenants[0].user.id
        return Answer(answer.status, process.render())

    on_call(server, "createProcess", create)


@fault("modified-by-owner", "RED-006", "lastModifiedBy of an assigned task is its owner")
def _(server: ReferenceServer) -> None:
    def log(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        original()
        item = server.platform.items.rows[id.lower()]
        item.audit.last_modified_by = server.tenants[0].user.id
        return Answer(json=item.render())

    on_call(server, "appendProcessItemTaskLog", log)


@fault("created-again", "RED-007", "saving metadata sets createdAt anew")
def _(server: ReferenceServer) -> None:
    def update(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        original()
        process = server.platform.processes.rows[id.lower()]
        process.audit.created_at = process.audit.last_modified_at
        return Answer(json=process.render())

    on_call(server, "updateProcessMetadata", update)


@fault("log-not-touched", "RED-005", "appending to the log leaves lastModifiedAt as it was")
def _(server: ReferenceServer) -> None:
    def log(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        item, _ = item_of(server, id)
        before = item.audit.last_modified_at
        original()
        item.audit.last_modified_at = before
        return Answer(json=item.render())

    on_call(server, "appendProcessItemTaskLog", log)


@fault("worker-not-touched", "RED-005", "an updated worker keeps its lastModifiedAt")
def _(server: ReferenceServer) -> None:
    def touch(original: Any, caller: Principal, audit: Any) -> None:
        if not any(worker.audit is audit for worker in server.platform.workers.rows.values()):
            original(caller, audit)

    around(server.platform, "touch", touch)


@fault("cascade-not-touched", "RED-005", "tasks that are cancelled with their process keep their lastModifiedAt")
def _(server: ReferenceServer) -> None:
    def cancel(original: Any, caller: Principal, id: str) -> Answer:
        before = {row.id: row.audit.last_modified_at for row in server.platform.items.visible(caller)}
        answer: Answer = original()
        for row in server.platform.items.visible(caller):
            row.audit.last_modified_at = before[row.id]
        return answer

    on_call(server, "cancelProcess", cancel)


@fault("creation-with-case", "RED-008", "a creation with an id that is known in another case makes a second process")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        known = server.platform.processes.rows.get(str(body.get("id")).lower())
        answer: Answer = original(
            body={**body, "id": server.platform.new_id()} if known and known.id != body["id"] else body
        )
        return answer

    on_call(server, "createProcess", create)


@fault("ids-with-case", "RED-008", "ids of processes and items are compared with case")
def _(server: ReferenceServer) -> None:
    for store in (server.platform.processes, server.platform.items):

        def get(original: Any, caller: Principal, key: str) -> Any:
            row = original(caller, key)
            return row if row is not None and row.id == key else None

        around(store, "get", get)


def _known_by(server: ReferenceServer, knows: Callable[[Tenant, str, str], bool]) -> None:
    """Let a caller in as the first application that `knows(tenant, identifier, token)` says it is."""
    around(
        server,
        "application",
        lambda original, identifier, token: next(
            (tenant.application for tenant in server.tenants if knows(tenant, identifier, token)), None
        ),
    )


@fault("password-to-the-colon", "AUT-002", "what stands behind a colon in a password does not count")
def _(server: ReferenceServer) -> None:
    _known_by(server, lambda tenant, name, token: tenant.identifier == name and token.split(":")[0] == tenant.token)


@fault("password-behind-the-colon", "AUT-002", "the password is what stands behind the last colon")
def _(server: ReferenceServer) -> None:
    _known_by(server, lambda tenant, name, token: tenant.identifier == name and token.split(":")[-1] == tenant.token)


@fault("password-to-nul", "AUT-002", "a password ends with a NUL, as texts in C do")
def _(server: ReferenceServer) -> None:
    _known_by(server, lambda tenant, name, token: tenant.identifier == name and token.split("\0")[0] == tenant.token)


@fault("password-alone", "AUT-002", "a right password lets anybody in, whatever the name")
def _(server: ReferenceServer) -> None:
    _known_by(server, lambda tenant, name, token: token == tenant.token)


@fault("token-unsigned", "AUT-003", "a token that says it is not signed is believed")
def _(server: ReferenceServer) -> None:
    def authenticate(original: Any, operation: Operation, header: str) -> Caller:
        if header.startswith("Bearer ") and header.endswith("."):
            return Caller(server.tenants[0].application)
        caller: Caller = original(operation, header)
        return caller

    around(server, "authenticate", authenticate)


@fault("caller-of-the-connection", "AUT-010", "credentials are looked at once for each connection")
def _(server: ReferenceServer) -> None:
    known: dict[Any, Caller] = {}
    connection: Any = None

    def handle(original: Any, operation: Operation, request: Any, content: bytes) -> Answer:
        nonlocal connection
        connection = request.scope["client"]
        answer: Answer = original(operation, request, content)
        return answer

    def authenticate(original: Any, operation: Operation, header: str) -> Caller:
        if connection not in known:
            known[connection] = original(operation, header)
        return known[connection]

    around(server, "handle", handle)
    around(server, "authenticate", authenticate)


@fault("refused-connection", "AUT-010", "a connection on which credentials were refused is refused from then on")
def _(server: ReferenceServer) -> None:
    refused: set[Any] = set()

    def handle(original: Any, operation: Operation, request: Any, content: bytes) -> Answer:
        if request.scope["client"] in refused:
            raise Refused(401, "Valid credentials are required")
        try:
            answer: Answer = original(operation, request, content)
        except Refused as refusal:
            if refusal.status == 401:
                refused.add(request.scope["client"])
            raise
        return answer

    around(server, "handle", handle)


def _fails_on_nul(server: ReferenceServer, where: Callable[[Operation, Any, bytes], str]) -> None:
    """Fail where a part of the request has a NUL."""

    def handle(original: Any, operation: Operation, request: Any, content: bytes) -> Answer:
        if "\0" in where(operation, request, content):
            raise Refused(500, "Internal error")
        answer: Answer = original(operation, request, content)
        return answer

    around(server, "handle", handle)


@fault("nul-in-path", "ANS-002", "a NUL in the path makes the server fail")
def _(server: ReferenceServer) -> None:
    _fails_on_nul(server, lambda operation, request, content: str(request.path_params.get("id", "")))


@fault("nul-in-query", "ANS-002", "a NUL in the name of a document makes the server fail")
def _(server: ReferenceServer) -> None:
    _fails_on_nul(server, lambda operation, request, content: str(request.query_params.get("fileName", "")))


@fault("nul-in-name", "ANS-002", "a NUL in the name of a parameter makes the server fail")
def _(server: ReferenceServer) -> None:
    _fails_on_nul(server, lambda operation, request, content: "".join(request.query_params.keys()))


@fault("nul-in-task-code", "ANS-002", "a NUL in the code of a task definition makes the server fail")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        if "\0" in (body.get("task") or {}).get("taskDefinitionCode", ""):
            raise Refused(500, "Internal error")
        answer: Answer = original()
        return answer

    on_call(server, "createProcessItem", create)
