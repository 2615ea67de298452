"""Faults of the logs of tasks."""

from __future__ import annotations

from typing import Any

from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import on_answer, on_call
from kuflow_conformance.reference.faults.processes import after_call, item_of
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json, LogEntry, Principal
from kuflow_conformance.reference.operations import Answer


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
