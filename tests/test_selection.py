"""Parts of a run and their merging, time budgets, what has changed first."""

from __future__ import annotations

import copy
import json

import jsonschema
import pytest
import yaml

from conftest import command
from kuflow_conformance import files
from kuflow_conformance.description import requirements
from kuflow_conformance.errors import ConformanceError, InvalidRecord
from kuflow_conformance.findings.merge import merge
from kuflow_conformance.run import selection
from kuflow_conformance.run.selection import Shard, Test

AREAS = ("--only", "PAG", "--only", "ERR", "--only", "PRC")


@pytest.fixture(scope="module")
def parts(tmp_path_factory):
    """The records of a run in two parts, on a server with a fault, and of the same run in one."""
    folder = tmp_path_factory.mktemp("parts")
    fault = ("--fault", "size-1001")
    whole = command("run", *fault, *AREAS, "--workers", "1", reports=folder / "whole")
    found = []
    for number in (1, 2):
        command("run", *fault, *AREAS, "--shard", f"{number}/2", "--workers", "1", reports=folder / str(number))
        found.append(json.loads((folder / str(number) / "run.json").read_text()))
    return folder, whole.record, found


def test_parts_make_the_whole(parts):
    folder, whole, _ = parts
    outcome = command(
        "merge", str(folder / "2" / "run.json"), str(folder / "1" / "run.json"), reports=folder / "merged"
    )
    merged = outcome.record
    jsonschema.validate(merged, json.loads(files.data("spec/run.schema.json").read_text()))
    assert (outcome.code, merged["verdict"], merged["failed"]) == (1, whole["verdict"], whole["failed"])
    assert merged["tests"] == whole["tests"]
    assert {r["id"]: (r["outcome"], r["tests"]) for r in merged["requirements"]} == {
        r["id"]: (r["outcome"], r["tests"]) for r in whole["requirements"]
    }
    assert (folder / "merged" / "report.html").is_file()


@pytest.mark.parametrize(
    ("spoil", "complaint"),
    [
        (lambda parts: parts[:1], "missing: 2/2"),
        (lambda parts: [parts[0], parts[0]], "missing: 2/2"),
        (lambda parts: [*parts, parts[1]], "twice: 2/2"),
        (lambda parts: [parts[0], {**parts[1], "seed": 5}], "seed"),
        (lambda parts: [parts[0], {**parts[1], "target": {"name": "other", "url": ""}}], "target"),
        (lambda parts: [{**parts[0], "shard": None}, parts[1]], "whole"),
    ],
    ids=["alone", "same", "twice", "seed", "target", "whole"],
)
def test_what_does_not_belong_together_is_not_merged(spoil, complaint, parts):
    with pytest.raises(InvalidRecord, match=complaint):
        merge(spoil(copy.deepcopy(parts[2])))


def test_known_failures_are_judged_by_the_whole(tmp_path):
    known = tmp_path / "known.toml"
    known.write_text('[[known]]\nrequirement = "PAG-003"\nreason = "ticket"\nlink = "https://example.com/1"\n')
    options = ("run", "--fault", "size-1001", "--only", "PAG", "--known", str(known), "--workers", "1")
    codes = [command(*options, "--shard", f"{n}/2", reports=tmp_path / str(n)).code for n in (1, 2)]
    assert codes == [0, 0]
    records = [str(tmp_path / str(n) / "run.json") for n in (1, 2)]
    merged = command("merge", *records, reports=tmp_path / "merged")
    assert (merged.code, merged.record["verdict"]) == (0, "known failures only")


@pytest.mark.parametrize("text", ["", "1", "0/2", "3/2", "1/0", "a/b", "-1/2"])
def test_a_shard_is_a_part_of_parts(text):
    with pytest.raises(ConformanceError, match="2/5"):
        Shard.parse(text)


@pytest.mark.parametrize("text", ["", "5", "0s", "m", "-5m", "1d", "5 m"])
def test_a_budget_is_a_duration(text):
    with pytest.raises(ConformanceError, match="5m"):
        selection.seconds(text)


def test_durations():
    assert [selection.seconds(text) for text in ("90s", "5m", "1.5h")] == [90, 300, 5400]


def test_a_spent_budget_still_checks_every_must(tmp_path):
    outcome = command("run", "--time-budget", "1s", "--workers", "1", reports=tmp_path)
    assert outcome.code == 0
    record = outcome.record
    reached = {r["id"]: r for r in record["requirements"] if r["level"] == "MUST"}
    untested = {key: r["reason"] for key, r in reached.items() if r["outcome"] == "not tested"}
    assert not {key for key, reason in untested.items() if "budget" in reason}
    assert "cut by the time budget" in outcome.output
    assert any("::" in key for key in record["cut"])


def test_time_that_is_left_goes_into_more_requests(tmp_path):
    options = ("run", "--only", "REQ-005", "--workers", "1")
    usual = command(*options, reports=tmp_path / "usual")
    more = command(*options, "--time-budget", "20s", reports=tmp_path / "more")
    if not more.record["cut"]:  # on a machine that is busy with other things there may be no time left
        assert more.record["traffic"]["requests"] > usual.record["traffic"]["requests"]


def test_the_essential_tests_are_few():
    catalogue = requirements.load()
    tests = [
        Test("one", ("PAG-001", "PAG-002")),
        Test("two", ("PAG-002",)),
        Test("three", ("PAG-003", "SRT-004")),
        Test("test_generated_requests[a]", ("PAG-001", "PAG-002", "PAG-003", "PAG-004")),
    ]
    assert selection.essential(tests, catalogue) == ["one", "three"]


def test_long_tests_come_early_among_several_processes_and_late_in_one():
    tests = [Test(key, (), long=key.startswith("long")) for key in ("a", "long 1", "b", "long 2", "c")]
    assert [test.id for test in selection.long_first(tests)] == ["long 1", "a", "long 2", "b", "c"]
    assert [test.id for test in selection.long_last(tests)] == ["a", "b", "c", "long 1", "long 2"]


def test_what_has_changed_comes_first(tmp_path):
    document = yaml.safe_load(files.data("spec/openapi.yaml").read_text())
    old = copy.deepcopy(document)
    del old["paths"]["/robots"]["get"]["parameters"][0]
    (tmp_path / "old.yaml").write_text(yaml.safe_dump(old))
    options = ("--changed-spec", str(tmp_path / "old.yaml"), "--fault", "seam", "--fail-fast", "--workers", "1")
    outcome = command("run", *options, "--only", "SUC", reports=tmp_path / "out")
    assert "findRobots" in outcome.output.partition("tested first")[2][:400]  # after those that the errata concern
    catalogue = requirements.load()
    tests = [Test(f"t[{name}]", ("SUC-001",), name) for name in ("findProcesses", "findRobots", "createWorker")]
    tests.append(Test("of robots", ("ROB-001",)))
    ordered = selection.changed_first(tests, catalogue, {"findRobots", "retrieveRobot"})
    assert [test.id for test in ordered[:2]] == ["t[findRobots]", "of robots"]


def test_a_description_that_is_none_is_refused(tmp_path):
    (tmp_path / "old.yaml").write_text("paths: []\n")
    outcome = command("run", "--changed-spec", str(tmp_path / "old.yaml"), reports=tmp_path / "out")
    assert outcome.code == 2
    assert len(outcome.error.strip().splitlines()) == 1
