"""The rules of KuFlow, without HTTP: one method per operation of the API.

Every method takes the calling `Principal` and the request's parts, and returns an `Answer` or raises `Refused`.
Where the documentation is silent, the choice made here is one of several legal ones; the suite must not rely on it.
"""

from __future__ import annotations

import copy
import hashlib
import secrets
import uuid
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any, Generic, Protocol, TypeVar

import jsonpatch
import jsonpointer

from kuflow_conformance.reference.certificates import engine_certificate
from kuflow_conformance.reference.model import (
    Audit,
    Document,
    Json,
    JsonValue,
    LogEntry,
    Message,
    Principal,
    Process,
    ProcessDefinition,
    ProcessItem,
    Robot,
    Task,
    TenantUser,
    Worker,
    document_uri,
    timestamp,
)

LOG_BOUND = 100
ACTIVE_TASK_STATES = ("READY", "CLAIMED")
ASSET_VERSIONS = {"PYTHON": ("3.11", "3.12"), "PYTHON_PIP": ("24.0",), "NODEJS": ("20.11.0",)}


class Refused(Exception):
    """The request is refused: an answer other than success, with the documented error body."""

    def __init__(self, status: int, message: str, errors: Iterable[Json] = ()) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
        self.errors = list(errors)


@dataclass
class Answer:
    """A successful answer: JSON, bytes or nothing."""

    status: int = 200
    json: Json | None = None
    content: bytes | None = None
    media_type: str = "application/json"


class Owned(Protocol):
    @property
    def tenant_id(self) -> str: ...


T = TypeVar("T", bound=Owned)


@dataclass
class Store(Generic[T]):
    """Things of one kind by id, in order of creation; each is visible to its own tenant only."""

    rows: dict[str, T] = field(default_factory=dict)
    _of_tenant: dict[str, dict[str, T]] = field(default_factory=dict)

    def add(self, key: str, row: T) -> None:
        self.rows[key.lower()] = row
        self._of_tenant.setdefault(row.tenant_id, {})[key.lower()] = row

    def remove(self, key: str) -> None:
        row = self.rows.pop(key.lower())
        del self._of_tenant[row.tenant_id][key.lower()]

    def visible(self, caller: Principal) -> list[T]:
        return list(self._of_tenant.get(caller.tenant_id, {}).values())

    def get(self, caller: Principal, key: str) -> T | None:
        row = self.rows.get(key.lower())
        return row if row is not None and row.tenant_id == caller.tenant_id else None


SortKey = Callable[[Any], Any]


class Platform:
    """The state of the server and the operations on it."""

    def __init__(self) -> None:
        self.principals: Store[Principal] = Store()
        self.tenant_users: Store[TenantUser] = Store()
        self.definitions: Store[ProcessDefinition] = Store()
        self.processes: Store[Process] = Store()
        self.items: Store[ProcessItem] = Store()
        self.workers: Store[Worker] = Store()
        self.robots: Store[Robot] = Store()
        self.on_event: Callable[[Json], None] = lambda event: None
        self._last_moment = datetime.min.replace(tzinfo=UTC)

    # Helpers

    def now(self) -> datetime:
        """The time, never the same millisecond twice, so that every change shows in `lastModifiedAt`."""
        self._last_moment = max(datetime.now(UTC), self._last_moment + timedelta(milliseconds=1))
        return self._last_moment

    def new_id(self) -> str:
        return str(uuid.uuid4())

    def audit(self, caller: Principal) -> Audit:
        now = self.now()
        return Audit(caller.id, now, caller.id, now)

    def touch(self, caller: Principal, audit: Audit) -> None:
        audit.last_modified_by, audit.last_modified_at = caller.id, self.now()

    def emit(self, type_: str, data: Json) -> None:
        self.on_event(
            {"id": self.new_id(), "version": "1", "type": type_, "timestamp": timestamp(self.now()), "data": data}
        )

    def find(self, store: Store[T], caller: Principal, key: str, what: str) -> T:
        row = store.get(caller, key)
        if row is None:
            raise Refused(404, f"There is no {what} {key}")
        return row

    def page(self, rows: Iterable[T], query: Json, sorting: dict[str, SortKey]) -> Answer:
        """One page of `rows`: sorted as asked, otherwise in their own order."""
        criteria = [criterion.partition(",") for criterion in query.get("sort", ())]
        for name, comma, direction in criteria:
            if name not in sorting or direction not in ("", "asc", "desc"):
                wrong = f"{name}{comma}{direction}"
                raise Refused(400, f"Cannot sort by {wrong}", [self.detail("sort", "INVALID_SORT", "query")])
        selected = list(rows)
        for name, _, direction in reversed(criteria):
            selected.sort(key=sorting[name], reverse=direction == "desc")
        size, number = query.get("size", 25), query.get("page", 0)
        total = len(selected)
        content = selected[number * size : (number + 1) * size]
        return Answer(
            json={
                "metadata": {
                    "size": size,
                    "page": number,
                    "totalElements": total,
                    "totalPages": self.total_pages(total, size),
                },
                "content": [self.render_row(row) for row in content],
            }
        )

    def total_pages(self, total: int, size: int) -> int:
        return -(-total // size) if size else 0

    def render_row(self, row: Any) -> Json:
        return row.render_row()  # type: ignore[no-any-return]

    def detail(self, location: str, code: str, location_type: str = "body") -> Json:
        return {"code": code, "message": f"{location}: {code}", "location": location, "locationType": location_type}

    def listed(self, store: Store[T], caller: Principal, query: Json) -> list[T]:
        """What the caller sees of `store`, or nothing when only other tenants are asked for."""
        asked = query.get("tenantId", [caller.tenant_id])
        return store.visible(caller) if caller.tenant_id in [value.lower() for value in asked] else []

    def having(self, rows: list[T], query: Json, name: str, values: Callable[[T], Iterable[str | None]]) -> list[T]:
        """Those of `rows` one of whose `values` is asked for; all, if none was. Ids and addresses in any case."""
        if name not in query:
            return rows
        wanted = {value.lower() for value in query[name]}
        return [row for row in rows if any((value or "").lower() in wanted for value in values(row))]

    def principal_named(self, caller: Principal, body: Json, prefix: str) -> Principal | None:
        """The principal that `<prefix>Id` or `<prefix>Email` names; None when neither is there."""
        key, email = body.get(f"{prefix}Id"), body.get(f"{prefix}Email")
        if key is not None:
            found = self.principals.get(caller, key)
        elif email is not None:
            users = (p for p in self.principals.visible(caller) if p.email)
            found = next((p for p in users if p.email.lower() == email.lower()), None)
        else:
            return None
        if found is None:
            raise Refused(400, f"There is no principal {key or email}", [self.detail(prefix, "UNKNOWN_PRINCIPAL")])
        return found

    def audit_sorting(self, **more: SortKey) -> dict[str, SortKey]:
        return {
            "createdAt": lambda row: row.audit.created_at,
            "lastModifiedAt": lambda row: row.audit.last_modified_at,
            **more,
        }

    # Authentications, principals, tenant users

    def create_authentication(self, caller: Principal, body: Json, oauth: bool = False) -> Answer:
        tenant = body.get("tenantId")
        if oauth and tenant is None:
            raise Refused(400, "tenantId is required with OAuth2", [self.detail("tenantId", "REQUIRED")])
        if tenant is not None and tenant.lower() != caller.tenant_id:
            raise Refused(403, f"No access to tenant {tenant}")
        answer = {
            **self.audit(caller).render(),
            "id": self.new_id(),
            "type": body["type"],
            "tenantId": caller.tenant_id,
        }
        if body["type"] == "ENGINE_TOKEN":
            answer["engineToken"] = {
                "token": secrets.token_urlsafe(32),
                "expiredAt": timestamp(self.now() + timedelta(hours=1)),
            }
        else:
            answer["engineCertificate"] = {"namespace": caller.tenant_id, "tls": engine_certificate()}
        return Answer(json=answer)

    def find_principals(self, caller: Principal, query: Json) -> Answer:
        rows = self.listed(self.principals, caller, query)
        rows = [row for row in rows if query.get("type", row.type) == row.type]
        rows = self.having(rows, query, "groupId", lambda row: row.groups)
        return self.page(rows, query, {"id": lambda row: row.id, "name": lambda row: row.name})

    def retrieve_principal(self, caller: Principal, id: str) -> Answer:
        return Answer(json=self.find(self.principals, caller, id, "principal").render())

    def find_tenant_users(self, caller: Principal, query: Json) -> Answer:
        rows = self.listed(self.tenant_users, caller, query)
        rows = self.having(rows, query, "groupId", lambda row: row.principal.groups)
        rows = self.having(rows, query, "email", lambda row: [row.principal.email])
        return self.page(rows, query, self.audit_sorting(id=lambda row: row.id))

    def retrieve_tenant_user(self, caller: Principal, id: str) -> Answer:
        return Answer(json=self.find(self.tenant_users, caller, id, "tenant user").render())

    # Processes

    def find_processes(self, caller: Principal, query: Json) -> Answer:
        return self.page(self.listed(self.processes, caller, query), query, self.audit_sorting(id=lambda row: row.id))

    def create_process(self, caller: Principal, body: Json) -> Answer:
        key = body.get("id") or self.new_id()
        existing = self.existing(self.processes, caller, key)
        if existing is not None:
            return Answer(200, existing.render())
        definition = self.definitions.get(caller, body["processDefinitionId"])
        if definition is None:
            raise Refused(400, "There is no such process definition", [self.detail("processDefinitionId", "UNKNOWN")])
        initiator = self.principal_named(caller, body, "initiator") or caller
        process = Process(
            id=key,
            definition=definition,
            tenant_id=caller.tenant_id,
            initiator_id=initiator.id,
            audit=self.audit(caller),
            metadata=JsonValue(definition.metadata_schema),
            entity=JsonValue(definition.entity_schema),
        )
        process.metadata.value = (body.get("metadata") or {"value": {}})["value"]
        self.processes.add(key, process)
        self.emit("PROCESS.CREATED", {"processId": key, "processState": process.state})
        return Answer(201, process.render())

    def existing(self, store: Store[T], caller: Principal, key: str) -> T | None:
        """What already has the id that a creation asks for. Raises Refused when it is not the caller's."""
        if key.lower() in store.rows and store.get(caller, key) is None:
            raise Refused(409, f"The id {key} is taken")
        return store.get(caller, key)

    def retrieve_process(self, caller: Principal, id: str) -> Answer:
        return Answer(json=self.find(self.processes, caller, id, "process").render())

    def complete_process(self, caller: Principal, id: str) -> Answer:
        process = self.find(self.processes, caller, id, "process")
        if process.state != "COMPLETED":
            self.running(process)
            self.end_process(caller, process, "COMPLETED")
        return Answer(json=process.render())

    def cancel_process(self, caller: Principal, id: str) -> Answer:
        process = self.find(self.processes, caller, id, "process")
        if process.state != "CANCELLED":
            self.running(process)
            self.cancel_tasks(caller, process)
            self.end_process(caller, process, "CANCELLED")
        return Answer(json=process.render())

    def active_tasks(self, caller: Principal, process_id: str) -> list[tuple[ProcessItem, Task]]:
        items = [item for item in self.items.visible(caller) if item.process_id == process_id]
        return [(item, item.task) for item in items if item.task and item.task.state in ACTIVE_TASK_STATES]

    def cancel_tasks(self, caller: Principal, process: Process) -> None:
        for item, task in self.active_tasks(caller, process.id):
            task.cancelled_at = self.now()
            self.change_task(caller, item, task, "CANCELLED")

    def running(self, process: Process) -> Process:
        if process.state != "RUNNING":
            raise Refused(409, f"The process {process.id} is {process.state}")
        return process

    def end_process(self, caller: Principal, process: Process, state: str) -> None:
        process.state = state
        self.touch(caller, process.audit)
        self.emit("PROCESS.STATE_CHANGED", {"processId": process.id, "processState": state})

    def change_process_initiator(self, caller: Principal, id: str, body: Json) -> Answer:
        process = self.running(self.find(self.processes, caller, id, "process"))
        initiator = self.principal_named(caller, body, "initiator")
        if initiator is None:
            raise Refused(400, "Name the initiator", [self.detail("initiatorId", "REQUIRED")])
        process.initiator_id = initiator.id
        self.touch(caller, process.audit)
        return Answer(json=process.render())

    def update_process_metadata(self, caller: Principal, id: str, body: Json) -> Answer:
        process = self.running(self.find(self.processes, caller, id, "process"))
        self.save(caller, process, process, process.metadata, body["metadata"]["value"])
        return Answer(json=process.render())

    def patch_process_metadata(self, caller: Principal, id: str, body: list[Json]) -> Answer:
        process = self.running(self.find(self.processes, caller, id, "process"))
        self.save(caller, process, process, process.metadata, self.patched(process.metadata.value, body))
        return Answer(json=process.render())

    def update_process_entity(self, caller: Principal, id: str, body: Json) -> Answer:
        process = self.running(self.find(self.processes, caller, id, "process"))
        self.save(caller, process, process, process.entity, body["entity"]["value"])
        return Answer(json=process.render())

    def patch_process_entity(self, caller: Principal, id: str, body: list[Json]) -> Answer:
        process = self.running(self.find(self.processes, caller, id, "process"))
        self.save(caller, process, process, process.entity, self.patched(process.entity.value, body))
        return Answer(json=process.render())

    def save(
        self, caller: Principal, process: Process, row: Process | ProcessItem, data: JsonValue, value: Json
    ) -> None:
        data.value = value
        self.link_documents(process, value)
        self.touch(caller, row.audit)

    def link_documents(self, process: Process, value: object) -> None:
        """Keep the documents that `value` refers to: they do not expire any more."""
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                self.link_documents(process, item)
        elif isinstance(value, str) and (uri := document_uri(value)) in process.documents:
            process.documents[uri].linked = True

    def patched(self, value: Json, operations: list[Json]) -> Json:
        """`value` after the JSON Patch, which either applies as a whole or is refused (RFC 6902 section 5)."""
        try:
            result = jsonpatch.apply_patch(copy.deepcopy(value), operations)
        except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException, TypeError) as error:
            raise Refused(400, f"The patch does not apply: {error}", [self.detail("patch", "PATCH_FAILED")]) from error
        if not isinstance(result, dict):
            raise Refused(400, "The patch leaves no JSON object", [self.detail("patch", "NOT_AN_OBJECT")])
        return result

    # Documents

    def upload_process_document(self, caller: Principal, id: str, query: Json, content: bytes) -> Answer:
        process = self.running(self.find(self.processes, caller, id, "process"))
        document = self.store_document(process, query, content)
        return Answer(json={"documentUri": document.reference()})

    def upload_process_user_action_document(self, caller: Principal, id: str, query: Json, content: bytes) -> Answer:
        process = self.running(self.find(self.processes, caller, id, "process"))
        action = query["userActionValueId"].lower()
        if action not in process.user_actions:
            raise Refused(400, "There is no such user action", [self.detail("userActionValueId", "UNKNOWN", "query")])
        current = process.documents.get(process.user_actions[action] or "")
        sent = (query["fileName"], query["fileContentType"], content)
        if current and (current.name, current.content_type, current.content) == sent:
            return Answer(304)
        document = self.store_document(process, query, content)
        document.linked = True
        process.user_actions[action] = document.uri
        self.touch(caller, process.audit)
        return Answer(json=process.render())

    def store_document(self, process: Process, query: Json, content: bytes) -> Document:
        document = Document(self.new_id(), query["fileContentType"], query["fileName"], content, self.now())
        process.documents[document.uri] = document
        return document

    def download_process_document(self, caller: Principal, id: str, query: Json) -> Answer:
        process = self.find(self.processes, caller, id, "process")
        reference = query["documentUri"]
        document = process.documents.get(document_uri(reference) or reference)
        if document and not document.linked and self.now() - document.uploaded_at > Document.LIFETIME:
            document = None
        if document is None:
            raise Refused(404, "There is no such document", [self.detail("documentUri", "UNKNOWN", "query")])
        return Answer(content=document.content, media_type="application/octet-stream")

    # Process items

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

    # Workers and robots

    def create_worker(self, caller: Principal, body: Json) -> Answer:
        if body.get("tenantId", caller.tenant_id).lower() != caller.tenant_id:
            raise Refused(403, f"No access to tenant {body['tenantId']}")
        for robot in body.get("robotIds") or ():
            if self.robots.get(caller, robot) is None:
                raise Refused(400, f"There is no robot {robot}", [self.detail("robotIds", "UNKNOWN")])
        names = (
            "identity",
            "taskQueue",
            "workflowTypes",
            "activityTypes",
            "hostname",
            "ip",
            "installationId",
            "robotIds",
        )
        fields = {name: body[name] for name in names if body.get(name) is not None}
        key = f"{caller.tenant_id}/{body['identity']}"
        worker = self.workers.rows.get(key)
        if worker is not None:
            worker.fields = fields
            self.touch(caller, worker.audit)
            return Answer(200, worker.render())
        worker = Worker(self.new_id(), caller.tenant_id, self.audit(caller), fields)
        self.workers.rows[key] = worker
        return Answer(201, worker.render())

    def find_robots(self, caller: Principal, query: Json) -> Answer:
        ready_only = query.get("filterContext") == "READY"
        rows = [row for row in self.listed(self.robots, caller, query) if row.ready or not ready_only]
        return self.page(rows, query, self.audit_sorting())

    def retrieve_robot(self, caller: Principal, id: str) -> Answer:
        return Answer(json=self.find(self.robots, caller, id, "robot").render())

    def download_robot_source_code(self, caller: Principal, id: str) -> Answer:
        robot = self.find(self.robots, caller, id, "robot")
        return Answer(content=robot.source, media_type="application/octet-stream")

    def download_robot_asset(self, caller: Principal, id: str, query: Json) -> Answer:
        self.find(self.robots, caller, id, "robot")
        if query["version"] not in ASSET_VERSIONS[query["type"]]:
            raise Refused(404, "There is no such asset", [self.detail("version", "UNKNOWN", "query")])
        name = "/".join(query[part] for part in ("type", "version", "platform", "architecture"))
        return Answer(content=hashlib.sha256(name.encode()).digest() * 32, media_type="application/octet-stream")
