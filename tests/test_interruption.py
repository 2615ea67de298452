"""Interrupted, killed, nowhere to write: what was recorded stays readable, and nothing stays running on the target."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import resource
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import jsonschema
import pytest

from conftest import Running, command
from kuflow_conformance import files
from kuflow_conformance.reference import serve


@pytest.fixture
def target():
    """A server of its own, so that what runs on it was left by the run."""
    with serve.running() as (target_file, environment):
        yield Running(target_file, environment)


def running_processes(target: Running) -> list[str]:
    """The processes, made by a run, that are not ended."""
    pair = base64.b64encode(f"{target.user}:{target.password}".encode()).decode()
    found, page = [], 0
    while True:
        url = f"{target.url}/processes?size=1000&sort=createdAt,desc&page={page}"
        request = urllib.request.Request(url, headers={"Authorization": f"Basic {pair}"})
        rows = json.load(urllib.request.urlopen(request))["content"]
        found += [r["id"] for r in rows if r["state"] == "RUNNING" and not r["createdAt"].startswith("2024")]
        if len(rows) < 1000:
            return found
        page += 1


def start(target: Running, reports: Path, *options: str) -> subprocess.Popen:
    """A run that is under way: its record has been written and its tests have begun."""
    words = [sys.executable, "-m", "kuflow_conformance", "run", "--target", str(target.target_file)]
    run = subprocess.Popen(
        [*words, "--reports", str(reports), *options],
        env={**os.environ, **target.environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    deadline = time.monotonic() + 60
    while True:
        with contextlib.suppress(FileNotFoundError):  # it is emptied first
            if len(os.listdir(reports / "allure-results")) > 400:
                return run
        assert time.monotonic() < deadline
        assert run.poll() is None


def record_of(reports: Path):
    record = json.loads((reports / "run.json").read_text())
    jsonschema.validate(record, json.loads(files.data("spec/run.schema.json").read_text()))
    return record


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_what_is_interrupted_is_reported_and_cleaned_up(number, target, tmp_path):
    run = start(target, tmp_path)
    run.send_signal(number)
    output, _ = run.communicate(timeout=60)
    assert run.returncode == 130
    record = record_of(tmp_path)
    assert not record["complete"]
    assert record["reason"] == "the run was interrupted"
    assert "interrupted" in output
    assert "Traceback" not in output
    assert record["left"] == []
    assert running_processes(target) == []


def test_what_is_killed_leaves_a_partial_record_and_can_be_cleaned_up(target, tmp_path):
    run = start(target, tmp_path, "--workers", "1")
    run.kill()
    run.communicate(timeout=60)
    record = record_of(tmp_path)
    assert not record["complete"]
    assert record["verdict"] == "no verdict"
    assert running_processes(target) != []
    options = (str(tmp_path / "run.json"), "--target", str(target.target_file))
    outcome = command("cleanup", *options, environment=target.environment)
    assert outcome.code == 0, outcome.output + outcome.error
    # Those that were made without an id of the run's own, since the record was last written, cannot be known.
    assert len(running_processes(target)) <= 3
    shutil.rmtree(tmp_path / "allure-results")
    command("report", str(tmp_path))
    assert "partial" in (tmp_path / "report.html").read_text()


def test_a_worker_that_dies_is_told_and_cleaned_up_after(target, tmp_path):
    run = start(target, tmp_path, "--workers", "2")
    children = Path(f"/proc/{run.pid}/task/{run.pid}/children").read_text().split()
    os.kill(int(children[-1]), signal.SIGKILL)
    output, _ = run.communicate(timeout=120)
    assert run.returncode == 3
    assert "crashed while running" in output
    assert "Traceback" not in output
    assert running_processes(target) == []


def test_a_run_that_ends_leaves_nothing(target, tmp_path):
    outcome = command(
        "run", "--target", str(target.target_file), environment=target.environment, reports=tmp_path / "reports"
    )
    assert outcome.code == 0
    assert outcome.record["left"] == []
    assert running_processes(target) == []


def test_nowhere_to_write_is_told_before_the_run(target, tmp_path):
    (tmp_path / "file").write_text("")
    options = ("run", "--target", str(target.target_file), "--only", "PAG")
    outcome = command(*options, environment=target.environment, reports=tmp_path / "file" / "reports")
    assert outcome.code == 2
    assert len(outcome.error.splitlines()) == 1
    assert "the reports cannot be written" in outcome.error


def test_a_full_disk_is_told_with_the_verdict(target, tmp_path):
    """No file may be longer than 60 kB here, which the reports are."""
    words = [sys.executable, "-m", "kuflow_conformance", "run", "--target", str(target.target_file)]
    done = subprocess.run(
        [*words, "--only", "PAG", "--only", "IDM", "--workers", "1", "--reports", str(tmp_path)],
        env={**os.environ, **target.environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (60_000, 60_000)),
    )
    assert done.returncode == 3
    assert "the reports cannot be written" in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert "INTERNALERROR" not in done.stdout + done.stderr
    record_of(tmp_path)  # what there is, is whole
    assert running_processes(target) == []


def test_production_is_not_written_to_by_accident(target, tmp_path):
    options = ("run", "--target", str(target.target_file), "--set", "target.production=true", "--only", "PAG")
    refused = command(*options, environment=target.environment, reports=tmp_path)
    assert refused.code == 2
    assert "--profile read-only" in refused.error
    for more in (("--profile", "read-only"), ("--write-to-production",)):
        assert command(*options, *more, environment=target.environment, reports=tmp_path).code == 0
