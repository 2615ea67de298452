"""Faults that show in some states of a resource only."""

from __future__ import annotations

import copy
from collections.abc import Callable
from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import on_call, refuse_if
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal, Process, ProcessItem
from kuflow_conformance.reference.operations import Answer, Refused


def _process(server: ReferenceServer, body: Json) -> Process | None:
    return server.platform.processes.rows.get(str(body.get("id")).lower())


def _item(server: ReferenceServer, body: Json) -> ProcessItem | None:
    return server.platform.items.rows.get(str(body.get("id")).lower())


def _when_process_again(server: ReferenceServer, act: Callable[[Process, Principal, Json], None]) -> None:
    """Let `act(process, caller, body)` change a process that is created again."""

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        if (process := _process(server, body)) is not None:
            act(process, caller, body)
        answer: Answer = original()
        return answer

    on_call(server, "createProcess", create)


def _when_item_again(server: ReferenceServer, act: Callable[[ProcessItem, Principal, Json], None]) -> None:
    """Let `act(item, caller, body)` change an item that is created again."""

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        if (item := _item(server, body)) is not None:
            act(item, caller, body)
        answer: Answer = original()
        return answer

    on_call(server, "createProcessItem", create)


@fault("again-restarts", "IDM-009", "creating with the id of a cancelled process starts it anew")
def _(server: ReferenceServer) -> None:
    def act(process: Process, caller: Principal, body: Json) -> None:
        process.state = "RUNNING" if process.state == "CANCELLED" else process.state

    _when_process_again(server, act)


@fault("again-refused-when-cancelled", "IDM-009", "creating with the id of a cancelled process is refused")
def _(server: ReferenceServer) -> None:
    def act(process: Process, caller: Principal, body: Json) -> None:
        if process.state == "CANCELLED":
            raise Refused(409, "The process is cancelled")

    _when_process_again(server, act)


@fault("again-new-when-completed", "IDM-009", "creating with the id of a completed process is answered with 201")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        process = _process(server, body)
        answer: Answer = original()
        if process is not None and process.state == "COMPLETED":
            answer.status = 201
        return answer

    on_call(server, "createProcess", create)


@fault("again-first-answer", "IDM-009", "a repeated creation answers what the first one was answered")
def _(server: ReferenceServer) -> None:
    first: dict[str, Json] = {}

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original()
        assert answer.json is not None
        answer.json = first.setdefault(answer.json["id"].lower(), copy.deepcopy(answer.json))
        return answer

    on_call(server, "createProcess", create)
    on_call(server, "createProcessItem", create)


@fault("again-changes-initiator", "IDM-009", "a repeated creation makes the caller the initiator, if none is named")
def _(server: ReferenceServer) -> None:
    def act(process: Process, caller: Principal, body: Json) -> None:
        if "initiatorId" not in body and "initiatorEmail" not in body:
            process.initiator_id = caller.id

    _when_process_again(server, act)


@fault("again-resets-metadata", "IDM-009", "a repeated creation with the same body sets its metadata anew")
def _(server: ReferenceServer) -> None:
    given: dict[str, Json] = {}

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        key = str(body.get("id"))
        process = _process(server, body)
        if process is not None and given.get(key) == body and "metadata" in body:
            process.metadata.value = body["metadata"]["value"]
        given.setdefault(key, body)
        answer: Answer = original()
        return answer

    on_call(server, "createProcess", create)


@fault("again-cancels-items", "IDM-009", "creating an ended process again cancels the tasks in it")
def _(server: ReferenceServer) -> None:
    def act(process: Process, caller: Principal, body: Json) -> None:
        if process.state == "COMPLETED":
            server.platform.cancel_tasks(caller, process)

    _when_process_again(server, act)


@fault("again-unclaims", "IDM-009", "creating a claimed task again makes it READY")
def _(server: ReferenceServer) -> None:
    def act(item: ProcessItem, caller: Principal, body: Json) -> None:
        if item.task and item.task.state == "CLAIMED":
            item.task.state, item.owner_id = "READY", None

    _when_item_again(server, act)


@fault("again-empties-log", "IDM-009", "creating a task again empties its log")
def _(server: ReferenceServer) -> None:
    def act(item: ProcessItem, caller: Principal, body: Json) -> None:
        if item.task:
            item.task.logs.clear()

    _when_item_again(server, act)


@fault("again-names-owner", "IDM-009", "creating a task again with an owner assigns it")
def _(server: ReferenceServer) -> None:
    def act(item: ProcessItem, caller: Principal, body: Json) -> None:
        item.owner_id = body.get("ownerId", item.owner_id)

    _when_item_again(server, act)


@fault("again-refused-when-ended", "IDM-009", "creating an item again is refused when its process has ended")
def _(server: ReferenceServer) -> None:
    def act(item: ProcessItem, caller: Principal, body: Json) -> None:
        server.platform.running(server.platform.processes.rows[item.process_id.lower()])

    _when_item_again(server, act)


@fault("again-message-unknown", "IDM-009", "a message of a cancelled process is not found when it is created again")
def _(server: ReferenceServer) -> None:
    def act(item: ProcessItem, caller: Principal, body: Json) -> None:
        process = server.platform.processes.rows[item.process_id.lower()]
        if item.message and process.state == "CANCELLED":
            raise Refused(404, "There is no such process")

    _when_item_again(server, act)


@fault("list-of-cancelled-refused", "FLT-002", "a list filtered by a cancelled process is refused")
def _(server: ReferenceServer) -> None:
    def wrong(caller: Principal, query: Json) -> bool:
        rows = (server.platform.processes.rows.get(key.lower()) for key in query.get("processId", ()))
        return any(process is not None and process.state == "CANCELLED" for process in rows)

    refuse_if(server, "findProcessItems", wrong, 400, "The process is cancelled")


@fault("cancelled-by-state-unlisted", "RED-009", "a list by taskState CANCELLED leaves out tasks that somebody owns")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        answer: Answer = original()
        assert answer.json is not None
        if query.get("taskState") == ["CANCELLED"]:
            answer.json["content"] = [row for row in answer.json["content"] if "ownerId" not in row]
        return answer

    on_call(server, "findProcessItems", find)


@fault("state-filter-of-ready", "FLT-001", "a COMPLETED task of a completed process is listed as READY")
def _(server: ReferenceServer) -> None:
    def find(original: Any, caller: Principal, query: Json) -> Answer:
        if "READY" in query.get("taskState", ()):
            ended = {p.id for p in server.platform.processes.visible(caller) if p.state == "COMPLETED"}
            items = [i for i in server.platform.items.visible(caller) if i.process_id in ended and i.task]
            hidden = [(i.task, i.task.state) for i in items if i.task and i.task.state == "COMPLETED"]
            for task, _ in hidden:
                task.state = "READY"
            answer: Answer = original()
            for task, state in hidden:
                task.state = state
            return answer
        answer = original()
        return answer

    on_call(server, "findProcessItems", find)


@fault("documents-of-ended-refused", "DOC-011", "documents of a process that has ended cannot be downloaded")
def _(server: ReferenceServer) -> None:
    def wrong(caller: Principal, id: str, query: Json) -> bool:
        process = server.platform.processes.get(caller, id)
        return process is not None and process.state != "RUNNING"

    refuse_if(server, "downloadProcessDocument", wrong, 409, "The process has ended")


@fault("documents-of-tasks-gone", "DOC-011", "cancelling a process removes the documents that only its tasks refer to")
def _(server: ReferenceServer) -> None:
    def cancel(original: Any, caller: Principal, id: str) -> Answer:
        answer: Answer = original()
        process = server.platform.processes.rows[id.lower()]
        kept = str(process.metadata.value) + str(process.entity.value)
        process.documents = {uri: document for uri, document in process.documents.items() if uri in kept}
        return answer

    on_call(server, "cancelProcess", cancel)


@fault("complete-again-ends-items", "PRC-008", "completing a completed process again cancels the tasks in it")
def _(server: ReferenceServer) -> None:
    def complete(original: Any, caller: Principal, id: str) -> Answer:
        process = server.platform.processes.get(caller, id)
        if process is not None and process.state == "COMPLETED":
            server.platform.cancel_tasks(caller, process)
        answer: Answer = original()
        return answer

    on_call(server, "completeProcess", complete)
