"""The templates of `reports/`."""

from __future__ import annotations

import json
import re
from typing import Any

import jinja2

from kuflow_conformance import files

_MARKDOWN = re.compile(r"([\\`*_\[\]<>|~#])")


def _text(text: str, limit: int = 200) -> str:
    """`text` for a cell of a Markdown table: on one line, cut, and without any meaning to Markdown."""
    line = " ".join(str(text).split())
    return _MARKDOWN.sub(r"\\\1", line if len(line) <= limit else f"{line[: limit - 1]}…")


def _pretty(body: str) -> str:
    """A body to be read: JSON on several lines, anything else as it is."""
    try:
        return json.dumps(json.loads(body), indent=1, ensure_ascii=False)
    except (ValueError, RecursionError):
        return body


def render(name: str, **values: Any) -> str:
    """The template `name` with `values`; what goes into HTML and SVG is escaped."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(files.data("reports")),
        autoescape=jinja2.select_autoescape(["html.j2", "svg.j2"]),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"text": _text, "pretty": _pretty}
    return environment.get_template(name).render(**values)
