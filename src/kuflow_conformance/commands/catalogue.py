"""The commands that show what is tested: explain and list."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from kuflow_conformance.description import openapi, requirements
from kuflow_conformance.description.requirements import PROFILE_SUMMARIES, PROFILES
from kuflow_conformance.findings import record as records
from kuflow_conformance.report.console import explanation
from kuflow_conformance.run.settings import DEFAULT_REPORTS


def _complete_requirement(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    return [key for key in requirements.load().requirements if key.startswith(incomplete.upper())]


@click.command()
@click.argument("requirement", shell_complete=_complete_requirement)
@click.option(
    "--run",
    "record",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_REPORTS / "run.json",
    help="The record of a run, for a sample exchange.",
)
def explain(requirement: str, record: Path) -> None:
    """Say what a requirement is, where the documentation says so, and which tests look at it."""
    from kuflow_conformance.report import catalogue as page

    known = requirements.load()
    key = requirement.upper()
    if key not in known:
        raise click.UsageError(f"there is no requirement {requirement!r}; `kuflow-conformance list` shows them")
    seen = records.read(record)["requirements"] if record.is_file() else []
    sample = next((r for r in seen if r["id"] == key), None)
    tests, says = page.tests_by_requirement(known)[key], page.statements_of(key)
    Console(highlight=False).print(explanation(known[key], known.area_of[key], tests, says, sample))


@click.command("list")
@click.argument("what", type=click.Choice(("requirements", "operations", "profiles")), default="requirements")
@click.option("--markdown", is_flag=True, help="As a page, with sources, tests and the documentation's statements.")
def list_(what: str, markdown: bool) -> None:
    """List the requirements (id, level, profile and sentence), the operations or the profiles."""
    if what == "operations":
        for operation in openapi.load().operations.values():
            click.echo(f"{operation.id:46}  {operation.method:6}  {operation.path}")
        return
    if what == "profiles":
        known = requirements.load()
        for profile in PROFILES:
            click.echo(f"{profile:10}  {len(known.in_profile(profile)):3} requirements  {PROFILE_SUMMARIES[profile]}")
        return
    if markdown:
        from kuflow_conformance.report import catalogue as page

        click.echo(page.markdown(), nl=False)
        return
    catalogue = requirements.load()
    for area in catalogue.areas:
        click.secho(area.name, bold=True)
        for requirement in area.requirements:
            click.echo(f"  {requirement.id}  {requirement.level:7}  {requirement.profile:9}  {requirement.sentence}")


COMMANDS = (explain, list_)
