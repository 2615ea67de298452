"""What a run leaves behind: `run.json` and `report.html` here, JUnit by pytest, Allure results by allure-pytest."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kuflow_conformance.report import allure, html


def write_reports(record: dict[str, Any], folder: Path) -> None:
    """Write the reports of a run into `folder`; each file appears whole or not at all."""
    folder.mkdir(parents=True, exist_ok=True)
    _write(folder / "run.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    _write(folder / "report.html", html.render(record))
    if (folder / "allure-results").is_dir():
        allure.write_environment(record, folder / "allure-results")


def _write(path: Path, text: str) -> None:
    partial = path.with_name(path.name + ".part")
    partial.write_text(text, encoding="utf-8", errors="backslashreplace")
    partial.replace(path)
