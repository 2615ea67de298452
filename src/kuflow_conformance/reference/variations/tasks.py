"""Legal rules for tasks and the ends of processes: who may do what when, and what a log keeps."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_call, refuse_if
from kuflow_conformance.reference.model import Json, Principal, ProcessItem, Task
from kuflow_conformance.reference.operations import Answer, Refused, items
from kuflow_conformance.reference.variations.answers import every_json
from kuflow_conformance.reference.variations.table import SILENT, variation


def _no_action_if(
    server: ReferenceServer, operations: Iterable[str], holds: Callable[[Principal, ProcessItem, Task], bool]
) -> None:
    """Let `operations` on a task succeed without doing anything when `holds(caller, item, task)`."""

    def call(original: Any, caller: Principal, id: str) -> Answer:
        item, task = server.platform.task_of(caller, id)
        if holds(caller, item, task):
            return Answer(json=item.render())
        answer: Answer = original()
        return answer

    for operation_id in operations:
        on_call(server, operation_id, call)


@variation("log-bound-10", "a log holds ten entries", SILENT)
def _(server: ReferenceServer) -> None:
    items.LOG_BOUND = 10


@variation("log-bound-1000", "a log holds a thousand entries", SILENT)
def _(server: ReferenceServer) -> None:
    items.LOG_BOUND = 1000


@variation("log-newest-first", "a log shows its newest entry first", SILENT)
def _(server: ReferenceServer) -> None:
    def change(status: int, body: Any) -> Any:
        task = body.get("task")
        if isinstance(task, dict) and "logs" in task:
            return {**body, "task": {**task, "logs": task["logs"][::-1]}}
        return body

    every_json(server, change)


@variation("assign-keeps-ready", "an assigned task is still READY", SILENT)
def _(server: ReferenceServer) -> None:
    def assign(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        item, _ = server.platform.active_task_of(caller, id)
        owner = server.platform.principal_named(caller, body, "owner")
        if owner is None:
            raise Refused(400, "Name the owner")
        item.owner_id = owner.id
        server.platform.touch(caller, item.audit)
        return Answer(json=item.render())

    on_call(server, "assignProcessItemTask", assign)


@variation("claim-again", "claiming a task that the caller has claimed takes no action", SILENT)
def _(server: ReferenceServer) -> None:
    _no_action_if(
        server,
        ["claimProcessItemTask"],
        lambda caller, item, task: task.state == "CLAIMED" and item.owner_id == caller.id,
    )


@variation("complete-unclaimed", "a READY task can be completed at once", SILENT)
def _(server: ReferenceServer) -> None:
    def complete(original: Any, caller: Principal, id: str) -> Answer:
        _, task = server.platform.task_of(caller, id)
        if task.state == "READY":
            server.platform.claim_process_item_task(caller, id)
        answer: Answer = original()
        return answer

    on_call(server, "completeProcessItemTask", complete)


@variation("complete-needs-valid", "a task with invalid data cannot be completed", SILENT)
def _(server: ReferenceServer) -> None:
    def invalid(caller: Principal, id: str) -> bool:
        _, task = server.platform.task_of(caller, id)
        return not task.data.render()["valid"]

    refuse_if(server, "completeProcessItemTask", invalid, 409, "The data is invalid")


@variation("end-needs-no-items", "a process with open tasks cannot be completed", SILENT)
def _(server: ReferenceServer) -> None:
    refuse_if(
        server,
        "completeProcess",
        lambda caller, id: bool(server.platform.active_tasks(caller, id)),
        409,
        "There are open tasks",
    )


@variation("end-over", "a completed process can be cancelled", SILENT)
def _(server: ReferenceServer) -> None:
    around(
        server.platform,
        "running",
        lambda original, process: process if process.state == "COMPLETED" else original(process),
    )


@variation(
    "claim-forbidden", "the credentials may not claim tasks: they are no candidate", "task definitions name candidates"
)
def _(server: ReferenceServer) -> None:
    refuse_if(server, "claimProcessItemTask", lambda caller, **arguments: True, 403, "Not a candidate")


@variation("only-the-owner", "data and log of a task can be changed only by who has claimed it", SILENT)
def _(server: ReferenceServer) -> None:
    def not_the_owner(caller: Principal, id: str, **arguments: Any) -> bool:
        item = server.platform.items.get(caller, id)
        task = item.task if item else None
        return bool(item and task and (task.state != "CLAIMED" or item.owner_id != caller.id))

    for operation_id in ("updateProcessItemTaskData", "patchProcessItemTaskData", "appendProcessItemTaskLog"):
        refuse_if(server, operation_id, not_the_owner, 403, "The task is not claimed by the caller")


@variation("owners-limited", "only applications may own tasks", "task definitions name candidates")
def _(server: ReferenceServer) -> None:
    def named(original: Any, caller: Principal, body: Json, prefix: str) -> Principal | None:
        found: Principal | None = original(caller, body, prefix)
        if prefix == "owner" and found is not None and found.type == "USER":
            raise Refused(403, "Not a candidate")
        return found

    around(server.platform, "principal_named", named)


@variation("log-bound-5", "a log holds five entries", SILENT)
def _(server: ReferenceServer) -> None:
    items.LOG_BOUND = 5


@variation("finished-no-action", "claiming, assigning and completing finished tasks succeed, and do nothing", SILENT)
def _(server: ReferenceServer) -> None:
    _no_action_if(
        server,
        ["claimProcessItemTask", "completeProcessItemTask"],
        lambda caller, item, task: task.state in ("COMPLETED", "CANCELLED"),
    )


@variation("claim-any-no-action", "claiming a task that somebody has claimed succeeds, and does nothing", SILENT)
def _(server: ReferenceServer) -> None:
    _no_action_if(server, ["claimProcessItemTask"], lambda caller, item, task: task.state == "CLAIMED")


@variation("claim-takes-over", "claiming a task that somebody has claimed makes the caller its owner", SILENT)
def _(server: ReferenceServer) -> None:
    def claim(original: Any, caller: Principal, id: str) -> Answer:
        item, task = server.platform.task_of(caller, id)
        if task.state == "CLAIMED" and item.owner_id != caller.id:
            task.state = "READY"
        answer: Answer = original()
        return answer

    on_call(server, "claimProcessItemTask", claim)


@variation("ended-open", "the data of processes that have ended can still be changed", SILENT)
def _(server: ReferenceServer) -> None:
    ends = ("completeProcess", "cancelProcess")
    honest = server.platform.running

    def execute(original: Any, operation: Operation, caller: Any, arguments: Json) -> Answer:
        server.platform.running = honest if operation.id in ends else lambda process: process  # type: ignore[method-assign]
        answer: Answer = original(operation, caller, arguments)
        return answer

    around(server, "execute", execute)
