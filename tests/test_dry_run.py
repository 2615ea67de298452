"""A dry run sends nothing, and says what a run would do."""

from __future__ import annotations

import json
import re

from conftest import command
from kuflow_conformance import files

NOBODY = ("--url", "http://127.0.0.1:9/v2024-06-14", "--user", "nobody", "--password-env", "NOBODY")


def test_a_dry_run_needs_no_target(tmp_path):
    options = ("run", *NOBODY, "--dry-run", "--only", "processes", "--skip", "PRC-01*=slow")
    outcome = command(*options, "--set", "target.max-processes=7", environment={"NOBODY": "x"}, reports=tmp_path)
    assert outcome.code == 0, outcome.output + outcome.error
    requests, processes = (
        int(re.search(pattern, outcome.output)[1]) for pattern in (r"about (\d+) requests", r"about (\d+) processes")
    )
    assert requests > processes > 0
    assert "would create at most 7 processes" in outcome.output
    assert "would send nothing of PRC-01*: slow" in outcome.output
    assert "nothing was sent" in outcome.output
    assert not (tmp_path / "run.json").exists()


def test_what_is_measured_is_of_tests_that_there_are():
    measured = json.loads(files.data("spec/costs.json").read_text())
    assert set(measured) == {"read-only", "core", "full"}
    root = files.data("suites")
    for costs in measured.values():
        for name, cost in costs.items():
            module, _, function = name.partition("::")
            assert cost["tests"] >= 1
            if (root / module).is_file():
                assert isinstance(function, str)
