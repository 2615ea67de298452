"""init, doctor, explain, list and replay as a user meets them; and the `curl` of a report, run as it is printed."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import requests
from miniatures import ROBOTS

from conftest import Running, command, miniature
from kuflow_conformance.reference import serve

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def faulty():
    with serve.running(["again-overwrites"]) as (target_file, environment):
        yield Running(target_file, environment)


@pytest.fixture(scope="module")
def failed(faulty, tmp_path_factory):
    """A run that found the fault."""
    options = ("run", "--target", str(faulty.target_file), "--only", "IDM")
    outcome = command(*options, environment=faulty.environment, reports=tmp_path_factory.mktemp("failed"))
    assert outcome.code == 1, outcome.output + outcome.error
    return outcome


def flags(server: Running):
    return ("--url", server.url, "--user", server.user, "--password-env", "KUFLOW_TOKEN")


def test_init_writes_a_file_that_a_run_accepts(server, tmp_path):
    path = tmp_path / "found.toml"
    outcome = command("init", *flags(server), "--write", "--output", str(path), environment=server.environment)
    assert outcome.code == 0, outcome.error
    written = tomllib.loads(path.read_text())
    assert int(written["require"]["tested"].removesuffix("%")) >= 80
    assert "implements" not in written
    found = written["test-bed"]
    assert {"process-definition-id", "principal-id", "robot-id", "tasks", "metadata"} <= set(found)
    assert server.password not in path.read_text()
    run = command(
        "run", "--target", str(path), "--only", "ITM", environment=server.environment, reports=tmp_path / "reports"
    )
    assert run.code == 0, run.output + run.error
    again = command("init", *flags(server), "--output", str(path), environment=server.environment)
    assert again.code == 2
    assert "is there already" in again.error


def test_doctor_finds_nothing_wrong(server):
    outcome = command("doctor", "--target", str(server.target_file), "--write", environment=server.environment)
    assert outcome.code == 0, outcome.error
    assert "the credentials are accepted" in outcome.output
    assert "✗" not in outcome.output


def test_doctor_names_what_is_wrong(server):
    outcome = command("doctor", *flags(server), environment={"KUFLOW_TOKEN": "wrong"})
    assert outcome.code == 3
    assert "✗ the credentials are not accepted" in outcome.output
    gone = command("doctor", *flags(server)[2:], "--url", "http://127.0.0.1:9/v", environment=server.environment)
    assert gone.code == 3
    assert "does not answer" in gone.output


def created(server: Running):
    """How many processes there are."""
    answer = requests.get(f"{server.url}/processes?size=1", auth=(server.user, server.password), timeout=10)
    return answer.json()["metadata"]["totalElements"]


def test_nothing_is_written_unless_asked_for(server, tmp_path):
    before = created(server)
    looked = command("doctor", *flags(server), environment=server.environment)
    found = command("init", *flags(server), "--output", str(tmp_path / "x.toml"), environment=server.environment)
    assert (looked.code, found.code) == (0, 0)
    assert "nothing was written" in looked.output
    assert "nothing was written" in found.output
    assert "claimable" not in looked.output
    assert created(server) == before


@pytest.mark.parametrize("command_name", ["doctor", "init"])
def test_nothing_is_ever_written_to_production(command_name, server, tmp_path):
    before = created(server)
    options = ("--set", "target.production=true", "--write")
    if command_name == "init":
        options += ("--output", str(tmp_path / "x.toml"))
    outcome = command(command_name, *flags(server), *options, environment=server.environment)
    assert outcome.code == 2
    assert "is named production" in outcome.error
    assert created(server) == before


def test_what_is_not_there_is_no_matter_of_credentials(tmp_path):
    with miniature("robots-only", tmp_path) as some:
        outcome = command("doctor", *flags(some), environment=some.environment)
        path = tmp_path / "found.toml"
        written = command("init", *flags(some), "--write", "--output", str(path), environment=some.environment)
    assert "the credentials are accepted" in outcome.output
    assert "not accepted" not in outcome.output
    assert "claimable" not in outcome.output
    assert written.code == 0, written.error
    declared = tomllib.loads(path.read_text())["implements"]["operations"]
    assert set(ROBOTS) <= set(declared)
    assert {"findProcesses", "retrieveProcess", "cancelProcess"}.isdisjoint(declared)


def test_doctor_names_what_the_test_bed_lacks(server):
    outcome = command("doctor", *flags(server), environment=server.environment)
    assert outcome.code == 0
    assert "FLT-006" in outcome.output
    assert "no second tenant" in outcome.output


def test_explain_says_where_a_requirement_comes_from(failed):
    outcome = command("explain", "idm-004", "--run", str(failed.reports / "run.json"))
    assert outcome.code == 0
    for word in ("IDM-004", "Introduction, idempotency", "test_again_with_other_content", "curl"):
        assert word in outcome.output
    assert command("explain", "XXX-001").code == 2


@pytest.mark.parametrize("what", ["appendProcessItemTaskLog", "append a log"])
def test_explain_says_what_tests_a_section_of_the_reference(what):
    lines = command("explain", what).output.splitlines()
    assert lines[0] == "Append a log to the process item task"
    place, function = lines[lines.index("A full log drops its oldest entry.") + 2].split()
    file, _, line = place.partition(":")
    assert function in (ROOT / file).read_text().splitlines()[int(line) - 1]


def test_list_shows_operations_and_profiles():
    assert len(command("list", "operations").output.splitlines()) == 33
    assert [line.split()[0] for line in command("list", "profiles").output.splitlines()] == [
        "read-only",
        "core",
        "full",
    ]


def test_replay_shows_the_failure_again(faulty, failed):
    options = ("--run", str(failed.reports / "run.json"), "--target", str(faulty.target_file))
    outcome = command("replay", "IDM-004.1", *options, environment=faulty.environment)
    assert outcome.code == 0, outcome.error
    assert "createProcess then 201, now 201" in outcome.output
    assert "createProcessItem then 200, now 200" in outcome.output
    assert '"conformance"' in outcome.output or "other" in outcome.output
    unknown = command("replay", "PAG-001.7", *options, environment=faulty.environment)
    assert unknown.code == 2
    assert "IDM-004.1" in unknown.error


@pytest.mark.parametrize("ending", ["py", "http"])
def test_a_failure_is_written_as_a_file(ending, faulty, failed, tmp_path):
    path = tmp_path / f"failure.{ending}"
    options = ("--run", str(failed.reports / "run.json"), "--write", str(path))
    outcome = command("replay", "IDM-004.1", *options)
    assert outcome.code == 0, outcome.error
    text = path.read_text()
    assert "KUFLOW_TOKEN" in text
    assert faulty.password not in text
    if ending == "http":
        assert text.count("# @name step") == text.count("\n### ") >= 2
        assert "{{step1.response.body.id}}" in text
    other = command("replay", "IDM-004.1", *options[:2], "--write", "failure.txt")
    assert other.code == 2
    assert ".py or .http" in other.error


def test_a_written_failure_fails_on_the_server_and_passes_on_an_honest_one(faulty, server, failed, tmp_path):
    path = tmp_path / "test_failure.py"
    command("replay", "IDM-004.1", "--run", str(failed.reports / "run.json"), "--write", str(path))
    for target, code in ((faulty, 1), (server, 0)):
        environment = {**os.environ, **target.environment, "KUFLOW_URL": target.url, "PYTHONPATH": ""}
        words = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-c", "/dev/null", str(path)]
        run = subprocess.run(words, env=environment, capture_output=True, text=True, cwd=tmp_path, check=False)
        assert run.returncode == code, run.stdout


def test_printed_curls_reproduce_the_failure(faulty, failed):
    """The steps and the request of a failure, run by a shell with the secret in the environment."""
    requirement = next(r for r in failed.record["requirements"] if r["id"] == "IDM-004")
    failure = requirement["failures"][0]
    for line in [step["curl"] for step in failure["steps"]] + [failure["curl"]]:
        assert faulty.password not in line
        done = subprocess.run(
            line.replace("-sS -i", "-sS"),
            shell=True,
            env={**os.environ, **faulty.environment},
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
    assert json.loads(done.stdout)["task"]["data"]["value"] == {"conformance": "other"}
