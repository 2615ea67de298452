"""Process items: tasks and messages, the states of a task, its log and its data."""

from __future__ import annotations

from datetime import UTC, datetime

import jsonpointer

from kuflow_conformance.reference.model import (
    Json,
    JsonValue,
    LogEntry,
    Message,
    Principal,
    Process,
    ProcessItem,
    Task,
)
from kuflow_conformance.reference.operations.state import Answer, Refused, SortKey
from kuflow_conformance.reference.operations.values import Values

LOG_BOUND = 100
ACTIVE_TASK_STATES = ("READY", "CLAIMED")


class Items(Values):
    def find_process_items(self, caller: Principal, query: Json) -> Answer:
        rows = self.listed(self.items, caller, query)
        rows = self.having(rows, query, "processId", lambda row: [row.process_id])
        rows = self.having(rows, query, "type", lambda row: [row.type])
        if "taskState" in query:
            rows = [row for row in rows if row.task and row.task.state in query["taskState"]]
        if "taskDefinitionCode" in query:
            rows = [row for row in rows if row.task and row.task.definition.code in query["taskDefinitionCode"]]

        def task_time(name: str) -> SortKey:
            # Items that were never claimed (completed, cancelled) come before those that were.
            return lambda row: getattr(row.task, name, None) or datetime.min.replace(tzinfo=UTC)

        return self.page(
            rows,
            query,
            self.audit_sorting(
                id=lambda row: row.id,
                claimedAt=task_time("claimed_at"),
                completedAt=task_time("completed_at"),
                cancelledAt=task_time("cancelled_at"),
            ),
        )

    def create_process_item(self, caller: Principal, body: Json) -> Answer:
        key = body.get("id") or self.new_id()
        existing = self.existing(self.items, caller, key)
        if existing is not None:
            return Answer(200, existing.render())
        process = self.processes.get(caller, body["processId"])
        if process is None:
            raise Refused(400, "There is no such process", [self.detail("processId", "UNKNOWN")])
        self.running(process)
        owner = self.principal_named(caller, body, "owner")
        item = ProcessItem(
            id=key,
            type=body["type"],
            process_id=process.id,
            tenant_id=caller.tenant_id,
            audit=self.audit(caller),
            owner_id=owner.id if owner else None,
        )
        if item.type == "TASK":
            item.task = self.new_task(process, body.get("task"))
        else:
            item.message = self.new_message(body.get("message"))
        self.items.add(key, item)
        event: Json = {"processId": process.id, "processItemId": key, "processItemType": item.type}
        if item.task:
            self.link_documents(process, item.task.data.value)
            event |= {"processItemTaskCode": item.task.definition.code, "processItemState": item.task.state}
        self.emit("PROCESS_ITEM.CREATED", event)
        return Answer(201, item.render())

    def new_task(self, process: Process, body: Json | None) -> Task:
        if body is None:
            raise Refused(400, "A TASK needs its task part", [self.detail("task", "REQUIRED")])
        code = body["taskDefinitionCode"]
        definition = next((d for d in process.definition.tasks if d.code == code), None)
        if definition is None:
            raise Refused(
                400, f"There is no task definition {code}", [self.detail("task.taskDefinitionCode", "UNKNOWN")]
            )
        return Task(definition, JsonValue(definition.schema, (body.get("data") or {"value": {}})["value"]))

    def new_message(self, body: Json | None) -> Message:
        if body is None:
            raise Refused(400, "A MESSAGE needs its message part", [self.detail("message", "REQUIRED")])
        data = JsonValue({}, body["data"]["value"]) if body.get("data") else None
        return Message(body.get("text"), data, body.get("dataStructureDataDefinitionCode"))

    def retrieve_process_item(self, caller: Principal, id: str) -> Answer:
        return Answer(json=self.find(self.items, caller, id, "process item").render())

    def task_of(self, caller: Principal, key: str) -> tuple[ProcessItem, Task]:
        item = self.find(self.items, caller, key, "process item")
        if item.task is None:
            raise Refused(400, f"The process item {key} is no task")
        return item, item.task

    def active_task_of(self, caller: Principal, key: str) -> tuple[ProcessItem, Task]:
        item, task = self.task_of(caller, key)
        if task.state not in ACTIVE_TASK_STATES:
            raise Refused(409, f"The task {item.id} is {task.state}")
        return item, task

    def active_tasks(self, caller: Principal, process_id: str) -> list[tuple[ProcessItem, Task]]:
        items = [item for item in self.items.visible(caller) if item.process_id == process_id]
        return [(item, item.task) for item in items if item.task and item.task.state in ACTIVE_TASK_STATES]

    def change_task(self, caller: Principal, item: ProcessItem, task: Task, state: str) -> None:
        task.state = state
        self.touch(caller, item.audit)
        self.emit(
            "PROCESS_ITEM.TASK_STATE_CHANGED",
            {
                "processId": item.process_id,
                "processItemId": item.id,
                "processItemType": item.type,
                "processItemTaskCode": task.definition.code,
                "processItemState": state,
            },
        )

    def claim_process_item_task(self, caller: Principal, id: str) -> Answer:
        item, task = self.task_of(caller, id)
        if task.state != "READY":
            raise Refused(409, f"The task {item.id} is {task.state}")
        item.owner_id, task.claimed_at = caller.id, self.now()
        self.change_task(caller, item, task, "CLAIMED")
        return Answer(json=item.render())

    def assign_process_item_task(self, caller: Principal, id: str, body: Json) -> Answer:
        item, task = self.active_task_of(caller, id)
        owner = self.principal_named(caller, body, "owner")
        if owner is None:
            raise Refused(400, "Name the owner", [self.detail("ownerId", "REQUIRED")])
        item.owner_id = owner.id
        if task.state == "READY":
            task.claimed_at = self.now()
            self.change_task(caller, item, task, "CLAIMED")
        else:
            self.touch(caller, item.audit)
        return Answer(json=item.render())

    def complete_process_item_task(self, caller: Principal, id: str) -> Answer:
        item, task = self.task_of(caller, id)
        if task.state != "CLAIMED":
            raise Refused(409, f"The task {item.id} is {task.state}, not CLAIMED")
        if item.owner_id != caller.id:
            raise Refused(403, f"The task {item.id} is claimed by somebody else")
        task.completed_at = self.now()
        self.change_task(caller, item, task, "COMPLETED")
        return Answer(json=item.render())

    def append_process_item_task_log(self, caller: Principal, id: str, body: Json) -> Answer:
        item, task = self.active_task_of(caller, id)
        task.logs.append(LogEntry(self.new_id(), self.now(), body["message"], body["level"]))
        del task.logs[: max(0, len(task.logs) - LOG_BOUND)]
        self.touch(caller, item.audit)
        return Answer(json=item.render())

    def update_process_item_task_data(self, caller: Principal, id: str, body: Json) -> Answer:
        item, task = self.active_task_of(caller, id)
        self.save(caller, self.processes.rows[item.process_id.lower()], item, task.data, body["data"]["value"])
        return Answer(json=item.render())

    def patch_process_item_task_data(self, caller: Principal, id: str, body: list[Json]) -> Answer:
        item, task = self.active_task_of(caller, id)
        value = self.patched(task.data.value, body)
        self.save(caller, self.processes.rows[item.process_id.lower()], item, task.data, value)
        return Answer(json=item.render())

    def download_process_item_task_data_webforms_as_document(self, caller: Principal, id: str, query: Json) -> Answer:
        _, task = self.task_of(caller, id)
        try:
            form = jsonpointer.resolve_pointer(task.data.value, query["propertyPath"])
        except jsonpointer.JsonPointerException as error:
            raise Refused(400, str(error), [self.detail("propertyPath", "UNKNOWN", "query")]) from error
        if not isinstance(form, dict):
            raise Refused(400, "There is no form there", [self.detail("propertyPath", "NOT_A_FORM", "query")])
        return Answer(content=b"%PDF-1.4\n%%EOF\n", media_type="application/pdf")
