"""Workers and robots."""

from __future__ import annotations

import hashlib

from kuflow_conformance.reference.model import Json, Principal, Worker
from kuflow_conformance.reference.operations.state import Answer, Refused, State

ASSET_VERSIONS = {"PYTHON": ("3.11", "3.12"), "PYTHON_PIP": ("24.0",), "NODEJS": ("20.11.0",)}


class Workers(State):
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
