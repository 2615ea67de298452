"""The templates of `reports/`."""

from __future__ import annotations

from typing import Any

import jinja2

from kuflow_conformance import files


def render(name: str, **values: Any) -> str:
    """The template `name` with `values`; what goes into HTML and SVG is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(files.data("reports")),
        autoescape=jinja2.select_autoescape(["html.j2", "svg.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name).render(**values)
