"""The suite's own page: one file, no network, readable without scripts."""

from __future__ import annotations

from typing import Any

import jinja2

from kuflow_conformance import files


def render(record: dict[str, Any]) -> str:
    """The page for a run record."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(files.data("reports")),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    areas: dict[str, list[dict[str, Any]]] = {}
    for requirement in record["requirements"]:
        areas.setdefault(requirement["area"], []).append(requirement)
    by_id = {r["id"]: r for r in record["requirements"]}
    failed = [by_id[key] for key in record["failed"]]
    warned = [r for r in record["requirements"] if r["outcome"] == "warn"]
    return environment.get_template("report.html.j2").render(run=record, areas=areas, failed=failed, warned=warned)
