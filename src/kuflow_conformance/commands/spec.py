"""The commands that work on descriptions of the API."""

from __future__ import annotations

import sys
from pathlib import Path

import click
from rich.console import Console

from kuflow_conformance import files
from kuflow_conformance.description import compatibility
from kuflow_conformance.description.compatibility import sources
from kuflow_conformance.errors import EXIT_CONFORMANT, EXIT_NOT_CONFORMANT


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
    "--output",
    type=click.Path(path_type=Path, dir_okay=False),
    help="Write the result to this file as well, .md or .html.",
)
def diff(old: str, new: str, accept: Path | None, output: Path | None) -> None:
    """Say whether the description NEW breaks clients of OLD.

    Each is a file, a URL, REVISION:PATH of git (such as HEAD~1:openapi.yaml), or the word bundled.

    Exit codes: 0 it breaks none, or has another version in its path; 1 it breaks some; 2 one is no description.
    """
    from kuflow_conformance.report import pages
    from kuflow_conformance.report.console import judged_changes

    if output and output.suffix not in (".md", ".html"):
        raise click.UsageError("--output: the name of the file has to end in .md or .html")
    accepted = compatibility.load_accepted(accept) if accept else {}
    judgement = compatibility.judge(sources.read(old), sources.read(new), accepted, witnesses=True)
    Console(highlight=False).print(judged_changes(judgement))
    if output:
        files.write_whole(output, pages.specdiff(judgement, old, new, output.suffix.removeprefix(".")))
    sys.exit(EXIT_NOT_CONFORMANT if judgement.breaks_clients else EXIT_CONFORMANT)


COMMANDS = (spec,)
