"""The commands that judge other people's traffic: recorded, or as it passes."""

from __future__ import annotations

import contextlib
import signal
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from kuflow_conformance.commands.options import describes_target, reports_option
from kuflow_conformance.description import openapi
from kuflow_conformance.errors import InvalidTraffic
from kuflow_conformance.report import write_reports
from kuflow_conformance.report.console import summary
from kuflow_conformance.target import target_file as targets
from kuflow_conformance.traffic.traffic import Traffic, base_url_of, exchanges, read_har

_spec_option = click.option("--spec", metavar="FILE|URL", help="Judge by another OpenAPI file.")


def _verdict(traffic: Traffic, reports: Path) -> int:
    """End the record, write the reports and show what there is to say; returns the exit code."""
    traffic.record.finish(interrupted=False)
    record = traffic.record.as_dict()
    write_reports(record, reports)
    console = Console(highlight=False)
    console.print(summary(record, reports))
    if traffic.passed_over:
        console.print(f"not judged: {traffic.passed_over} (redirects, conditional requests, bodies not recorded)")
    return int(record["exit_code"])


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@click.option("--url", help="The base URL of the API in the recording. By default, the version in the path tells.")
@_spec_option
@reports_option
def check(file: Path, url: str | None, spec: str | None, reports: Path) -> None:
    """Judge recorded traffic. FILE is a HAR of a browser, a proxy or a client's tests. Nothing is sent.

    Exit codes: 0 no answer breaks the API reference; 1 one does; 2 the file is no HAR; 3 nothing could be judged.
    """
    entries = read_har(file)
    base_url = (url or base_url_of(entries) or "").rstrip("/")
    if not base_url:
        raise InvalidTraffic(f"{file}: no request goes to a path with /v{openapi.VERSION}; say --url BASE-URL")
    description = openapi.load(spec)
    traffic = Traffic(file.name, base_url, description, reports)
    for seen in exchanges(entries, base_url, description):
        traffic.see(seen)
    sys.exit(_verdict(traffic, reports))


@click.command()
@describes_target
@_spec_option
@click.option(
    "--listen",
    type=click.IntRange(0, 65535),
    default=8480,
    show_default=True,
    help="The port of the proxy. 0 takes a free one.",
)
@reports_option
def proxy(listen: int, spec: str | None, reports: Path, **options: Any) -> None:
    """Judge the traffic of a client as it passes.

    Requests are passed on to the target, and every answer is judged, until Ctrl-C.

    Point the client at the proxy instead of the target. It uses its own credentials; those of the target file are not
    used.

    Exit codes: as for check.
    """
    from kuflow_conformance import serving as asgi
    from kuflow_conformance.traffic.proxy import Proxy

    target = targets.load(options["target"], {**targets.keys_of(options), "auth.type": "none"})
    target = target.model_copy(update={"second_tenant": None})
    description = openapi.load(spec)
    traffic = Traffic(target.name, target.base_url, description, reports)
    path = target.base_url.partition("://")[2].partition("/")[2]

    def ready(port: int) -> None:
        click.echo(f"http://127.0.0.1:{port}/{path} → {target.base_url}; stop with Ctrl-C")

    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with contextlib.suppress(KeyboardInterrupt):  # the usual end
        asgi.serve(Proxy(target, description, traffic).asgi, listen, ready)
    sys.exit(_verdict(traffic, reports))


COMMANDS = (check, proxy)
