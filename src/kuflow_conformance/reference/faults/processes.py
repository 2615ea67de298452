"""Faults of the lives of processes and tasks."""

from __future__ import annotations

from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call, refuse_if
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, LogEntry, Principal, Process, ProcessItem, Task
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


@fault("task-part-missing", "ITM-001", "a claimed task is answered without its task part")
def _(server: ReferenceServer) -> None:
    on_answer(server, ["claimProcessItemTask"], lambda body: {k: v for k, v in body.items() if k != "task"})


@fault("task-data-forgotten", "ITM-002", "the data given with a new task are not kept")
def _(server: ReferenceServer) -> None:
    def new_task(original: Any, process: Process, body: Json | None) -> Task:
        return original(process, body and {k: v for k, v in body.items() if k != "data"})  # type: ignore[no-any-return]

    around(server.platform, "new_task", new_task)


@fault("task-created-claimed", "ITM-003", "a new task is CLAIMED")
def _(server: ReferenceServer) -> None:
    def change(body: Json) -> None:
        if "task" in body:
            body["task"]["state"] = "CLAIMED"

    on_answer(server, ["createProcessItem"], change)


@fault("message-trimmed", "ITM-004", "line breaks in the text of a message are lost")
def _(server: ReferenceServer) -> None:
    def new_message(original: Any, body: Json | None) -> Any:
        if body and "text" in body:
            body = {**body, "text": " ".join(body["text"].split())}
        return original(body)

    around(server.platform, "new_message", new_message)


@fault("owner-forgotten", "ITM-005", "ownerEmail is ignored at creation of a task")
def _(server: ReferenceServer) -> None:
    on_call(
        server,
        "createProcessItem",
        lambda original, caller, body: original(body={k: v for k, v in body.items() if k != "ownerEmail"}),
    )


@fault("claim-without-owner", "ITM-006", "a claimed task has no owner")
def _(server: ReferenceServer) -> None:
    def claim(original: Any, caller: Principal, id: str) -> Answer:
        original()
        item, _ = item_of(server, id)
        item.owner_id = None
        return Answer(json=item.render())

    on_call(server, "claimProcessItemTask", claim)


@fault("assign-by-email-to-caller", "ITM-007", "assigning by email assigns to the caller")
def _(server: ReferenceServer) -> None:
    on_call(
        server,
        "assignProcessItemTask",
        lambda original, caller, id, body: original(body={"ownerId": caller.id} if "ownerEmail" in body else body),
    )


@fault("complete-task-not-kept", "ITM-008", "completing a task answers COMPLETED, but it stays CLAIMED")
def _(server: ReferenceServer) -> None:
    def change(caller: Principal, id: str) -> None:
        item_of(server, id)[1].state = "CLAIMED"

    after_call(server, "completeProcessItemTask", change)


@fault("refused-complete-touches", "ITM-009", "a refused completion of a READY task makes the caller its owner")
def _(server: ReferenceServer) -> None:
    def complete(original: Any, caller: Principal, id: str) -> Answer:
        try:
            answer: Answer = original()
        except Refused:
            if (row := server.platform.items.rows.get(id.lower())) and row.task and row.task.state == "READY":
                row.owner_id = caller.id
            raise
        return answer

    on_call(server, "completeProcessItemTask", complete)


@fault("claim-revives", "ITM-010", "a COMPLETED task can be claimed again")
def _(server: ReferenceServer) -> None:
    def claim(original: Any, caller: Principal, id: str) -> Answer:
        row = server.platform.items.rows.get(id.lower())
        if row and row.task and row.task.state == "COMPLETED":
            row.task.state = "READY"
        answer: Answer = original()
        return answer

    on_call(server, "claimProcessItemTask", claim)


@fault("assign-clears-data", "ITM-011", "assigning a task clears its data")
def _(server: ReferenceServer) -> None:
    def assign(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        original()
        item, task = item_of(server, id)
        task.data.value = {}
        return Answer(json=item.render())

    on_call(server, "assignProcessItemTask", assign)


@fault("message-claimed", "ITM-012", "claiming a message is answered with success")
def _(server: ReferenceServer) -> None:
    def claim(original: Any, caller: Principal, id: str) -> Answer:
        row = server.platform.items.rows.get(id.lower())
        if row and row.message:
            return Answer(json=row.render())
        answer: Answer = original()
        return answer

    on_call(server, "claimProcessItemTask", claim)


@fault("assign-to-nobody", "ITM-014", "assigning to nobody is accepted")
def _(server: ReferenceServer) -> None:
    def assign(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        if not body:
            return Answer(json=server.platform.items.rows[id.lower()].render())
        answer: Answer = original()
        return answer

    on_call(server, "assignProcessItemTask", assign)


@fault("unknown-task-definition", "ITM-015", "an unknown task definition is taken for the first one")
def _(server: ReferenceServer) -> None:
    def new_task(original: Any, process: Process, body: Json | None) -> Task:
        codes = [definition.code for definition in process.definition.tasks]
        if body and body["taskDefinitionCode"].startswith("CONFORMANCE") and body["taskDefinitionCode"] not in codes:
            body = {**body, "taskDefinitionCode": codes[0]}
        return original(process, body)  # type: ignore[no-any-return]

    around(server.platform, "new_task", new_task)


@fault("log-level-info", "LOG-001", "every log entry is kept as INFO")
def _(server: ReferenceServer) -> None:
    on_call(
        server, "appendProcessItemTaskLog", lambda original, caller, id, body: original(body={**body, "level": "INFO"})
    )


@fault("log-unordered", "LOG-002", "a new log entry comes before the last one")
def _(server: ReferenceServer) -> None:
    def change(caller: Principal, id: str) -> None:
        logs = item_of(server, id)[1].logs
        logs[-2:] = logs[-2:][::-1]

    after_call(server, "appendProcessItemTaskLog", change)


@fault("log-ids-shared", "LOG-003", "all entries of a log have the same id")
def _(server: ReferenceServer) -> None:
    def change(caller: Principal, id: str) -> None:
        logs = item_of(server, id)[1].logs
        logs[:] = [LogEntry(logs[0].id, entry.timestamp, entry.message, entry.level) for entry in logs]

    after_call(server, "appendProcessItemTaskLog", change)


@fault("log-drops-newest", "LOG-004", "a full log drops its newest entry")
def _(server: ReferenceServer) -> None:
    def append(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        item, task = item_of(server, id)
        before = list(task.logs)
        original()
        if len(before) == len(task.logs):
            task.logs[:] = before[:-1] + task.logs[-1:]
        return Answer(json=item.render())

    on_call(server, "appendProcessItemTaskLog", append)


@fault("log-timestamps-shared", "LOG-006", "the timestamp of a log entry is that of the first API release")
def _(server: ReferenceServer) -> None:
    on_answer(
        server,
        ["appendProcessItemTaskLog", "retrieveProcessItem"],
        lambda body: [entry.update(timestamp="2024-06-14T00:00:00Z") for entry in body.get("task", {}).get("logs", ())],
    )


@fault("log-cut", "LOG-001", "a log message is cut to 255 characters")
def _(server: ReferenceServer) -> None:
    on_call(
        server,
        "appendProcessItemTaskLog",
        lambda original, caller, id, body: original(body={**body, "message": body["message"][:255]}),
    )


@fault("claim-clears-log", "ITM-011", "claiming a task clears its log")
def _(server: ReferenceServer) -> None:
    def claim(original: Any, caller: Principal, id: str) -> Answer:
        original()
        item, task = item_of(server, id)
        task.logs.clear()
        return Answer(json=item.render())

    on_call(server, "claimProcessItemTask", claim)


@fault("complete-clears-owner", "ITM-011", "a completed task loses its owner")
def _(server: ReferenceServer) -> None:
    def change(caller: Principal, id: str) -> None:
        item_of(server, id)[0].owner_id = None

    after_call(server, "completeProcessItemTask", change)


@fault("save-unclaims", "JSV-009", "saving the data of a claimed task makes it READY again")
def _(server: ReferenceServer) -> None:
    def change(caller: Principal, id: str) -> None:
        item_of(server, id)[1].state = "READY"

    after_call(server, "updateProcessItemTaskData", change)


@fault("message-data-dropped", "ITM-004", "the data of a message are not kept")
def _(server: ReferenceServer) -> None:
    def new_message(original: Any, body: Json | None) -> Any:
        message = original(body)
        if message.data is not None:
            message.data.value = {}
        return message

    around(server.platform, "new_message", new_message)


@fault("initiator-application-refused", "PRC-013", "an application cannot be made initiator")
def _(server: ReferenceServer) -> None:
    def change(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        principal = server.platform.principals.get(caller, body.get("initiatorId") or "")
        if principal is not None and principal.type == "APPLICATION":
            raise Refused(400, "The initiator has to be a user")
        answer: Answer = original()
        return answer

    on_call(server, "changeProcessInitiator", change)


@fault("assign-again-clears", "LIF-001", "assigning a task a second time clears its data")
def _(server: ReferenceServer) -> None:
    assigned: list[str] = []

    def assign(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        answer: Answer = original()
        _, task = item_of(server, id)
        if id.lower() in assigned:
            task.data.value = {}
        assigned.append(id.lower())
        return answer

    on_call(server, "assignProcessItemTask", assign)
