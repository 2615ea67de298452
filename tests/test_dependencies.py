"""Parts of our dependencies that are not their public interface, and what we take for granted of them.

When one of these fails after an update, read "When a dependency moves" in CONTRIBUTING.md.
"""

from __future__ import annotations

import inspect
import re
import tomllib
from importlib.metadata import version
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
BOUNDED = ("schemathesis", "hypothesis", "oas-patch")
ADVICE = 'see "When a dependency moves" in CONTRIBUTING.md'


def parameters(function: object) -> set[str]:
    return set(inspect.signature(function).parameters)  # type: ignore[arg-type]


@pytest.mark.parametrize("name", BOUNDED)
def test_dependencies_whose_internals_are_used_have_an_upper_bound(name):
    dependencies = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["dependencies"]
    line = next(line for line in dependencies if line.startswith(name))
    assert re.search(r",<[\d.]+$", line), f"{line} has no upper bound; {ADVICE}"


def test_schemathesis_builds_tests_of_single_operations():
    moved = f"Schemathesis {version('schemathesis')} has moved its test builder (generation/cases.py); {ADVICE}"
    try:
        from schemathesis.generation.feedback import NO_FEEDBACK
        from schemathesis.pytest._test_builder import build_operation_test
    except ImportError as error:
        pytest.fail(f"{moved}: {error}")
    assert NO_FEEDBACK is not None
    assert {"config", "operation", "test_func", "given_kwargs", "feedback"} <= parameters(build_operation_test), moved


def test_schemathesis_cases_show_what_goes_over_the_wire():
    import schemathesis

    moved = f"Schemathesis {version('schemathesis')} has changed its cases (generation/cases.py); {ADVICE}"
    case = schemathesis.Case
    assert "base_url" in parameters(case.as_transport_kwargs), moved
    assert hasattr(case, "path_parameters") or "path_parameters" in case.__annotations__, moved


def test_hypothesis_runs_state_machines_of_a_given_length():
    from hypothesis.stateful import run_state_machine_as_test

    moved = f"Hypothesis {version('hypothesis')} has changed run_state_machine_as_test (suites/stateful/); {ADVICE}"
    assert {"settings", "_min_steps"} <= parameters(run_state_machine_as_test), moved


def test_oas_patch_applies_overlays_to_plain_data():
    from oas_patch.overlay import apply_overlay

    document = {"info": {"title": "before"}}
    overlay = {"overlay": "1.0.0", "actions": [{"target": "$.info", "update": {"title": "after"}}]}
    moved = f"oas-patch {version('oas-patch')} applies overlays otherwise (description/openapi.py); {ADVICE}"
    assert apply_overlay(document, overlay)["info"]["title"] == "after", moved
