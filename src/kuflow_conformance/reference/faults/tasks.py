"""Faults of tasks and messages: creation, owners, states."""

from __future__ import annotations

from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer, on_call
from kuflow_conformance.reference.faults.processes import after_call, item_of
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal, Process, Task
from kuflow_conformance.reference.operations import Answer, Refused


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
