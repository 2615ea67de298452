"""Faults of processes: creation, the end, the initiator."""

from __future__ import annotations

from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call, refuse_if
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal, Process, ProcessItem, Task
from kuflow_conformance.reference.operations import Answer, Refused


def process_of(server: ReferenceServer, key: str) -> Process:
    process = server.platform.processes.rows.get(key.lower())
    if process is None:
        raise Refused(404, f"There is no process {key}")
    return process


def item_of(server: ReferenceServer, key: str) -> tuple[ProcessItem, Task]:
    item = server.platform.items.rows.get(key.lower())
    if item is None or item.task is None:
        raise Refused(404, f"There is no task {key}")
    return item, item.task


def after_call(server: ReferenceServer, operation_id: str, change: Any) -> None:
    """Let `change(caller, id)` spoil the state after an operation on a resource; the answer stays honest."""

    def replacement(original: Any, caller: Principal, id: str, **arguments: Any) -> Answer:
        answer: Answer = original()
        change(caller, id)
        return answer

    on_call(server, operation_id, replacement)


@fault("process-created-completed", "PRC-001", "a new process is answered as COMPLETED")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["createProcess"], lambda body: {**body, "state": "COMPLETED"})


@fault("metadata-forgotten", "PRC-002", "the metadata given at creation are not kept")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original()
        assert answer.json is not None
        process_of(server, answer.json["id"]).metadata.value = {}
        return answer

    on_call(server, "createProcess", create)


@fault("initiator-email-ignored", "PRC-003", "initiatorEmail is ignored at creation")
def _(server: ReferenceServer) -> None:
    on_call(
        server,
        "createProcess",
        lambda original, caller, body: original(body={k: v for k, v in body.items() if k != "initiatorEmail"}),
    )


@fault("complete-not-kept", "PRC-004", "completing answers COMPLETED, but the process runs on")
def _(server: ReferenceServer) -> None:
    def change(caller: Principal, id: str) -> None:
        process_of(server, id).state = "RUNNING"

    after_call(server, "completeProcess", change)


@fault("cancel-completes", "PRC-005", "cancelling completes the process")
def _(server: ReferenceServer) -> None:
    around(
        server.platform,
        "end_process",
        lambda original, caller, process, state: original(caller, process, "COMPLETED"),
    )


@fault("cascade-forgets-claimed", "PRC-006", "cancelling a process leaves its CLAIMED tasks")
def _(server: ReferenceServer) -> None:
    def change_task(original: Any, caller: Principal, item: ProcessItem, task: Task, state: str) -> None:
        if state == "CANCELLED" and task.state == "CLAIMED":
            return
        original(caller, item, task, state)

    around(server.platform, "change_task", change_task)


@fault("cascade-first-only", "PRC-006", "cancelling a process cancels only the first of its tasks")
def _(server: ReferenceServer) -> None:
    seen: set[str] = set()

    def change_task(original: Any, caller: Principal, item: ProcessItem, task: Task, state: str) -> None:
        if state == "CANCELLED" and item.process_id in seen:
            return
        if state == "CANCELLED":
            seen.add(item.process_id)
        original(caller, item, task, state)

    around(server.platform, "change_task", change_task)


@fault("cascade-first-page", "PRC-006", "cancelling a process cancels the first 25 of its tasks")
def _(server: ReferenceServer) -> None:
    count: dict[str, int] = {}

    def change_task(original: Any, caller: Principal, item: ProcessItem, task: Task, state: str) -> None:
        if state == "CANCELLED":
            count[item.process_id] = count.get(item.process_id, 0) + 1
        if count.get(item.process_id, 0) <= 25:
            original(caller, item, task, state)

    around(server.platform, "change_task", change_task)


@fault("cascade-own-only", "PRC-006", "cancelling a process leaves the tasks that somebody else has claimed")
def _(server: ReferenceServer) -> None:
    def change_task(original: Any, caller: Principal, item: ProcessItem, task: Task, state: str) -> None:
        if state != "CANCELLED" or item.owner_id in (None, caller.id):
            original(caller, item, task, state)

    around(server.platform, "change_task", change_task)


@fault("cascade-takes-completed", "PRC-007", "cancelling a process cancels its COMPLETED tasks as well")
def _(server: ReferenceServer) -> None:
    def change(caller: Principal, id: str) -> None:
        for item in server.platform.items.visible(caller):
            if item.process_id == id and item.task and item.task.state == "COMPLETED":
                item.task.state = "CANCELLED"

    after_call(server, "cancelProcess", change)


@fault("complete-again-touches", "PRC-008", "completing again changes lastModifiedAt")
def _(server: ReferenceServer) -> None:
    def complete(original: Any, caller: Principal, id: str) -> Answer:
        process = process_of(server, id)
        again = process.state == "COMPLETED"
        original()
        if again:
            server.platform.touch(caller, process.audit)
        return Answer(json=process.render())

    on_call(server, "completeProcess", complete)


@fault("cancel-again-refused", "PRC-009", "cancelling a cancelled process is refused")
def _(server: ReferenceServer) -> None:
    def wrong(caller: Principal, id: str) -> bool:
        return process_of(server, id).state == "CANCELLED"

    refuse_if(server, "cancelProcess", wrong, 409, "Already cancelled")


@fault("refused-end-kept", "PRC-011", "a refused completion of a cancelled process completes it all the same")
def _(server: ReferenceServer) -> None:
    def complete(original: Any, caller: Principal, id: str) -> Answer:
        process = process_of(server, id)
        if process.state == "CANCELLED":
            process.state = "COMPLETED"
            raise Refused(409, "Already cancelled")
        answer: Answer = original()
        return answer

    on_call(server, "completeProcess", complete)


@fault("unknown-initiator-taken", "PRC-012", "an unknown initiatorEmail at creation means the caller")
def _(server: ReferenceServer) -> None:
    def named(original: Any, caller: Principal, body: Json, prefix: str) -> Principal | None:
        try:
            found: Principal | None = original(caller, body, prefix)
        except Refused:
            if prefix == "initiator" and "initiatorEmail" in body and "processDefinitionId" in body:
                return caller
            raise
        return found

    around(server.platform, "principal_named", named)


@fault("initiator-not-kept", "PRC-013", "a changed initiator is answered but not kept")
def _(server: ReferenceServer) -> None:
    def change(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        before = process_of(server, id).initiator_id
        answer: Answer = original()
        process_of(server, id).initiator_id = before
        return answer

    on_call(server, "changeProcessInitiator", change)


@fault("initiator-resets-entity", "PRC-014", "changing the initiator clears the metadata")
def _(server: ReferenceServer) -> None:
    def change(caller: Principal, id: str) -> None:
        process_of(server, id).metadata.value = {}

    after_call(server, "changeProcessInitiator", change)


@fault("initiator-nobody", "PRC-015", "changing the initiator to nobody is accepted")
def _(server: ReferenceServer) -> None:
    def change(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        answer: Answer = original() if body else Answer(json=process_of(server, id).render())
        return answer

    on_call(server, "changeProcessInitiator", change)


@fault("created-at-epoch", "PRC-016", "createdAt of new processes is the start of 1970")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["createProcess"], lambda body: {**body, "createdAt": "1970-01-01T00:00:00Z"})


@fault("initiator-application-refused", "PRC-013", "an application cannot be made initiator")
def _(server: ReferenceServer) -> None:
    def change(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        principal = server.platform.principals.get(caller, body.get("initiatorId") or "")
        if principal is not None and principal.type == "APPLICATION":
            raise Refused(400, "The initiator has to be a user")
        answer: Answer = original()
        return answer

    on_call(server, "changeProcessInitiator", change)
