"""Faults of webhooks."""

from __future__ import annotations

import json
import time
import urllib.error
import urllib.request
from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_call
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, Principal, timestamp
from kuflow_conformance.reference.operations import Answer, Refused


def on_event(server: ReferenceServer, change: Any) -> None:
    """Send the events that `change(event)` makes of each event."""
    send = server.platform.on_event

    def send_changed(event: Json) -> None:
        for changed in change(event):
            send(changed)

    server.platform.on_event = send_changed


@fault("event-missing", "WEB-001", "no event is sent for a claimed task")
def _(server: ReferenceServer) -> None:
    on_event(server, lambda event: [] if event["data"].get("processItemState") == "CLAIMED" else [event])


@fault("event-twice", "WEB-002", "the creation of a process item is sent twice")
def _(server: ReferenceServer) -> None:
    def change(event: Json) -> list[Json]:
        again = [{**event, "id": server.platform.new_id()}] if event["type"] == "PROCESS_ITEM.CREATED" else []
        return [event, *again]

    on_event(server, change)


@fault("event-without-code", "WEB-003", "the event of a task's state lacks the code of its definition")
def _(server: ReferenceServer) -> None:
    def change(event: Json) -> list[Json]:
        if event["type"] == "PROCESS_ITEM.TASK_STATE_CHANGED":
            del event["data"]["processItemTaskCode"]
        return [event]

    on_event(server, change)


@fault("event-ids-shared", "WEB-004", "the events of a process have its id")
def _(server: ReferenceServer) -> None:
    on_event(server, lambda event: [{**event, "id": event["data"]["processId"]}])


@fault("event-on-cancel-again", "WEB-005", "cancelling a cancelled process sends the event again")
def _(server: ReferenceServer) -> None:
    def cancel(original: Any, caller: Principal, id: str) -> Answer:
        before = server.platform.processes.get(caller, id)
        again = before is not None and before.state == "CANCELLED"
        answer: Answer = original()
        if again and before is not None:
            server.platform.emit("PROCESS.STATE_CHANGED", {"processId": before.id, "processState": "CANCELLED"})
        return answer

    on_call(server, "cancelProcess", cancel)


@fault("event-refused", "WEB-006", "a process is not created when the receiver refuses its event")
def _(server: ReferenceServer) -> None:
    on_event(server, lambda event: [] if event["type"] == "PROCESS.CREATED" else [event])

    def emit(original: Any, type_: str, data: Json) -> None:
        original(type_, data)
        if type_ == "PROCESS.CREATED":
            event = {"id": server.platform.new_id(), "version": "1", "type": type_, "data": data}
            event["timestamp"] = timestamp(server.platform.now())
            for url in server.webhooks:
                request = urllib.request.Request(url, json.dumps(event).encode(), {"Content-Type": "application/json"})
                try:
                    urllib.request.urlopen(request, timeout=5).close()
                except urllib.error.HTTPError as error:
                    raise Refused(409, "The receiver refused the event") from error
                except OSError:
                    continue  # nobody listens

    around(server.platform, "emit", emit)


def _event_of(server: ReferenceServer, process_id: str) -> None:
    data = {"processId": process_id, "processState": "RUNNING"}
    server.platform.emit("PROCESS.CREATED", data)


@fault("event-of-creation-again", "WEB-002", "a process that is created again sends its event again")
def _(server: ReferenceServer) -> None:
    def create(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original()
        if answer.status == 200:
            _event_of(server, body["id"])
        return answer

    on_call(server, "createProcess", create)


@fault("event-of-refused-claim", "WEB-002", "a refused claim of a claimed task sends the event of a claim")
def _(server: ReferenceServer) -> None:
    def claim(original: Any, caller: Principal, id: str) -> Answer:
        try:
            answer: Answer = original()
        except Refused as refusal:
            item = server.platform.items.get(caller, id)
            if refusal.status == 409 and item and item.task and item.task.state == "CLAIMED":
                server.platform.change_task(caller, item, item.task, "CLAIMED")
            raise
        return answer

    on_call(server, "claimProcessItemTask", claim)


@fault("event-of-data", "WEB-002", "saving the data of a task sends the event of a change of its state")
def _(server: ReferenceServer) -> None:
    def save(original: Any, caller: Principal, id: str, body: Json) -> Answer:
        answer: Answer = original()
        item, task = server.platform.task_of(caller, id)
        server.platform.change_task(caller, item, task, task.state)
        return answer

    on_call(server, "updateProcessItemTaskData", save)


@fault("event-before-the-process", "WEB-007", "the event of a process is sent 200 milliseconds before it can be read")
def _(server: ReferenceServer) -> None:
    created: dict[str, float] = {}

    def create(original: Any, caller: Principal, body: Json) -> Answer:
        answer: Answer = original()
        created[str((answer.json or {})["id"]).lower()] = time.monotonic()
        return answer

    def read(original: Any, caller: Principal, id: str) -> Answer:
        if time.monotonic() - created.get(id.lower(), 0.0) < 0.2:
            raise Refused(404, "There is no such process")
        answer: Answer = original()
        return answer

    on_call(server, "createProcess", create)
    on_call(server, "retrieveProcess", read)
