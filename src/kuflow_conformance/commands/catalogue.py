"""The commands that show what is tested: explain and list."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from kuflow_conformance.description import openapi, requirements
from kuflow_conformance.description.requirements import PROFILE_SUMMARIES, PROFILES
from kuflow_conformance.findings import record as records
from kuflow_conformance.report.console import explanation, section_explanation
from kuflow_conformance.run.settings import DEFAULT_REPORTS


def _complete(context: click.Context, parameter: click.Parameter, incomplete: str) -> list[str]:
    ids = [*requirements.load().requirements, *openapi.load().operations]
    return [key for key in ids if key.lower().startswith(incomplete.lower())]


@click.command()
@click.argument("what", shell_complete=_complete)
@click.option(
    "--run",
    "record",
    type=click.Path(path_type=Path, dir_okay=False),
    default=DEFAULT_REPORTS / "run.json",
    help="The record of a run. What this run found is shown as well.",
)
def explain(what: str, record: Path) -> None:
    """Explain a requirement, an operation or a section.

    WHAT is a requirement, such as LOG-004. Or it is an operation, such as appendProcessItemTaskLog, or words from the
    title of a section, such as "Append a log": then you see what the API reference says there, with the requirements
    and tests of each statement.
    """
    from kuflow_conformance.report import catalogue as page

    known, console = requirements.load(), Console(highlight=False, soft_wrap=True)
    tests, key = page.tests_by_requirement(known), what.upper()
    if key not in known:
        sections = page.sections_named(what)
        if not sections:
            raise click.UsageError(
                f"there is no requirement, operation or section {what!r}; `kuflow-conformance list` shows the"
                " requirements, `kuflow-conformance list operations` the operations"
            )
        operations = openapi.load().operations
        for section in sections:
            operation = operations[section.operation] if section.operation else None
            console.print(section_explanation(section, operation, known, tests))
        return
    seen = records.read(record)["requirements"] if record.is_file() else []
    sample = next((r for r in seen if r["id"] == key), None)
    console.print(explanation(known[key], known.area_of[key], tests[key], sample))


@click.command("list")
@click.argument("what", type=click.Choice(("requirements", "operations", "profiles")), default="requirements")
@click.option("--markdown", is_flag=True, help="Write a page in Markdown, with sources, tests and statements.")
def list_(what: str, markdown: bool) -> None:
    """List the requirements, the operations or the profiles.

    A requirement is listed with its id, level, profile and sentence.
    """
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
