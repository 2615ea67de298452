"""What a run is about, how much of it has to be tested, and that a green one says no more than it saw."""

from __future__ import annotations

import json

import jsonschema
import pytest

from conftest import Running, command, miniature
from kuflow_conformance import files
from kuflow_conformance.description import openapi, requirements
from kuflow_conformance.description.requirements import Catalogue
from kuflow_conformance.description.scope import named
from kuflow_conformance.errors import ConformanceError, InvalidDescription, InvalidTarget
from kuflow_conformance.findings import floor
from kuflow_conformance.findings.compare import Comparison
from kuflow_conformance.findings.record import verdict
from kuflow_conformance.findings.verdicts import Verdicts
from kuflow_conformance.report import pages
from kuflow_conformance.run.scope import scope_of
from kuflow_conformance.run.settings import Settings
from kuflow_conformance.target import target_file

CATALOGUE, DESCRIPTION = requirements.load(), openapi.load()
KEYS = {"target.base-url": "http://127.0.0.1:1/v2024-06-14", "auth.type": "none"}


def scope(extra=(), **settings):
    target = target_file.load(None, {**KEYS, **dict(extra)})
    return scope_of(Settings(**settings), target, CATALOGUE, DESCRIPTION)


# 4: partial runs say that they are


def test_only_a_whole_run_is_plainly_conformant():
    assert scope().label == ""
    assert scope(profile="full").label == ""
    assert verdict(0, ["pass"], whole=True) == "conformant"
    assert verdict(0, ["pass"], whole=False) == "conformant in part"
    assert scope(profile="read-only").label == "read-only"
    assert scope(only=("PAG", "errors")).label == "pagination, errors"


def test_what_was_not_selected_is_not_listed_as_untested(server: Running, tmp_path):
    options = ("--target", str(server.target_file), "--only", "robots", "--workers", "1")
    outcome = command("run", *options, environment=server.environment, reports=tmp_path)
    assert outcome.code == 0, outcome.output + outcome.error
    record = outcome.record
    jsonschema.validate(record, json.loads(files.data("spec/run.schema.json").read_text()))
    assert record["verdict"] == "conformant in part"
    assert {r["area"] for r in record["requirements"]} == {"robots"}
    assert {o["id"] for o in record["operations"]} <= {k for k in DESCRIPTION.operations if "obot" in k}
    held, selected = (sum(r["level"] != "OBSERVE" for r in rs) for rs in (record["requirements"],) * 2)
    words = f"robots: {held} of {selected}"
    assert f"{words} hold" in outcome.output
    assert words in (tmp_path / "badge.svg").read_text()
    assert words in (tmp_path / "summary.md").read_text()
    assert words in (tmp_path / "report.html").read_text()
    assert words in pages.matrix([record])
    assert "not tested:" not in outcome.output
    assert (tmp_path / "badges" / "robots.svg").is_file()


# 12: one way to name things, and to leave them out


def test_names_and_patterns_mean_requirements_and_operations():
    found = named(["ERR-00?", "pag", "find*"], CATALOGUE, DESCRIPTION.operations, "--only")
    assert {key[:3] for key in found.requirements} == {"ERR", "PAG"}
    assert found.operations == {"findPrincipals", "findTenantUsers", "findProcesses", "findProcessItems", "findRobots"}
    with pytest.raises(InvalidDescription, match="--only XYZ"):
        named(["XYZ*"], CATALOGUE, DESCRIPTION.operations, "--only")


def test_operations_narrow_what_is_selected():
    only = scope(only=("errors", "findRobots"))
    assert only.operations == {"findRobots"}
    assert {key[:3] for key in only.requirements} == {"ERR"}
    assert only.judges("findRobots")
    assert not only.judges("createProcess")


def test_of_one_operation_nothing_else_is_tested(server: Running, tmp_path):
    options = ("--target", str(server.target_file), "--only", "findRobots", "--only", "ERR", "--workers", "1")
    outcome = command("run", *options, environment=server.environment, reports=tmp_path)
    assert outcome.code == 0, outcome.output + outcome.error
    assert [o["id"] for o in outcome.record["operations"]] == ["findRobots"]
    assert {name for r in outcome.record["requirements"] for name in r["operations"]} == {"findRobots"}


def test_nothing_is_sent_of_what_is_skipped(server: Running, tmp_path):
    options = ("--target", str(server.target_file), "--only", "ROB", "--only", "WRK", "--workers", "1")
    skips = ("--skip", "createWorker=workers stay", "--skip", "ROB-00[45]")
    outcome = command("run", *options, *skips, environment=server.environment, reports=tmp_path)
    assert outcome.code == 0, outcome.output + outcome.error
    record = outcome.record
    assert {r["id"] for r in record["requirements"]}.isdisjoint({"ROB-004", "ROB-005", "WRK-001"})
    assert not any(o["id"] == "createWorker" for o in record["operations"])
    assert ("createWorker", "workers stay") in [(skip["what"], skip["reason"]) for skip in record["scope"]["skipped"]]
    assert "skipped: createWorker (workers stay)" in outcome.output
    assert "without createWorker, ROB-00[45]" in record["scope"]["label"]


def test_a_skip_that_has_expired_is_told():
    entry = {"what": "DOC-007", "reason": "5 MiB uploads crash staging", "expires": "2020-01-01"}
    with pytest.raises(InvalidTarget, match="expired on 2020-01-01"):
        scope({"skip": [entry]})
    assert "DOC-007" not in scope({"skip": [{**entry, "expires": "2999-01-01"}]}).requirements


def test_a_run_creates_no_more_processes_than_it_may(server: Running, tmp_path):
    options = ("--target", str(server.target_file), "--set", "target.max-processes=2", "--only", "IDM")
    outcome = command("run", *options, "--workers", "1", environment=server.environment, reports=tmp_path)
    operations = {o["id"]: o for o in outcome.record["operations"]}
    assert operations["createProcess"]["statuses"].get("201", 0) <= 2
    assert any("may create 2 processes" in r["reason"] for r in outcome.record["requirements"])


# 3: a floor


@pytest.mark.parametrize(
    ("wanted", "outcomes", "said"),
    [
        ({"share": 0.95, "requirements": {}}, ["pass"] * 19 + ["not tested"], ""),
        ({"share": 0.95, "requirements": {}}, ["pass"] * 18 + ["not tested"] * 2, "only 18 of 20"),
        ({"share": None, "requirements": {"PAG": ["R0"]}}, ["not tested", "pass"], "PAG is required"),
        ({"share": None, "requirements": {"PAG": ["R9"]}}, ["not tested", "pass"], ""),
    ],
)
def test_a_floor(wanted, outcomes, said):
    problems = floor.unmet(wanted, {f"R{n}": outcome for n, outcome in enumerate(outcomes)})
    assert said in "; ".join(problems) if said else not problems
    with pytest.raises(ConformanceError, match="at most 100%"):
        floor.share("101%")


def test_without_what_is_required_there_is_no_verdict(server: Running, tmp_path):
    options = ("run", "--url", server.url, "--user", server.user, "--password-env", "KUFLOW_TOKEN", "--workers", "1")
    outcome = command(
        *options, "--only", "ROB", "--require", "ROB-0*", environment=server.environment, reports=tmp_path
    )
    assert outcome.code == 3, outcome.output + outcome.error
    assert outcome.record["verdict"] == "no verdict"
    assert "ROB-0* is required, and not tested" in outcome.output
    assert "requirements tested" in outcome.output
    nothing = command(*options, "--require", "XYZ", environment=server.environment, reports=tmp_path)
    assert nothing.code == 2


# 9: declared parts


def test_areas_and_operations_that_are_there():
    declared = scope({"implements.areas": ["processes"], "implements.operations": ["findRobots"]})
    assert "createWorker" in declared.unimplemented
    assert {"findRobots", "createProcess"}.isdisjoint(declared.unimplemented)
    assert declared.is_unimplemented(CATALOGUE["WRK-001"])
    assert not declared.is_unimplemented(CATALOGUE["ERR-001"])
    assert declared.label.endswith("operations, as declared")
    with pytest.raises(InvalidTarget, match="about every operation"):
        scope({"implements.areas": ["answers"]})


def test_what_is_declared_not_to_be_there_is_no_failure_until_it_answers(tmp_path):
    with miniature("half-built", tmp_path) as half:
        options = ("run", "--target", str(half.target_file), "--only", "SUC", "--only", "ANS-002", "--workers", "1")
        six = "['findPrincipals', 'retrievePrincipal', '*Process', 'findProcesses']"
        declared = (*options, "--set", f"implements.operations={six}")
        outcome = command(*declared, environment=half.environment, reports=tmp_path / "declared")
        undeclared = command(*options, environment=half.environment, reports=tmp_path / "undeclared")
    assert undeclared.code == 1
    assert set(outcome.record["failed"]) == {"SUC-001", "ANS-002"}, "cancelProcess matches *Process, and is not there"
    failing = {f["operation"] for r in outcome.record["requirements"] for f in r["findings"]}
    assert failing <= {"cancelProcess"}
    states = {o["id"]: o["outcome"] for o in outcome.record["operations"]}
    assert states["createWorker"] == "not implemented"


def test_what_is_declared_not_to_be_there_and_answers_is_red(server: Running, tmp_path):
    options = ("run", "--target", str(server.target_file), "--only", "SUC", "--workers", "1")
    declared = ("--set", "implements.operations=['*Process*', 'find*', 'retrieve*']")
    outcome = command(*options, *declared, environment=server.environment, reports=tmp_path)
    assert outcome.code == 1, outcome.output + outcome.error
    assert outcome.record["verdict"] == "declarations outdated"
    assert "createWorker" in outcome.record["scope"]["there_after_all"]
    assert "createWorker is declared not to be implemented, and answers" in outcome.output


# 11: progress


def _record(outcomes, reached):
    names = [
        {"id": key, "level": "MUST", "outcome": value, "findings": [], "since": "0.1"}
        for key, value in outcomes.items()
    ]
    operations = [{"id": key, "successes": n, "milliseconds": {}} for key, n in reached.items()]
    return {"suite": "0.1.0", "requirements": names, "operations": operations, "failed": []}


def test_a_comparison_tells_what_was_gained_and_lost():
    before = _record({"A": "pass", "B": "not tested", "C": "pass"}, {"one": 1, "two": 0, "three": 1})
    after = _record({"A": "not tested", "B": "pass", "C": "pass"}, {"one": 1, "two": 1, "three": 0})
    found = Comparison(before, after)
    assert [r["id"] for r in found.newly_tested] == ["B"]
    assert [r["id"] for r in found.lost] == ["A"]
    assert (found.gained, found.given_up) == (["two"], ["three"])
    assert not found.regressed


def test_a_baseline_notices_what_is_not_tested_any_more(server: Running, tmp_path):
    options = ("--only", "ROB", "--workers", "1")
    whole = command(
        "run", "--target", str(server.target_file), *options, environment=server.environment, reports=tmp_path / "a"
    )
    assert whole.code == 0, whole.output + whole.error
    flags = ("--url", server.url, "--user", server.user, "--password-env", "KUFLOW_TOKEN")
    less = command(
        "run", *flags, *options, "--baseline", str(tmp_path / "a" / "run.json"),
        environment=server.environment, reports=tmp_path / "b",
    )  # fmt: skip
    assert less.code == 3, less.output + less.error
    assert "MUST requirements are not tested any more" in less.output


# 9 and 13: records for others, and suites that grow


def test_a_record_is_verified(server: Running, tmp_path):
    options = ("run", "--target", str(server.target_file), "--only", "VER", "--workers", "1")
    named = ("--set", "implementation.name=Mine", "--set", "implementation.commit=abc123")
    outcome = command(*options, *named, environment=server.environment, reports=tmp_path)
    assert outcome.record["target"]["implementation"] == {"name": "Mine", "commit": "abc123"}
    assert command("verify", str(tmp_path / "run.json")).code == 0
    for change, said in (
        ({"verdict": "conformant"}, "it was edited"),
        ({"suite": "0.0.9"}, "it is of suite 0.0.9"),
        ({"complete": False}, "it is not whole"),
    ):
        (tmp_path / "edited.json").write_text(json.dumps({**outcome.record, **change}))
        edited = command("verify", str(tmp_path / "edited.json"))
        assert edited.code == 1
        assert said in edited.output


def test_newer_requirements_are_not_scored():
    def aged(requirement):
        return requirement.model_copy(update={"since": "0.2"} if requirement.id == "VER-001" else {})

    areas = [a.model_copy(update={"requirements": tuple(map(aged, a.requirements))}) for a in CATALOGUE.areas]
    grown = Catalogue(areas)
    target = target_file.load(None, KEYS)
    frozen = scope_of(Settings(requirements="0.1"), target, grown, DESCRIPTION)
    assert frozen.unscored == {"VER-001"}
    assert "requirements 0.1" in frozen.label
    verdicts = Verdicts(grown, frozen)
    verdicts.by_id["VER-001"].failed = 1
    assert verdicts.by_id["VER-001"].outcome == "not scored"
    assert not verdicts.failed
    with pytest.raises(InvalidDescription, match=r"there are 0\.1, 0\.2"):
        scope_of(Settings(requirements="0.7"), target, grown, DESCRIPTION)


def test_a_baseline_of_an_older_suite_lists_new_requirements_apart():
    before, after = _record({"A": "pass"}, {}), _record({"A": "pass", "B": "fail"}, {})
    before["suite"] = "0.1.3"
    after["requirements"][1]["since"] = "0.2"
    found = Comparison(before, after)
    assert [r["id"] for r in found.new] == ["B"]
    assert not found.regressed
    before["suite"] = "0.2.0"
    assert Comparison(before, {**after, "failed": ["B"]}).regressed
