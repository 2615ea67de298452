"""The three places where JSON values live, under one handle."""

import time
from dataclasses import dataclass
from typing import Any

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.resources import disagreements, same_id
from kuflow_conformance.target.exchange import Exchange


@dataclass
class Holder:
    """A resource of our own with a JSON value in it."""

    world: Any
    name: str
    key: str
    update: str
    patch: str
    read: str
    sample: Any

    @property
    def where(self) -> str:
        """The place of the JSON value in an answer."""
        return "task.data" if self.name == "data" else self.name

    def value(self, exchange: Exchange) -> Any:
        """The value that an answer shows; None when it shows none."""
        return exchange.at(f"{self.where}.value")

    def shows_value(self, evidence: Any, requirement: str, exchange: Exchange, value: Any, why: str) -> bool:
        """Check that the answer shows the value, which may be left out when it is empty; returns whether it does."""
        left_out = self.value(exchange) is None and "value" not in (exchange.at(self.where) or {})
        return (left_out and value == {}) or evidence.shows(requirement, exchange, {f"{self.where}.value": value}, why)

    def errors(self, exchange: Exchange) -> list[dict[str, Any]]:
        """What an answer says is wrong with the value."""
        return exchange.at(f"{self.where}.errors") or []

    def shows_valid(self, evidence: Any, requirement: str, exchange: Exchange, valid: bool) -> bool:
        """Check that the answer marks the value as valid, or as invalid; returns whether it does."""
        return evidence.shows(requirement, exchange, {f"{self.where}.valid": valid})

    def renew(self) -> None:
        """Take a new resource, to which nothing has been done yet."""
        make = self.world.working_task if self.name == "data" else self.world.process
        self.key = self.world.id_of(make())

    def put(self, value: Any, **more: Any) -> Exchange:
        return self.world.call(self.update, id=self.key, body={self.name: {"value": value, **more}})

    def apply(self, operations: Any, **parts: Any) -> Exchange:
        return self.world.call(self.patch, id=self.key, body=operations, **parts)

    def get(self) -> Exchange:
        return self.world.call(self.read, id=self.key)

    def need(self, kind: str) -> dict[str, Any]:
        """The sample of valid or invalid data."""
        value = getattr(self.sample, kind)
        if value is None:
            where = "tasks" if self.name == "data" else self.name
            raise NotTested(f"no {kind} {self.name} is known; set test-bed.{where}.{kind}")
        return value


@pytest.fixture
def time_passes(world):
    """Wait until the times of resources that were just read can be told from those of later changes.

    A server may keep times in whole seconds; one that shows fractions is taken at its word.
    """

    def wait(*exchanges):
        stamps = [parse_instant(exchange.at("lastModifiedAt")) for exchange in exchanges]
        fine = any(stamp is not None and stamp.microsecond for stamp in stamps)
        deadline = time.monotonic() + (0.03 if fine else 1.1)
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    return wait


@pytest.fixture
def row_agrees(world, evidence):
    """Check that the row of the list shows what a process or item that was just read does, or will in a moment."""

    def check(resource, expected):
        process = resource.at("processId")
        find = "findProcessItems" if process else "findProcesses"
        query = {"sort": "createdAt,desc", "size": 200} | ({"processId": process} if process else {})

        def differences(listed):
            rows = [row for row in listed.rows if same_id(row.get("id"), resource.at("id"))]
            return [difference for row in rows for difference in disagreements(row, resource.object)]

        if resource.ok:
            listed = world.call_until(lambda listed: not differences(listed), find, query=query)
            evidence.nothing("RED-002", listed, differences(listed), expected)

    return check


@pytest.fixture(params=["metadata", "entity", "data"])
def holder(request, world):
    if request.param == "data":
        key = world.id_of(world.working_task())
        names = ("updateProcessItemTaskData", "patchProcessItemTaskData", "retrieveProcessItem")
        return Holder(world, "data", key, *names, world.bed.task)
    key = world.id_of(world.process())
    part = request.param.capitalize()
    names = (f"updateProcess{part}", f"patchProcess{part}", "retrieveProcess")
    return Holder(world, request.param, key, *names, getattr(world.bed, request.param))
