"""The command line: a group of commands, which are in `commands`."""

from __future__ import annotations

from typing import Any

import click
from rich.console import Console

from kuflow_conformance import __version__
from kuflow_conformance.commands import catalogue, records, reference, run, setup, spec, traffic
from kuflow_conformance.errors import ConformanceError


class _Group(click.Group):
    """Turns every foreseen problem into one line and the right exit code."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except ConformanceError as error:
            Console(stderr=True, highlight=False, soft_wrap=True).print(f"kuflow-conformance: {error}", markup=False)
            ctx.exit(error.exit_code)


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 110})
@click.version_option(__version__, prog_name="kuflow-conformance")
def main() -> None:
    """Say, with evidence, whether a server is the KuFlow REST API, version 2024-06-14."""


for room in (run, setup, records, catalogue, spec, traffic, reference):
    for command in room.COMMANDS:
        main.add_command(command)
