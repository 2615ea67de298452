"""The command line as a user meets it: verdicts, exit codes, reports, over real HTTP."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import jsonschema
import pytest

from conftest import Running, command
from kuflow_conformance import files


@pytest.fixture(scope="module")
def conformant(tmp_path_factory):
    """A run without any option: the bundled server, core profile."""
    outcome = command("run", reports=tmp_path_factory.mktemp("reports"))
    assert outcome.code == 0, outcome.output + outcome.error
    return outcome


def test_bundled_server_is_conformant(conformant):
    assert conformant.record["verdict"] == "conformant"
    assert conformant.record["failed"] == []
    assert "conformant" in conformant.output
    assert "33 of 33 operations answered with success" in conformant.output


def test_every_operation_is_reached(conformant):
    assert [o["id"] for o in conformant.record["operations"] if o["outcome"] == "not tested"] == []


def test_nothing_of_the_core_profile_stays_untested(conformant):
    assert {r["id"]: r["reason"] for r in conformant.record["requirements"] if r["outcome"] == "not tested"} == {}


def test_record_fits_its_schema(conformant):
    schema = json.loads(files.data("spec/run.schema.json").read_text())
    jsonschema.validate(conformant.record, schema, format_checker=jsonschema.FormatChecker())


def test_output_is_quiet_away_from_a_terminal(conformant):
    assert "\x1b" not in conformant.output
    assert len(conformant.output.splitlines()) < 40
    assert conformant.error == ""


def test_junit_is_written(conformant):
    assert (conformant.reports / "junit.xml").read_text().startswith("<?xml")


def test_allure_shows_each_generated_operation_once(conformant):
    results = [json.loads(path.read_text()) for path in (conformant.reports / "allure-results").glob("*-result.json")]
    generated = Counter(result["name"] for result in results if "test_generated" in result["fullName"])
    assert len(generated) == 33
    assert set(generated.values()) == {1}
    labels = {label["name"] for result in results for label in result["labels"]}
    assert {"epic", "feature", "story", "severity", "requirement"} <= labels
    for name in ("environment.properties", "categories.json", "executor.json"):
        assert (conformant.reports / "allure-results" / name).is_file()


def test_no_secret_in_any_report(server: Running, tmp_path):
    outcome = command(
        "run",
        "--target",
        str(server.target_file),
        "--only",
        "AUT",
        "--only",
        "ANS",
        environment=server.environment,
        reports=tmp_path,
    )
    assert outcome.code == 0, outcome.output + outcome.error
    written = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert len(written) > 100
    for path in written:
        content = path.read_text(errors="replace")
        assert not any(token in content for token in server.environment.values()), path
    assert not any(token in outcome.output + outcome.error for token in server.environment.values())


@pytest.mark.parametrize(
    ("fault", "requirement"),
    [
        ("size-1001", "PAG-003"),
        ("malformed-credentials-crash", "ANS-002"),
        ("filter-second-value", "FLT-001"),
    ],
)
def test_a_fault_is_named_first(fault, requirement, tmp_path):
    outcome = command("run", "--fault", fault, reports=tmp_path)
    assert outcome.code == 1, outcome.output + outcome.error
    assert outcome.record["verdict"] == "not conformant"
    assert outcome.record["failed"][0] == requirement
    failure = next(r for r in outcome.record["requirements"] if r["id"] == requirement)["failures"][0]
    assert failure["expected"]
    assert failure["curl"].startswith("curl ")
    page = (tmp_path / "report.html").read_text()
    assert f'id="{requirement}"' in page
    schema = json.loads(files.data("spec/run.schema.json").read_text())
    jsonschema.validate(outcome.record, schema)


def test_the_same_seed_sends_the_same_requests(server: Running, tmp_path):
    options = ("run", "--target", str(server.target_file), "--only", "PAG", "--workers", "1")
    records = [
        command(*options, environment=server.environment, reports=tmp_path / name).record for name in ("one", "two")
    ]
    statuses = [[(o["id"], o["statuses"]) for o in record["operations"]] for record in records]
    assert statuses[0] == statuses[1]


def test_pytest_gives_the_same_verdict(server: Running, tmp_path):
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "suites",
            "--target",
            str(server.target_file),
            "--only",
            "RED",
            "--reports",
            str(tmp_path),
        ],
        cwd=root,
        env={**os.environ, **server.environment},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "conformant" in done.stdout
    assert json.loads((tmp_path / "run.json").read_text())["verdict"] == "conformant in part"


def test_pytest_without_a_target_says_so():
    root = Path(__file__).parents[1]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "suites"], cwd=root, capture_output=True, text=True, check=False
    )
    assert done.returncode == 4
    assert "--target FILE" in done.stdout + done.stderr


def test_read_only_sends_nothing_but_get(server: Running, tmp_path):
    outcome = command(
        "run",
        "--target",
        str(server.target_file),
        "--profile",
        "read-only",
        environment=server.environment,
        reports=tmp_path,
    )
    assert outcome.code == 0, outcome.output + outcome.error
    assert {o["method"] for o in outcome.record["operations"] if o["requests"]} == {"GET"}


USER = ("--user", "nobody", "--password-env", "NO_PASSWORD")


def problem(outcome, code):
    assert outcome.code == code, outcome.output + outcome.error
    assert outcome.output == ""
    lines = outcome.error.strip().splitlines()
    assert len(lines) == 1
    assert "Traceback" not in outcome.error
    return lines[0]


def test_unreachable_target():
    line = problem(
        command("run", "--url", "http://127.0.0.1:9/v2024-06-14", *USER, environment={"NO_PASSWORD": "secret"}), 3
    )
    assert "cannot be reached" in line


def test_refused_credentials(server: Running):
    line = problem(command("run", "--url", server.url, *USER, environment={"NO_PASSWORD": "secret"}), 3)
    assert "refuses the credentials" in line
    assert "secret" not in line.replace("holds the secret", "")


def test_wrong_target_file(tmp_path):
    path = tmp_path / "t.toml"
    path.write_text('[target]\nbase-url = 5\n[auth]\nuser = "a"\npassword-env = "B"\n')
    assert "target.base-url = 5" in problem(command("run", "--target", str(path)), 2)


def test_missing_target_file(tmp_path):
    assert "No such file" in problem(command("run", "--target", str(tmp_path / "none.toml")), 2)


def test_broken_spec(tmp_path):
    path = tmp_path / "spec.yaml"
    path.write_text("openapi: [")
    assert "not valid YAML" in problem(command("run", "--spec", str(path)), 2)


def test_unset_secret(server: Running):
    assert "NO_PASSWORD" in problem(command("run", "--url", server.url, *USER), 2)


def test_unknown_fault():
    assert "there is no fault 'nonsense'" in problem(command("run", "--fault", "nonsense"), 2)


def test_unknown_area():
    assert "no such requirement, area or operation" in problem(command("run", "--only", "nonsense"), 2)


def test_interrupted_run_keeps_what_it_has(server: Running, tmp_path):
    words = [
        sys.executable,
        "-m",
        "kuflow_conformance",
        "run",
        "--target",
        str(server.target_file),
        "--reports",
        str(tmp_path),
    ]
    run = subprocess.Popen(
        [*words, "--workers", "1"],
        env={**os.environ, **server.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    deadline = time.monotonic() + 60
    while not (tmp_path / "allure-results").is_dir() or len(list((tmp_path / "allure-results").iterdir())) < 5:
        assert time.monotonic() < deadline
        assert run.poll() is None
    run.send_signal(signal.SIGINT)
    run.communicate(timeout=60)
    assert run.returncode == 130
    record = json.loads((tmp_path / "run.json").read_text())
    assert record["complete"] is False
    assert record["verdict"] == "no verdict"
    assert record["traffic"]["requests"] > 0


def test_list_and_faults():
    assert "ERR-001" in command("list").output
    assert "error-status-differs" in command("faults").output


@pytest.mark.skipif(not shutil.which("prism") and "PRISM" not in os.environ, reason="Prism (npm) is not installed")
def test_a_stateless_mock_is_not_conformant(tmp_path):
    prism = os.environ.get("PRISM") or str(shutil.which("prism"))
    port = "14010"
    mock = subprocess.Popen(
        [prism, "mock", str(files.data("spec/openapi.yaml")), "-h", "127.0.0.1", "-p", port],
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    try:
        assert any("is listening" in line for line in mock.stdout)
        outcome = command(
            "run",
            "--url",
            f"http://127.0.0.1:{port}",
            "--user",
            "app",
            "--password-env",
            "APP",
            environment={"APP": "mock-secret"},
            reports=tmp_path,
        )
    finally:
        mock.terminate()
        mock.wait()
    assert outcome.code == 1, outcome.output + outcome.error
    # It takes any credentials, invents the status in error bodies and knows every id.
    assert {"AUT-002", "ERR-002", "ERR-006"} <= set(outcome.record["failed"])
    assert "SCH-002" not in outcome.record["failed"]
    assert outcome.record["errors"] == []
