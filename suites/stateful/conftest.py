"""The three places where JSON values live, under one handle."""

import time
from dataclasses import dataclass
from typing import Any

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.instants import parse_instant
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

    def value_of(self, exchange: Exchange) -> dict[str, Any]:
        """The JSON value (value, valid, errors) in an answer; empty when it shows none."""
        node = exchange.object
        if self.name == "data":
            node = node.get("task") or {}
        value = node.get(self.name)
        return value if isinstance(value, dict) else {}

    def kept(self, exchange: Exchange, saved: Any) -> Any:
        """The value in an answer, after `saved` was saved: a value that is empty may be left out."""
        return self.value_of(exchange).get("value", {} if saved == {} else None)

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
        stamps = [parse_instant(exchange.object.get("lastModifiedAt")) for exchange in exchanges]
        fine = any(stamp is not None and stamp.microsecond for stamp in stamps)
        deadline = time.monotonic() + (0.03 if fine else 1.1)
        while (left := deadline - time.monotonic()) > 0:
            time.sleep(min(left, 0.1))

    return wait


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
