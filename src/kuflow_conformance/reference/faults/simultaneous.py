"""Faults that show only when several requests are in work at the same time."""

from __future__ import annotations

import asyncio
import copy
import time
from collections.abc import Callable
from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_call
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Document, Json, Principal, Process
from kuflow_conformance.reference.operations import Answer, Refused

WORK = 0.03
"""Seconds between reading something and writing it back."""

Restore = Callable[[], Any]


def stale(server: ReferenceServer, method: str, end: str, read: Callable[[str], Restore | None]) -> None:
    """Let requests to paths with this end write over what came meanwhile.

    `read(id)` remembers something as the request begins; what it returns puts that back before the request is carried
    out, `WORK` seconds later, as a server does that reads, works and writes without a lock.
    """
    inner = server.asgi

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and scope["method"] == method and path.endswith(end):
            parts = path.removesuffix(end).rsplit("/", 1)
            restore = read(parts[-1].lower())
            await asyncio.sleep(WORK)
            if restore is not None:
                restore()
        await inner(scope, receive, send)

    server.asgi = asgi  # type: ignore[assignment]


def _task_part(server: ReferenceServer, name: str) -> Callable[[str], Restore | None]:
    def read(key: str) -> Restore | None:
        item = server.platform.items.rows.get(key)
        if item is None or item.task is None:
            return None
        task, kept = item.task, copy.copy(getattr(item.task, name))
        return lambda: setattr(task, name, kept)

    return read


@fault("log-written-over", "SIM-001", "log entries that are appended at the same time write over each other")
def _(server: ReferenceServer) -> None:
    stale(server, "POST", "/task/~actions/append-log", _task_part(server, "logs"))


@fault("data-written-over", "SIM-001", "patches of task data at the same time write over each other")
def _(server: ReferenceServer) -> None:
    stale(server, "PATCH", "/task/data", _task_part(server, "data"))


@fault("entity-written-over", "SIM-001", "patches of an entity at the same time write over each other")
def _(server: ReferenceServer) -> None:
    def read(key: str) -> Restore | None:
        process = server.platform.processes.rows.get(key)
        if process is None:
            return None
        kept = copy.copy(process.entity)
        return lambda: setattr(process, "entity", kept)

    stale(server, "PATCH", "/entity", read)


@fault("uploads-share-a-uri", "SIM-001", "documents of one process in the same moment share their uri")
def _(server: ReferenceServer) -> None:
    def store(original: Any, process: Process, query: Json, content: bytes) -> Document:
        document: Document = original(process, query, content)
        del process.documents[document.uri]
        document.uri = f"{process.id}-{time.time() // 0.05:.0f}"
        process.documents[document.uri] = document
        return document

    around(server.platform, "store_document", store)


@fault("items-lost-at-once", "SIM-001", "an item is lost when five are created in its process within 50 milliseconds")
def _(server: ReferenceServer) -> None:
    moments: dict[str, list[float]] = {}

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original()
        now = time.monotonic()
        recent = [moment for moment in moments.get(body["processId"], []) if now - moment < 0.05]
        moments[body["processId"]] = [*recent, now]
        if answer.status == 201 and answer.json and len(recent) >= 4:
            server.platform.items.remove(answer.json["id"])
        return answer

    on_call(server, "createProcessItem", create)


@fault("worker-twice", "SIM-003", "registrations of a worker at the same time each make one")
def _(server: ReferenceServer) -> None:
    began: dict[str, float] = {}

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        key, now = f"{caller.tenant_id}/{body['identity']}", time.monotonic()
        known = key in server.platform.workers.rows
        if not known:
            began[key] = now
        elif now - began.get(key, 0.0) < 0.02:
            del server.platform.workers.rows[key]
        answer: Answer = original()
        return answer

    on_call(server, "createWorker", create)


@fault("claims-collide", "ANS-002", "a claim fails when the task was claimed within the last 50 milliseconds")
def _(server: ReferenceServer) -> None:
    claimed: dict[str, float] = {}

    def claim(original: Any, caller: Principal, id: str) -> Answer:
        if time.monotonic() - claimed.get(id, 0.0) < 0.05:
            raise Refused(500, "could not serialize access due to concurrent update")
        answer: Answer = original()
        claimed[id] = time.monotonic()
        return answer

    on_call(server, "claimProcessItemTask", claim)


@fault(
    "claim-rolled-back",
    "SIM-002",
    "a task that is claimed twice in one moment is READY again",
)
def _(server: ReferenceServer) -> None:
    claimed: dict[str, float] = {}

    def claim(original: Any, caller: Principal, id: str) -> Answer:
        _, task = server.platform.task_of(caller, id)
        if task.state == "CLAIMED" and time.monotonic() - claimed.get(id, 0.0) < 0.05:
            task.state = "READY"
            raise Refused(409, "The task is claimed by somebody else")
        answer: Answer = original()
        claimed[id] = time.monotonic()
        return answer

    on_call(server, "claimProcessItemTask", claim)


@fault("saves-mixed", "SIM-002", "values that are saved as metadata in the same moment are mixed")
def _(server: ReferenceServer) -> None:
    saved: dict[str, float] = {}

    def save(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        process = server.platform.processes.get(caller, id)
        before = process.metadata.value if process else {}
        answer: Answer = original()
        if process and time.monotonic() - saved.get(id, 0.0) < 0.01:
            process.metadata.value = {**before, **body["metadata"]["value"], "only": before.get("only")}
        saved[id] = time.monotonic()
        return answer

    on_call(server, "updateProcessMetadata", save)


@fault("cancels-undo-tasks", "SIM-002", "the last of simultaneous cancellations leaves tasks as it read them")
def _(server: ReferenceServer) -> None:
    def read(key: str) -> Restore | None:
        tasks = [item.task for item in server.platform.items.rows.values() if item.process_id == key and item.task]
        states = [(task, task.state) for task in tasks]
        process = server.platform.processes.rows.get(key)

        def restore() -> None:
            if process is not None and process.state == "CANCELLED":
                for task, state in states:
                    task.state = state

        return restore

    stale(server, "POST", "/~actions/cancel", read)


@fault("initiators-collide", "SIM-002", "initiators that are changed in the same moment leave the caller as initiator")
def _(server: ReferenceServer) -> None:
    changed: dict[str, float] = {}

    def change(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        answer: Answer = original()
        if time.monotonic() - changed.get(id, 0.0) < 0.01:
            server.platform.processes.rows[id.lower()].initiator_id = server.platform.new_id()
        changed[id] = time.monotonic()
        return answer

    on_call(server, "changeProcessInitiator", change)
