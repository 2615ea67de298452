"""The model of the lifecycle: what it takes for right, for wrong and for open."""

import pytest

from kuflow_conformance.oracles.lifecycle import Lifecycle

CALLER, OTHER = "7a1bf939-4d70-4439-9ced-a3dbbce12bd7", "497f6eca-6276-4993-bfeb-53cbbbba6f08"
PROCESS = {"state": "RUNNING", "initiatorId": CALLER, "metadata": {"value": {"a": 1}}, "entity": {"value": {}}}


def task(state="READY", owner=None, data=None, log=(), key="t"):
    logs = [{"message": message} for message in log]
    item = {"id": key, "type": "TASK", "task": {"state": state, "data": {"value": data or {}}, "logs": logs}}
    return item | ({"ownerId": owner} if owner else {})


@pytest.fixture
def model():
    model = Lifecycle(PROCESS, CALLER)
    model.created(task())
    return model


def test_what_was_created_is_as_it_was(model):
    assert [*model.process_differences(PROCESS)] == []
    assert [*model.item_differences("t", task())] == []
    assert [*model.list_differences([task()])] == []


def test_a_claim_makes_the_caller_the_owner(model):
    model.claimed("t", CALLER)
    assert [*model.item_differences("t", task("CLAIMED", CALLER))] == []
    assert "READY, not CLAIMED" in next(model.item_differences("t", task("READY", CALLER)))
    assert "owner" in next(model.item_differences("t", task("CLAIMED", OTHER)))


def test_claiming_what_somebody_has_claimed_may_leave_the_owner(model):
    model.assigned("t", OTHER, "CLAIMED")
    model.claimed("t", OTHER)
    assert [*model.item_differences("t", task("CLAIMED", OTHER))] == []
    model.claimed("t", CALLER)
    assert [*model.item_differences("t", task("CLAIMED", CALLER))] == []


@pytest.mark.parametrize("state", ["READY", "CLAIMED"])
def test_whether_assigning_claims_is_open(model, state):
    model.assigned("t", OTHER, state)
    assert [*model.item_differences("t", task(state, OTHER))] == []


def test_cancelling_takes_active_tasks_along(model):
    model.created(task("COMPLETED", CALLER, key="done"))
    model.ended("CANCELLED")
    assert [*model.list_differences([task("CANCELLED"), task("COMPLETED", CALLER, key="done")])] == []
    assert [*model.list_differences([task("READY"), task("CANCELLED", CALLER, key="done")])] != []


def test_what_becomes_of_open_tasks_of_a_completed_process_is_open_but_settles(model):
    model.ended("COMPLETED")
    assert model.undecided == ["t"]
    assert [*model.item_differences("t", task("CANCELLED"))] == []
    assert model.undecided == []
    assert "READY, not CANCELLED" in next(model.item_differences("t", task("READY")))


def test_finished_tasks_stay_finished(model):
    model.claimed("t", CALLER)
    model.completed("t")
    model.claimed("t", CALLER)
    model.assigned("t", OTHER, "COMPLETED")
    assert [*model.item_differences("t", task("COMPLETED", CALLER))] == []


def test_a_log_may_have_dropped_its_oldest_entries(model):
    for message in ("one", "two", "three"):
        model.logged("t", message)
    assert [*model.item_differences("t", task(log=["three", "two"]))] == []
    assert [*model.item_differences("t", task(log=["one", "two"]))] != []
    assert [*model.item_differences("t", task())] != []


def test_data_are_as_saved_and_patched(model):
    model.data_saved("t", {"a": [1]})
    model.data_patched("t", [{"op": "add", "path": "/a/-", "value": 2}])
    assert [*model.item_differences("t", task(data={"a": [1, 2]}))] == []
    assert "its data" in next(model.item_differences("t", task(data={"a": [1]})))
    model.saved("entity", {"b": 1})
    model.patched("entity", [{"op": "remove", "path": "/b"}])
    assert [*model.process_differences({**PROCESS, "entity": {"value": {}}})] == []
    assert "initiatorId" in next(model.process_differences({**PROCESS, "initiatorId": OTHER}))


def test_lists_show_all(model):
    assert "lacks" in next(model.list_differences([]))


def test_the_workflow_may_make_items_write_to_logs_and_end_the_process_after_a_task(model):
    over = {**PROCESS, "state": "COMPLETED"}
    assert [*model.list_differences([task(), task(key="u")])] == []
    model.created(task(log=["begun"], key="u"))
    model.logged("t", "one")
    assert [*model.item_differences("t", task(log=["begun", "one"]))] == []
    assert "newest" in next(model.item_differences("u", task(log=["begun", "one"])))
    assert "COMPLETED, not RUNNING" in next(model.process_differences(over))
    model.completed("t")
    assert [*model.process_differences(over)] == []
    assert "RUNNING, not COMPLETED" in next(model.process_differences(PROCESS))
