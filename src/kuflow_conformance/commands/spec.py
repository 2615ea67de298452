"""The commands that work on descriptions of the API."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from kuflow_conformance import files
from kuflow_conformance.description import compatibility
from kuflow_conformance.description.compatibility import sources
from kuflow_conformance.errors import EXIT_CONFORMANT, EXIT_NOT_CONFORMANT

_BY_SUFFIX = {".md": "markdown", ".html": "html", ".json": "json", ".sarif": "sarif"}


@click.group()
def spec() -> None:
    """Compare descriptions of the API."""


@spec.command("diff")
@click.argument("old")
@click.argument("new")
@click.option(
    "--accept",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A file (TOML) of changes that are accepted: [[accepted]] with change and reason.",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(["text", "markdown", "html", "json", "sarif", "github"]),
    default="text",
    show_default=True,
    help="How to print the result; github prints annotations for a workflow.",
)
@click.option(
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the result to this file as well, .md, .html, .json or .sarif.",
)
@click.option(
    "--fail-on",
    type=click.Choice(compatibility.LEVELS[:-1]),
    default="new values",
    show_default=True,
    help="The mildest level that fails. New values are those of enumerations in answers.",
)
@click.option(
    "--traffic",
    multiple=True,
    type=click.Path(path_type=Path, dir_okay=False),
    help="A HAR file or run.json of a client: say which clients use what changes. Repeatable.",
)
@click.option("--used-only", is_flag=True, help="Fail only on what the clients of --traffic use.")
@click.option("--rules-only", is_flag=True, help="Do not search for messages that show a break.")
def diff(
    old: str,
    new: str,
    accept: Path | None,
    form: str,
    output: Path | None,
    fail_on: compatibility.Level,
    traffic: tuple[Path, ...],
    used_only: bool,
    rules_only: bool,
) -> None:
    """Say whether the description NEW breaks clients of OLD.

    Each is a file, a URL, REVISION:PATH of git (such as HEAD~1:openapi.yaml), or the word bundled.

    Exit codes: 0 it breaks none, or has another version in its path; 1 it breaks some; 2 one is no description.
    """
    from kuflow_conformance.report import changes

    if output and output.suffix not in _BY_SUFFIX:
        raise click.UsageError(f"--output: the name of the file has to end in {', '.join(_BY_SUFFIX)}")
    if used_only and not traffic:
        raise click.UsageError("--used-only needs recorded clients: --traffic FILE")
    judgement = compatibility.judge(
        sources.read(old),
        sources.read(new),
        compatibility.load_accepted(accept) if accept else {},
        fail_on=fail_on,
        witnesses=not rules_only,
        traffic=[recorded for path in traffic for recorded in _recorded(path)] if traffic else None,
        used_only=used_only,
    )
    if form == "text":
        Console(highlight=False, soft_wrap=True).print(changes.as_text(judgement))
    else:
        click.echo(changes.WRITERS[form](judgement, old, new))
    if output:
        files.write_whole(output, changes.WRITERS[_BY_SUFFIX[output.suffix]](judgement, old, new))
    sys.exit(EXIT_NOT_CONFORMANT if judgement.breaks_clients else EXIT_CONFORMANT)


def _recorded(path: Path) -> Iterator[compatibility.Recorded]:
    """The exchanges of a HAR file, or the operations of the record of a run. Raises a ConformanceError."""
    from kuflow_conformance.findings import record
    from kuflow_conformance.traffic import har

    if _is_run(path):
        for operation in record.read(path)["operations"]:
            name, count = operation["id"], operation["requests"]
            if count:
                yield compatibility.Recorded(path.stem, operation["method"], "", count=count, operation=name)
        return
    for entry in har.entries(str(path)):
        if not isinstance(entry, har.UnreadableEntry):
            yield compatibility.Recorded(
                client=path.stem,
                method=entry.method.upper(),
                url=entry.url,
                headers=dict(entry.request_headers),
                body=_json(entry.request_body),
                status=entry.status,
                answer_headers=dict(entry.headers),
                answer=_json(entry.body),
            )


def _is_run(path: Path) -> bool:
    """Whether it is the record of a run, which says so at its beginning."""
    try:
        with path.open("rb") as file:
            return b'"suite"' in file.read(200)
    except OSError:
        return False


def _json(body: bytes | None) -> Any:
    try:
        return json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None


COMMANDS = (spec,)
