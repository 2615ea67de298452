"""Generated cases: the same for the same seed, made once, and filled in only when they are sent."""

import pytest

from kuflow_conformance.generation.cases import CaseStore
from kuflow_conformance.oracles.coverage import Coverage


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    return tmp_path


def test_the_same_seed_gives_the_same_cases(description, cache):
    operation = description.operations["assignProcessItemTask"]
    first = CaseStore(description, "core", 1).of(operation)
    kept = [*cache.rglob("assignProcessItemTask.json")]
    assert len(first) > 10
    assert len(kept) == 1
    kept[0].unlink()
    assert CaseStore(description, "core", 1).of(operation) == first
    assert CaseStore(description, "core", 2).of(operation) != first


def test_kept_cases_are_not_made_again(description, monkeypatch):
    operation = description.operations["retrieveRobot"]
    first = CaseStore(description, "core", 1).of(operation)
    monkeypatch.setattr(CaseStore, "_generate", lambda *_: pytest.fail("made again"))
    assert CaseStore(description, "core", 1).of(operation) == first


def test_a_broken_file_is_made_again(description, cache):
    operation = description.operations["retrieveRobot"]
    first = CaseStore(description, "core", 1).of(operation)
    next(cache.rglob("retrieveRobot.json")).write_text('[{"half')
    assert CaseStore(description, "core", 1).of(operation) == first


def test_coverage_knows_parameters_properties_values_and_statuses(description):
    points = Coverage(description).points
    assert {"query taskState=CANCELLED", "query sort", "status 200", "status 4xx"} <= set(points["findProcessItems"])
    assert {"body type=MESSAGE", "body task.data.value", "status 201"} <= set(points["createProcessItem"])
    assert "body metadata.valid" not in points["updateProcessMetadata"]
    assert {"body op=test", "body from"} <= set(points["patchProcessEntity"])
    assert "status 304" in points["uploadProcessUserActionDocument"]
