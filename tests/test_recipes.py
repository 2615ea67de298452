"""The CI recipes: valid to those who read them, and their commands are commands."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import click
import pytest
import yaml

from kuflow_conformance.cli import main

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted(path for path in (ROOT / "examples").glob("*.yml") if path.name != "gitlab-ci.yml")


def check(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_is_valid(path):
    check("--builtin-schema", "vendor.github-workflows", str(path))


def test_action_is_valid():
    check("--builtin-schema", "vendor.github-actions", str(ROOT / "action.yml"))


def test_gitlab_template_is_valid():
    check(
        *("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
        str(ROOT / "examples" / "gitlab-ci.yml"),
    )


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_workflow_gives_the_action_inputs_that_it_has(path):
    inputs = set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        for step in job["steps"]:
            if str(step.get("uses", "")).startswith("OWNER/REPOSITORY"):
                assert set(step["with"]) <= inputs


def test_commands_of_the_recipes_exist():
    files = [*WORKFLOWS, ROOT / "action.yml", ROOT / "examples" / "gitlab-ci.yml", ROOT / "README.md"]
    files += sorted((ROOT / "docs").glob("*.md"))
    used = [
        match
        for path in files
        for match in re.findall(r"^[ $-]*kuflow-conformance ([a-z]+)([^\n|>&`#]*)", path.read_text(), re.MULTILINE)
    ]
    assert used
    for name, rest in used:
        command = main.commands[name]
        if isinstance(command, click.Group):
            command = command.commands[rest.split()[0]]
        known = {
            option for parameter in command.params for option in parameter.opts if isinstance(parameter, click.Option)
        }
        assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]*", rest)) <= known, (name, rest)


def test_the_action_reports_verdict_and_summary(tmp_path):
    """Its test step, run by bash as GitHub does."""
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    script = next(step["run"] for step in steps if step.get("id") == "run")
    output, summary = tmp_path / "output", tmp_path / "summary"
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        "TARGET": "",
        "PROFILE": "core",
        "ARGUMENTS": "--only PAG --fault size-1001",
        "REPORTS": str(tmp_path / "reports"),
        "GITHUB_OUTPUT": str(output),
        "GITHUB_STEP_SUMMARY": str(summary),
    }
    done = subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        env=environment,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 1, done.stdout + done.stderr
    assert output.read_text() == "verdict=not conformant\n"
    assert "PAG-003" in summary.read_text()
    assert json.loads((tmp_path / "reports" / "run.json").read_text())["failed"] == ["PAG-003"]


def test_documentation_is_built_without_a_warning(tmp_path):
    done = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
