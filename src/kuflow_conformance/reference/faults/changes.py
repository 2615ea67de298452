"""Faults of changes that show only when something else was there before, or elsewhere than in the answer."""

from __future__ import annotations

import copy
from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_call
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal
from kuflow_conformance.reference.operations import Answer


@fault("initiator-by-email-not-kept", "PRC-013", "a change of initiator by address is answered but not kept")
def _(server: ReferenceServer) -> None:
    def change(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        process = server.platform.processes.get(caller, id)
        before = process.initiator_id if process else ""
        answer: Answer = original()
        if process and body.get("initiatorId") is None:
            process.initiator_id = before
        return answer

    on_call(server, "changeProcessInitiator", change)


@fault("owner-by-email-once", "ITM-007", "a task that has an owner is not assigned by address")
def _(server: ReferenceServer) -> None:
    def assign(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        item = server.platform.items.get(caller, id)
        before = item.owner_id if item else None
        answer: Answer = original()
        if item and before and body.get("ownerId") is None:
            item.owner_id = before
        return answer

    on_call(server, "assignProcessItemTask", assign)


@fault("initiator-email-first-user", "PRC-013", "any address makes the first user initiator")
def _(server: ReferenceServer) -> None:
    def named(original: Any, caller: Principal, body: Json, prefix: str) -> Principal | None:
        found: Principal | None = original(caller, body, prefix)
        if found is not None and body.get("initiatorId") is None and prefix == "initiator":
            return next(principal for principal in server.platform.principals.visible(caller) if principal.email)
        return found

    around(server.platform, "principal_named", named)


@fault("initiator-back-refused", "PRC-013", "who was initiator before cannot become it again")
def _(server: ReferenceServer) -> None:
    past: dict[str, list[str]] = {}

    def change(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        process = server.platform.processes.get(caller, id)
        before = process.initiator_id if process else ""
        answer: Answer = original()
        if process and process.initiator_id != before:
            if past.setdefault(id, []).count(process.initiator_id) > 1:
                process.initiator_id = before
                answer.json = process.render()
            past[id].append(process.initiator_id)
        return answer

    on_call(server, "changeProcessInitiator", change)


def _stale_rows(server: ReferenceServer, operation_id: str, names: tuple[str, ...]) -> None:
    """Let the rows of a list show these properties as they were when the row was first shown as created."""
    first: dict[str, Json] = {}

    def execute(original: Any, operation: Any, caller: Any, arguments: Json) -> Answer:
        answer: Answer = original(operation, caller, arguments)
        if operation.id.startswith("create") and answer.status == 201 and answer.json and "id" in answer.json:
            first[answer.json["id"].lower()] = copy.deepcopy(answer.json)
        if operation.id == operation_id and answer.json:
            for row in answer.json["content"]:
                made = first.get(row["id"].lower(), {})
                row.update({name: made[name] for name in names if name in made})
        return answer

    around(server, "execute", execute)


@fault("rows-initiator-stale", "RED-002", "lists show the initiator that a process was created with")
def _(server: ReferenceServer) -> None:
    _stale_rows(server, "findProcesses", ("initiatorId",))


@fault("rows-modified-stale", "RED-002", "lists show a process as modified when it was created")
def _(server: ReferenceServer) -> None:
    _stale_rows(server, "findProcesses", ("lastModifiedAt",))


@fault("rows-of-items-modified-stale", "RED-002", "lists show an item as modified when it was created")
def _(server: ReferenceServer) -> None:
    _stale_rows(server, "findProcessItems", ("lastModifiedAt", "lastModifiedBy"))


@fault("rows-owner-stale", "RED-002", "lists show the first owner of a task that has been assigned again")
def _(server: ReferenceServer) -> None:
    owners: dict[str, str] = {}

    def execute(original: Any, operation: Any, caller: Any, arguments: Json) -> Answer:
        answer: Answer = original(operation, caller, arguments)
        if operation.id == "assignProcessItemTask" and answer.json:
            owners.setdefault(answer.json["id"].lower(), answer.json.get("ownerId", ""))
        if operation.id == "findProcessItems" and answer.json:
            for row in answer.json["content"]:
                if row["id"].lower() in owners:
                    row["ownerId"] = owners[row["id"].lower()]
        return answer

    around(server, "execute", execute)


@fault("third-assign-loses-owner", "ITM-007", "a task that is assigned for the third time has no owner")
def _(server: ReferenceServer) -> None:
    count: dict[str, int] = {}

    def assign(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        answer: Answer = original()
        count[id] = count.get(id, 0) + 1
        if count[id] == 3:
            server.platform.items.rows[id.lower()].owner_id = None
        return answer

    on_call(server, "assignProcessItemTask", assign)


@fault("completed-by-initiator", "ITM-011", "a completed task belongs to the initiator of its process")
def _(server: ReferenceServer) -> None:
    def complete(original: Any, caller: Principal, id: str) -> Answer:
        answer: Answer = original()
        item = server.platform.items.rows[id.lower()]
        item.owner_id = server.platform.processes.rows[item.process_id.lower()].initiator_id
        return answer

    on_call(server, "completeProcessItemTask", complete)


@fault("initiator-takes-tasks", "LIF-001", "a new initiator owns the tasks of the process that somebody owned")
def _(server: ReferenceServer) -> None:
    def change(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        answer: Answer = original()
        for item in server.platform.items.visible(caller):
            if item.process_id == id and item.owner_id:
                item.owner_id = server.platform.processes.rows[id.lower()].initiator_id
        return answer

    on_call(server, "changeProcessInitiator", change)


@fault("cancel-empties-logs", "PRC-007", "cancelling a process empties the logs of its COMPLETED tasks")
def _(server: ReferenceServer) -> None:
    def cancel(original: Any, caller: Principal, id: str) -> Answer:
        answer: Answer = original()
        for item in server.platform.items.visible(caller):
            if item.process_id == id and item.task and item.task.state == "COMPLETED":
                item.task.logs.clear()
        return answer

    on_call(server, "cancelProcess", cancel)


@fault("cancel-removes-messages", "LIF-001", "cancelling a process removes its messages")
def _(server: ReferenceServer) -> None:
    def cancel(original: Any, caller: Principal, id: str) -> Answer:
        answer: Answer = original()
        for item in [item for item in server.platform.items.visible(caller) if item.process_id == id and item.message]:
            server.platform.items.remove(item.id)
        return answer

    on_call(server, "cancelProcess", cancel)
