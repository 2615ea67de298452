"""What the workflow behind a process may do by itself: start tasks, end things, write logs."""

from __future__ import annotations

from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import on_call, refuse_if
from kuflow_conformance.reference.model import Json, LogEntry, Principal, Process, ProcessItem
from kuflow_conformance.reference.operations import Answer
from kuflow_conformance.reference.variations.table import variation

WORKFLOW = "a workflow is behind a process, and acts as well"


def _process(server: ReferenceServer, key: str) -> Process:
    return server.platform.processes.rows[key.lower()]


def _item(server: ReferenceServer, key: str) -> ProcessItem:
    return server.platform.items.rows[key.lower()]


@variation("workflow-begins", "a new process has a task and a message already", WORKFLOW)
def _(server: ReferenceServer) -> None:
    platform = server.platform

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original()
        if answer.status == 201 and answer.json:
            process = _process(server, answer.json["id"])
            task = {"taskDefinitionCode": process.definition.tasks[0].code}
            platform.create_process_item(caller, {"type": "TASK", "processId": process.id, "task": task})
            message = {"text": "Begun"}
            platform.create_process_item(caller, {"type": "MESSAGE", "processId": process.id, "message": message})
        return answer

    on_call(server, "createProcess", create)


@variation("workflow-ends", "a process is completed when its last active task is", WORKFLOW)
def _(server: ReferenceServer) -> None:
    platform = server.platform

    def complete(original: Any, caller: Principal, id: str) -> Answer:
        answer: Answer = original()
        process = _process(server, _item(server, id).process_id)
        if process.state == "RUNNING" and not platform.active_tasks(caller, process.id):
            platform.end_process(caller, process, "COMPLETED")
        return answer

    on_call(server, "completeProcessItemTask", complete)


@variation("workflow-logs", "claiming and assigning a task leave an entry in its log", WORKFLOW)
def _(server: ReferenceServer) -> None:
    def call(original: Any, caller: Principal, id: str, **arguments: Any) -> Answer:
        answer: Answer = original()
        item = _item(server, id)
        if item.task:
            entry = LogEntry(server.platform.new_id(), server.platform.now(), f"Owned by {item.owner_id}", "INFO")
            item.task.logs.append(entry)
            answer.json = item.render()
        return answer

    for operation_id in ("claimProcessItemTask", "assignProcessItemTask"):
        on_call(server, operation_id, call)


@variation("workflow-follows", "a process is modified whenever one of its items is", WORKFLOW)
def _(server: ReferenceServer) -> None:
    def call(original: Any, caller: Principal, **arguments: Any) -> Answer:
        answer: Answer = original()
        if answer.json and "processId" in answer.json:
            server.platform.touch(caller, _process(server, answer.json["processId"]).audit)
        return answer

    for operation in server.description.operations.values():
        if not operation.is_read_only:
            on_call(server, operation.id, call)


@variation("workflow-completes-items", "completing a process cancels the tasks that are still active", WORKFLOW)
def _(server: ReferenceServer) -> None:
    platform = server.platform

    def complete(original: Any, caller: Principal, id: str) -> Answer:
        process = platform.processes.get(caller, id)
        ran = process is not None and process.state == "RUNNING"
        answer: Answer = original()
        if process is not None and ran:
            platform.cancel_tasks(caller, process)
        return answer

    on_call(server, "completeProcess", complete)


@variation("closed-with-process", "what belongs to a process that has ended takes no changes", WORKFLOW)
def _(server: ReferenceServer) -> None:
    def over(caller: Principal, id: str, **arguments: Any) -> bool:
        item = server.platform.items.get(caller, id)
        return item is not None and _process(server, item.process_id).state != "RUNNING"

    for operation in server.description.operations.values():
        if operation.id.endswith(("ProcessItemTask", "ProcessItemTaskLog", "ProcessItemTaskData")):
            refuse_if(server, operation.id, over, 409, "The process has ended")
