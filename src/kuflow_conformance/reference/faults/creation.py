"""Faults of creation: idempotency and workers."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call, refuse_if
from kuflow_conformance.reference.certificates import engine_certificate
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal
from kuflow_conformance.reference.operations import Answer, Refused
from kuflow_conformance.target.exchange import parse_json


def on_status(server: ReferenceServer, operation_id: str, wrong: int, right: int) -> None:
    """Answer `operation_id` with status `wrong` where it would be `right`."""

    def execute(original: Any, operation: Operation, caller: Any, arguments: Json) -> Answer:
        answer: Answer = original(operation, caller, arguments)
        if operation.id == operation_id and answer.status == right:
            answer.status = wrong
        return answer

    around(server, "execute", execute)


@fault("process-created-200", "IDM-001", "a new process is answered with 200")
def _(server: ReferenceServer) -> None:
    on_status(server, "createProcess", 200, 201)


@fault("item-again-201", "IDM-002", "a repeated creation of a process item is answered with 201")
def _(server: ReferenceServer) -> None:
    on_status(server, "createProcessItem", 201, 200)


@fault("item-again-refused", "IDM-002", "a repeated creation of a process item is refused")
def _(server: ReferenceServer) -> None:
    def wrong(caller: Principal, body: Json) -> bool:
        return body.get("id", "").lower() in server.platform.items.rows

    refuse_if(server, "createProcessItem", wrong, 409, "There already")


@fault("again-touches", "IDM-002", "a repeated creation of a process changes lastModifiedAt")
def _(server: ReferenceServer) -> None:
    def existing(original: Any, store: Any, caller: Principal, key: str) -> Any:
        row = original(store, caller, key)
        if row is not None and store is server.platform.processes:
            server.platform.touch(caller, row.audit)
        return row

    around(server.platform, "existing", existing)


@fault("item-id-ignored", "IDM-003", "a message gets an id of the server's own")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        if body["type"] == "MESSAGE":
            body = {key: value for key, value in body.items() if key != "id"}
        answer: Answer = original(body=body)
        return answer

    on_call(server, "createProcessItem", create)


@fault("again-overwrites", "IDM-004", "a repeated creation with other data overwrites the task's data")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        row = server.platform.items.rows.get(body.get("id", "").lower())
        if row is not None and row.task and "data" in body.get("task", {}):
            row.task.data.value = body["task"]["data"]["value"]
        answer: Answer = original()
        return answer

    on_call(server, "createProcessItem", create)


@fault("same-content-same-item", "IDM-005", "a task without an id and with the same content is not created twice")
def _(server: ReferenceServer) -> None:
    made: dict[str, str] = {}

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        if "id" in body or body["type"] != "TASK":
            answer: Answer = original()
            return answer
        key = str(sorted(body.items(), key=str))
        answer = original(body={**body, "id": made[key]}) if key in made else original()
        assert answer.json is not None
        made.setdefault(key, answer.json["id"])
        return Answer(201, answer.json)

    on_call(server, "createProcessItem", create)


@fault("listed-twice", "IDM-006", "a process item whose creation was repeated is listed twice")
def _(server: ReferenceServer) -> None:
    repeated: set[str] = set()

    def existing(original: Any, store: Any, caller: Principal, key: str) -> Any:
        row = original(store, caller, key)
        if row is not None:
            repeated.add(row.id)
        return row

    def page(original: Any, rows: Any, query: Json, sorting: Any) -> Answer:
        rows = list(rows)
        answer: Answer = original(rows + [row for row in rows if row.id in repeated], query, sorting)
        return answer

    around(server.platform, "existing", existing)
    around(server.platform, "page", page)


@fault("parallel-creation", "IDM-007", "every third repeated creation of a process within a second is answered as new")
def _(server: ReferenceServer) -> None:
    count: dict[str, int] = {}

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original()
        key = body.get("id", "")
        count[key] = count.get(key, 0) + 1
        if answer.status == 200 and count[key] > 3:
            answer.status = 201
        return answer

    on_call(server, "createProcess", create)


@fault("own-tenant-refused", "ATH-003", "engine credentials are refused to who names the own tenant")
def _(server: ReferenceServer) -> None:
    def wrong(caller: Principal, body: Json, **more: Any) -> bool:
        return bool(body.get("tenantId", "").lower() == caller.tenant_id)

    refuse_if(server, "createAuthentication", wrong, 403, "No access to the tenant")


@fault("tasks-refused", "SUC-001", "every new task is refused")
def _(server: ReferenceServer) -> None:
    refuse_if(server, "createProcessItem", lambda caller, body: body["type"] == "TASK", 400, "The task part is missing")


@fault("cut-creation-stuck", "IDM-008", "a message whose caller hung up before the answer can never be created again")
def _(server: ReferenceServer) -> None:
    inner = server.asgi
    lost: set[str] = set()

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http" or scope["method"] != "POST" or not scope["path"].endswith("/process-items"):
            await inner(scope, receive, send)
            return
        content, more = b"", True
        while more:
            message = await receive()
            content += message.get("body", b"")
            more = message.get("more_body", False)
        body = parse_json(content)

        async def receive_again() -> Any:
            return {"type": "http.request", "body": content}

        async def hold(answer: Any) -> None:
            if answer["type"] == "http.response.start" and isinstance(body, dict) and body.get("type") == "MESSAGE":
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(receive(), 0.25)  # returns only when the caller is gone
                    lost.add(str(body.get("id")))
            await send(answer)

        await inner(scope, receive_again, hold)

    server.asgi = asgi  # type: ignore[assignment]
    refuse_if(server, "createProcessItem", lambda caller, body: body.get("id") in lost, 409, "There already")


@fault("worker-again-201", "WRK-001", "an updated worker is answered with 201")
def _(server: ReferenceServer) -> None:
    on_status(server, "createWorker", 201, 200)


@fault("worker-other-id", "WRK-001", "an updated worker gets a new id")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["createWorker"], lambda body: {**body, "id": server.platform.new_id()})


@fault("worker-by-queue", "WRK-001", "workers with the same task queue share their id")
def _(server: ReferenceServer) -> None:
    ids: dict[str, str] = {}

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original()
        if answer.json:
            answer.json["id"] = ids.setdefault(body["taskQueue"], answer.json["id"])
        return answer

    on_call(server, "createWorker", create)


@fault("worker-not-updated", "WRK-002", "the host name of a worker is never updated")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        worker = server.platform.workers.rows.get(f"{caller.tenant_id}/{body['identity']}")
        answer: Answer = original(body={**body, "hostname": worker.fields["hostname"]} if worker else body)
        return answer

    on_call(server, "createWorker", create)


@fault("worker-robots-forgotten", "WRK-003", "a worker is answered as one that implements no robots")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["createWorker"], lambda body: {**body, "robotIds": []})


@fault("worker-bound-254", "WRK-004", "a host name of 255 characters is refused")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        if len(body["hostname"]) == 255:
            raise Refused(400, "hostname is too long")
        answer: Answer = original()
        return answer

    on_call(server, "createWorker", create)


@fault("worker-bound-256", "WRK-005", "a task queue of 256 characters is accepted, and cut")
def _(server: ReferenceServer) -> None:
    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        if isinstance(body, dict) and isinstance(body.get("taskQueue"), str) and len(body["taskQueue"]) == 256:
            body["taskQueue"] = body["taskQueue"][:255]
        original(operation, media_type, body)

    around(server, "check_body", check)


@fault("key-of-another", "ATH-004", "the key of an engine certificate belongs to another one")
def _(server: ReferenceServer) -> None:
    other = engine_certificate.__wrapped__()["clientPrivateKey"]

    def change(body: Json) -> None:
        if "engineCertificate" in body:
            body["engineCertificate"]["tls"]["clientPrivateKey"] = other

    on_answer(server, ["createAuthentication"], change)


@fault("authentication-tenant", "ATH-003", "an engine token names no tenant of the caller")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["createAuthentication"], lambda body: {**body, "tenantId": server.platform.new_id()})


@fault("form-empty", "DOC-010", "a form is downloaded as an empty file")
def _(server: ReferenceServer) -> None:
    def download(original: Any, caller: Principal, id: str, query: Json) -> Answer:
        answer: Answer = original()
        return Answer(content=b"", media_type=answer.media_type)

    on_call(server, "downloadProcessItemTaskDataWebformsAsDocument", download)


@fault("worker-type-bound", "WRK-005", "activity types of 256 characters are accepted")
def _(server: ReferenceServer) -> None:
    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        if operation.id == "createWorker" and isinstance(body, dict) and isinstance(body.get("activityTypes"), list):
            body = {**body, "activityTypes": [t[:255] if isinstance(t, str) else t for t in body["activityTypes"]]}
        original(operation, media_type, body)

    around(server, "check_body", check)


@fault("worker-ip-39", "WRK-004", "an ip of 40 characters is refused")
def _(server: ReferenceServer) -> None:
    refuse_if(server, "createWorker", lambda caller, body: len(body["ip"]) > 39, 400, "Too long")


@fault("worker-types-kept", "WRK-002", "an updated worker keeps the activity types it had")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        known = server.platform.workers.rows.get(f"{caller.tenant_id}/{body['identity']}")
        before = known and known.fields.get("activityTypes")
        answer: Answer = original()
        if known and answer.json is not None:
            known.fields.pop("activityTypes", None)
            known.fields.update({"activityTypes": before} if before else {})
            return Answer(answer.status, known.render())
        return answer

    on_call(server, "createWorker", create)
