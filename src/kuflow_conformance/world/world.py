"""What tests act on: resources made on the target for the run, and a request for each operation that should succeed."""

from __future__ import annotations

import threading
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Any

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.resources import MODIFIED
from kuflow_conformance.target.credentials import Credentials
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.session import Query, Session
from kuflow_conformance.target.target_file import JsonObject
from kuflow_conformance.world import cleanup
from kuflow_conformance.world.bed import TestBed
from kuflow_conformance.world.cleanup import Made

PATIENCE = 2.0
"""Seconds that a change may take until it shows in lists, of which the documentation says nothing."""

PAUSE = 0.1
"""Seconds between two looks at whether it does."""


@dataclass(frozen=True)
class Call:
    """A request to an operation, not sent yet."""

    operation: Operation
    id: str | None = None
    query: Query | None = None
    body: Any = None
    content: bytes | None = None
    content_type: str | None = None
    headers: Mapping[str, str] | None = None
    caller: Credentials | None = None


class World:
    """Makes resources for tests. One per process of the run.

    Every id is new to the target and derived from the run's id. `NotTested` is raised when the test bed lacks what a
    resource is made of, or the target refuses to make it.
    """

    def __init__(self, session: Session, bed: TestBed, run_id: uuid.UUID, made: Made, part: str = "") -> None:
        self.session = session
        self.bed = bed
        self.run_id = run_id
        self._part = part
        self._counter = 0
        self._processes = made
        self._scratch: dict[str, str] = {}
        self.used: dict[str, list[str]] = {}
        """What generated cases of an operation have acted on."""

    def forget(self) -> None:
        """Let the next test make what it shares with others anew."""
        self._scratch.clear()
        self.used.clear()

    def operation(self, operation_id: str) -> Operation:
        return self.session.description.operations[operation_id]

    def new_id(self) -> str:
        """A UUID that only this run uses."""
        self._counter += 1
        return cleanup.new_id(self.run_id, self._part, self._counter)

    def send(self, call: Call, **changes: Any) -> Exchange:
        """Send `call`, with `changes` to its parts."""
        call = replace(call, **changes)
        exchange = self.session.call(
            call.operation,
            id=call.id,
            query=call.query,
            body=call.body,
            content=call.content,
            content_type=call.content_type,
            headers=call.headers,
            caller=call.caller,
        )
        return exchange

    def together(self, calls: Sequence[Call]) -> list[Exchange]:
        """Send `calls` at the same moment, each on a connection of its own; the answers come in their order."""
        start = threading.Barrier(len(calls))

        def send(call: Call) -> Exchange:
            start.wait()
            return self.send(call)

        with ThreadPoolExecutor(len(calls)) as pool:
            return list(pool.map(send, calls))

    def call_of(self, operation_id: str, **parts: Any) -> Call:
        """A request to an operation by its id; `parts` as of `Call`."""
        return Call(self.operation(operation_id), **parts)

    def call(self, operation_id: str, **parts: Any) -> Exchange:
        """Call an operation by its id; see `Session.call`."""
        operation = self.operation(operation_id)
        if self.session.read_only and not operation.is_read_only:
            raise NotTested(f"a read-only run does not call {operation_id}")
        exchange = self.session.call(operation, **parts)
        return exchange

    def call_until(
        self, enough: Callable[[Exchange], bool], operation_id: str, patience: float = PATIENCE, **parts: Any
    ) -> Exchange:
        """The first answer of an operation of which `enough` says so, or the one after `patience` seconds."""
        deadline = time.monotonic() + patience
        while not enough(exchange := self.call(operation_id, **parts)) and time.monotonic() < deadline:
            time.sleep(PAUSE)
        return exchange

    def hang_up(self, operation_id: str, body: JsonObject, after: float) -> None:
        """Call an operation without waiting for the answer; see `Session.hang_up`."""
        if operation_id == "createProcess":
            self._processes.add(body["id"])
        self.session.hang_up(self.operation(operation_id), body, after)

    # Resources

    def process_body(self, **changes: Any) -> JsonObject:
        body: JsonObject = {"id": self.new_id(), "processDefinitionId": self.bed.need("definition_id")}
        if self.bed.metadata.valid is not None:
            body["metadata"] = {"value": self.bed.metadata.valid}
        return body | changes

    def process(self, **changes: Any) -> Exchange:
        """A new running process."""
        return self.granted(self.call("createProcess", body=self.process_body(**changes)))

    def task_body(self, process_id: str, data: JsonObject | None = None, **changes: Any) -> JsonObject:
        sample = self.bed.task
        task: JsonObject = {"taskDefinitionCode": sample.code}
        value = sample.valid if data is None else data
        if value is not None:
            task["data"] = {"value": value}
        return {"id": self.new_id(), "type": "TASK", "processId": process_id, "task": task, **changes}

    def task(self, process_id: str | None = None, data: JsonObject | None = None, **changes: Any) -> Exchange:
        """A new task that is READY, with valid data where a sample is known."""
        body = self.task_body(process_id or self.scratch_process(), data, **changes)
        return self.granted(self.call("createProcessItem", body=body))

    def message_body(self, process_id: str, **changes: Any) -> JsonObject:
        message = {"text": "Message of the **conformance run**"}
        return {"id": self.new_id(), "type": "MESSAGE", "processId": process_id, "message": message, **changes}

    def message(self, process_id: str | None = None, **changes: Any) -> Exchange:
        """A new message."""
        return self.granted(
            self.call("createProcessItem", body=self.message_body(process_id or self.scratch_process(), **changes))
        )

    def claimed_task(self, process_id: str | None = None) -> Exchange:
        """A new task that the caller has claimed."""
        if not self.bed.claimable:
            raise NotTested(self.bed.missing("claimable"))
        return self.granted(self.call("claimProcessItemTask", id=self.id_of(self.task(process_id))))

    def working_task(self, process_id: str | None = None) -> Exchange:
        """A new task to save data and write to the log of: one that the caller has claimed, where it can be claimed.

        Whether anybody may do so before, is not documented.
        """
        return self.claimed_task(process_id) if self.bed.claimable else self.task(process_id)

    def document(
        self, process_id: str, content: bytes = b"conformance", name: str = "file.txt", type: str = "text/plain"
    ) -> Exchange:
        """A new temporary document."""
        query = {"fileContentType": type, "fileName": name}
        return self.granted(self.call("uploadProcessDocument", id=process_id, query=query, content=content))

    def worker_body(self, **changes: Any) -> JsonObject:
        body = {
            "identity": f"kuflow-conformance-{self.new_id()}",
            "taskQueue": "kuflow-conformance",
            "hostname": "conformance.example.com",
            "ip": "192.0.2.1",
        }
        if self.bed.tenant_id:
            body["tenantId"] = self.bed.tenant_id
        return body | changes

    def granted(self, exchange: Exchange) -> Exchange:
        """The answer, if it is a success; NotTested is raised when it is none."""
        if not exchange.ok:
            raise NotTested(f"{exchange.operation_id} answers {exchange.describe()[:160]}")
        return exchange

    def read_process(self, process_id: str) -> Exchange:
        """A process as it is now."""
        return self.call("retrieveProcess", id=process_id)

    def read_item(self, item_id: str) -> Exchange:
        """A task or message as it is now."""
        return self.call("retrieveProcessItem", id=item_id)

    def id_of(self, exchange: Exchange) -> str:
        key = exchange.object.get("id")
        if not isinstance(key, str):
            raise NotTested(f"{exchange.operation_id} answers without an id")
        return key

    def scratch_process(self) -> str:
        """A running process that several tests share; tests may change its data, never its state."""
        if "process" not in self._scratch:
            self._scratch["process"] = self.id_of(self.process())
        return self._scratch["process"]

    def scratch_task(self) -> str:
        """A READY task that several tests share; tests may change its data and log, never its state."""
        if "task" not in self._scratch:
            self._scratch["task"] = self.id_of(self.task())
        return self._scratch["task"]

    # Requests that should succeed

    def good_call(self, operation_id: str, *, consumes: bool = False) -> Call:
        """A request that a conforming target answers with success.

        It acts on shared resources unless `consumes` is set: then on new ones that the call may finish.
        Raises NotTested when the test bed lacks something the request needs.
        """
        return _RECIPES[operation_id](self, self.operation(operation_id), consumes)

    def changed_by_others(self, operation: Operation) -> tuple[str, ...]:
        """What other tests, at work at the same time, may change of the resource that a good call acts on.

        All share the process with the user action, which the run cannot make.
        """
        return MODIFIED if operation.id == "uploadProcessUserActionDocument" else ()

    def _process_for(self, consumes: bool) -> str:
        return self.id_of(self.process()) if consumes else self.scratch_process()

    def _task_for(self, consumes: bool) -> str:
        return self.id_of(self.working_task()) if consumes else self.scratch_task()


Recipe = Callable[[World, Operation, bool], Call]
_RECIPES: dict[str, Recipe] = {}


def _recipe(*operation_ids: str) -> Callable[[Recipe], Recipe]:
    def register(recipe: Recipe) -> Recipe:
        _RECIPES.update(dict.fromkeys(operation_ids, recipe))
        return recipe

    return register


@_recipe("findPrincipals", "findTenantUsers", "findProcesses", "findProcessItems", "findRobots")
def _list(world: World, operation: Operation, consumes: bool) -> Call:
    return Call(operation)


_READABLE = {
    "retrievePrincipal": "principal_id",
    "retrieveTenantUser": "tenant_user_id",
    "retrieveProcess": "process_id",
    "retrieveProcessItem": "process_item_id",
    "retrieveRobot": "robot_id",
    "downloadRobotSourceCode": "robot_id",
}


@_recipe(*_READABLE)
def _read(world: World, operation: Operation, consumes: bool) -> Call:
    name = _READABLE[operation.id]
    key = getattr(world.bed, name)
    if key is None and not world.session.read_only and operation.id == "retrieveProcess":
        key = world.scratch_process()
    if key is None and not world.session.read_only and operation.id == "retrieveProcessItem":
        key = world.scratch_task()
    return Call(operation, id=key or world.bed.need(name))


@_recipe("createAuthentication")
def _create_authentication(world: World, operation: Operation, consumes: bool) -> Call:
    tenant = {"tenantId": world.bed.tenant_id} if world.bed.tenant_id else {}
    return Call(operation, body={"type": "ENGINE_TOKEN", **tenant})


@_recipe("createProcess")
def _create_process(world: World, operation: Operation, consumes: bool) -> Call:
    return Call(operation, body=world.process_body())


@_recipe("completeProcess", "cancelProcess")
def _end_process(world: World, operation: Operation, consumes: bool) -> Call:
    return Call(operation, id=world._process_for(consumes))


@_recipe("changeProcessInitiator")
def _change_initiator(world: World, operation: Operation, consumes: bool) -> Call:
    return Call(operation, id=world._process_for(consumes), body={"initiatorId": world.bed.need("principal_id")})


@_recipe("updateProcessMetadata", "updateProcessEntity")
def _update_process(world: World, operation: Operation, consumes: bool) -> Call:
    name = operation.path.rpartition("/")[2]
    value = getattr(world.bed, name).valid or {}
    return Call(operation, id=world._process_for(consumes), body={name: {"value": value}})


_HARMLESS_PATCH = [{"op": "add", "path": "/conformance", "value": "patched"}]


@_recipe("patchProcessMetadata", "patchProcessEntity")
def _patch_process(world: World, operation: Operation, consumes: bool) -> Call:
    return Call(operation, id=world._process_for(consumes), body=_HARMLESS_PATCH)


@_recipe("uploadProcessDocument")
def _upload(world: World, operation: Operation, consumes: bool) -> Call:
    query = {"fileContentType": "text/plain", "fileName": "file.txt"}
    return Call(operation, id=world._process_for(consumes), query=query, content=b"conformance")


@_recipe("uploadProcessUserActionDocument")
def _upload_user_action(world: World, operation: Operation, consumes: bool) -> Call:
    action = world.bed.need("user_action")
    query = {"fileContentType": "text/plain", "fileName": "file.txt", "userActionValueId": action.value_id}
    return Call(operation, id=action.process_id, query=query, content=f"conformance {world.new_id()}".encode())


@_recipe("downloadProcessDocument")
def _download(world: World, operation: Operation, consumes: bool) -> Call:
    process = world._process_for(consumes)
    reference = world.document(process).object.get("documentUri")
    return Call(operation, id=process, query={"documentUri": reference})


@_recipe("createProcessItem")
def _create_item(world: World, operation: Operation, consumes: bool) -> Call:
    return Call(operation, body=world.task_body(world.scratch_process()))


@_recipe("claimProcessItemTask", "completeProcessItemTask")
def _move_task(world: World, operation: Operation, consumes: bool) -> Call:
    if not consumes:
        return Call(operation, id=world.scratch_task())
    task = world.task() if operation.id == "claimProcessItemTask" else world.claimed_task()
    return Call(operation, id=world.id_of(task))


@_recipe("assignProcessItemTask")
def _assign(world: World, operation: Operation, consumes: bool) -> Call:
    key = world.id_of(world.task()) if consumes else world.scratch_task()
    return Call(operation, id=key, body={"ownerId": world.bed.caller_id or world.bed.need("principal_id")})


@_recipe("appendProcessItemTaskLog")
def _log(world: World, operation: Operation, consumes: bool) -> Call:
    return Call(operation, id=world._task_for(consumes), body={"message": "Conformance run", "level": "INFO"})


@_recipe("updateProcessItemTaskData")
def _update_task(world: World, operation: Operation, consumes: bool) -> Call:
    return Call(operation, id=world._task_for(consumes), body={"data": {"value": world.bed.task.valid or {}}})


@_recipe("patchProcessItemTaskData")
def _patch_task(world: World, operation: Operation, consumes: bool) -> Call:
    return Call(operation, id=world._task_for(consumes), body=_HARMLESS_PATCH)


@_recipe("downloadProcessItemTaskDataWebformsAsDocument")
def _webforms(world: World, operation: Operation, consumes: bool) -> Call:
    webforms = world.bed.need("webforms")
    sample = next((sample for sample in world.bed.tasks if sample.code == webforms.code), None)
    if sample is None or sample.valid is None:
        raise NotTested(
            f"test-bed.webforms names {webforms.code}: add [[test-bed.tasks]] with that code and valid data"
        )
    body = {"taskDefinitionCode": sample.code, "data": {"value": sample.valid}}
    task = world.task(task=body)
    return Call(operation, id=world.id_of(task), query={"propertyPath": webforms.property_path})


@_recipe("createWorker")
def _create_worker(world: World, operation: Operation, consumes: bool) -> Call:
    return Call(operation, body=world.worker_body())


@_recipe("downloadRobotAsset")
def _asset(world: World, operation: Operation, consumes: bool) -> Call:
    return Call(operation, id=world.bed.need("robot_id"), query=world.bed.need("robot_asset").model_dump())
