"""Processes: creation, the end, the initiator, metadata and entity."""

from __future__ import annotations

from kuflow_conformance.reference.model import Json, JsonValue, Principal, Process
from kuflow_conformance.reference.operations.items import Items
from kuflow_conformance.reference.operations.state import Answer, Refused


class Processes(Items):
    """The operations on processes; cancelling one cancels its tasks."""

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

    def cancel_tasks(self, caller: Principal, process: Process) -> None:
        for item, task in self.active_tasks(caller, process.id):
            task.cancelled_at = self.now()
            self.change_task(caller, item, task, "CANCELLED")

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
