"""What a run says of small wrong servers: exact about what is broken, and about what it could not test."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from miniatures import MINIATURES

from conftest import Outcome, command

SECRETS = {"KUFLOW_TOKEN": "miniature-token-1", "KUFLOW_SECOND_TOKEN": "miniature-token-2"}
START = 60.0
"""Seconds in which a server has to start, on a machine that is busy."""


@contextmanager
def served(name: str, folder: Path) -> Iterator[Path]:
    """The target file of a miniature, while it is served."""
    target = folder / "target.toml"
    words = [sys.executable, str(Path(__file__).with_name("miniatures.py")), name, "--write-target", str(target)]
    with subprocess.Popen(words, env={**os.environ, **SECRETS}, stdout=subprocess.DEVNULL) as process:
        try:
            deadline = time.monotonic() + START
            while not target.exists():
                assert process.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.05)
            target.write_text(target.read_text().partition("[test-bed]")[0])  # it is to be found
            yield target
        finally:
            process.terminate()


def run(name: str, folder: Path, *options: str) -> Outcome:
    with served(name, folder) as target:
        words = ("run", "--target", str(target), "--workers", "2", "--record-only", *options)
        return command(*words, environment=SECRETS, reports=folder / "reports")


def outcomes(record: dict[str, Any]) -> dict[str, str]:
    return {requirement["id"]: requirement["outcome"] for requirement in record["requirements"]}


def test_every_miniature_says_what_it_is():
    assert all(switch.summary for switch in MINIATURES.values())


def test_a_server_error_breaks_what_was_asked_for(tmp_path):
    """Also where only the requirements of processes are selected, and not the one on server errors."""
    found = run("one-alternative", tmp_path, "--only", "processes")
    assert found.code == 1
    assert {"PRC-003", "PRC-013", "PRC-014", "PRC-015"} <= set(found.record["failed"])


def test_operations_that_are_not_there_are_counted_first(tmp_path):
    record = run("half-built", tmp_path, "--only", "robots", "--only", "success", "--only", "answers").record
    assert [cause.partition(":")[0] for cause in record["causes"]] == ["27 operations answer 501, not implemented"]
    assert record["failed"][:2] == ["ANS-002", "SUC-001"]
    robots = next(requirement for requirement in record["requirements"] if requirement["id"] == "ROB-001")
    assert (robots["outcome"], robots["follows"]) == ("fail", "ANS-002")
    assert not any("create a robot" in line for line in record["missing"])


@pytest.mark.parametrize(
    ("name", "areas", "cause"),
    [
        ("any-id", ("errors",), "examples"),
        ("random", ("reads",), "made up"),
        ("polite-errors", ("errors", "schema"), "with a status of success"),
        ("open-door", ("authentication",), "no credentials are checked"),
        ("forgetful", ("processes", "items", "idempotency", "json values"), "nothing seems to be stored"),
    ],
)
def test_what_lies_behind_the_failures_is_said(name, areas, cause, tmp_path):
    found = run(name, tmp_path, *(word for area in areas for word in ("--only", area)))
    assert found.code == 1
    assert cause in " ".join(found.record["causes"]), found.output
    assert found.record["errors"] == []


def test_an_address_that_is_none_is_not_sent(tmp_path):
    """A mock shows "string" for an address: what cannot be asked for rightly is not tested, and not broken."""
    record = run("words-for-emails", tmp_path, "--only", "PRC-003", "--only", "ITM-005").record
    assert record["failed"] == []
    assert outcomes(record) == {"PRC-003": "not tested", "ITM-005": "not tested"}
    assert "no address" in record["requirements"][0]["reason"]


def test_answers_of_a_wrong_type_stop_nothing(tmp_path):
    record = run("totals-as-text", tmp_path, "--only", "filters", "--only", "schema").record
    assert record["errors"] == []
    assert "SCH-005" in record["failed"]
