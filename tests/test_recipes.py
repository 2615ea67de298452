"""What GitHub and GitLab read, ours and the recipes: valid to them, and its commands are commands."""

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
RECIPES = sorted(path for path in (ROOT / "examples").glob("*.yml") if path.name != "gitlab-ci.yml")
OURS = sorted((ROOT / ".github/workflows").glob("*.yml"))
FORMS = sorted(path for path in (ROOT / ".github/ISSUE_TEMPLATE").glob("*.yml") if path.name != "config.yml")


def check(*arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "check_jsonschema", *arguments], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("path", [*RECIPES, *OURS], ids=lambda path: path.name)
def test_workflow_is_valid(path):
    check("--builtin-schema", "vendor.github-workflows", str(path))


def test_action_is_valid():
    check("--builtin-schema", "vendor.github-actions", str(ROOT / "action.yml"))


def test_gitlab_template_is_valid():
    check(
        *("--builtin-schema", "vendor.gitlab-ci", "--data-transform", "gitlab-ci"),
        str(ROOT / "examples" / "gitlab-ci.yml"),
    )


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.name)
def test_issue_form_is_valid(path):
    check("--builtin-schema", "vendor.github-issue-forms", str(path))


@pytest.mark.parametrize(
    ("schema", "path"), [("github-issue-config", "ISSUE_TEMPLATE/config.yml"), ("dependabot", "dependabot.yml")]
)
def test_what_else_github_reads_is_valid(schema, path):
    check("--builtin-schema", f"vendor.{schema}", str(ROOT / ".github" / path))


@pytest.mark.parametrize("path", RECIPES, ids=lambda path: path.name)
def test_workflow_gives_the_action_inputs_that_it_has(path):
    inputs = set(yaml.safe_load((ROOT / "action.yml").read_text())["inputs"])
    for job in yaml.safe_load(path.read_text())["jobs"].values():
        for step in job["steps"]:
            if str(step.get("uses", "")).startswith("OWNER/REPOSITORY"):
                assert set(step["with"]) <= inputs


def test_commands_of_the_recipes_exist():
    files = [*RECIPES, *OURS, ROOT / "action.yml", ROOT / "examples" / "gitlab-ci.yml", *ROOT.glob("*.md")]
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


def bash(script: str, folder: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    """Run a step as GitHub does."""
    return subprocess.run(
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_a_release_has_the_entry_of_the_changelog_as_its_notes(tmp_path):
    jobs = yaml.safe_load((ROOT / ".github/workflows/release.yml").read_text())["jobs"]
    script = next(step["run"] for step in jobs["build"]["steps"] if step.get("id") == "notes")
    headings = ("0.2.0 (unreleased)", "0.1.0 (2026-01-02)", "0.0.1 (2026-01-01)")
    entries = "".join(f"## {heading}\n\n- Entry of {heading}.\n\n" for heading in headings)
    (tmp_path / "CHANGELOG.md").write_text(f"# Changelog\n\n{entries}")
    assert bash(script, tmp_path, GITHUB_REF_NAME="v0.1.0").returncode == 0
    assert (tmp_path / "notes.md").read_text().strip() == "- Entry of 0.1.0 (2026-01-02)."
    for version in ("v0.2.0", "v0.1", "v3.0.0"):
        refused = bash(script, tmp_path, GITHUB_REF_NAME=version)
        assert refused.returncode == 1
        assert "write it, and tag again" in refused.stderr


def test_the_action_reports_verdict_and_summary(tmp_path):
    """Its test step, run by bash as GitHub does."""
    steps = yaml.safe_load((ROOT / "action.yml").read_text())["runs"]["steps"]
    script = next(step["run"] for step in steps if step.get("id") == "run")
    output, summary = tmp_path / "output", tmp_path / "summary"
    done = bash(
        script,
        ROOT,
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
        TARGET="",
        PROFILE="core",
        ARGUMENTS="--only PAG --fault size-1001",
        REPORTS=str(tmp_path / "reports"),
        GITHUB_OUTPUT=str(output),
        GITHUB_STEP_SUMMARY=str(summary),
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
