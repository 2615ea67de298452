"""What a run leaves behind: its record as pages, as text on the terminal, and for Allure.

It knows records, and no server and no tests.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from kuflow_conformance.files import write_whole
from kuflow_conformance.report import allure, pages
from kuflow_conformance.report.junit import junit


def write_reports(record: dict[str, Any], folder: Path) -> None:
    """Write the reports of a run into `folder`; each file appears whole or not at all."""
    write_whole(folder / "run.json", json.dumps(record, indent=1, ensure_ascii=False) + "\n")
    write_pages(record, folder)
    if (folder / "allure-results").is_dir():
        allure.write_environment(record, folder / "allure-results")


def write_pages(record: dict[str, Any], folder: Path) -> None:
    """Write what is made of a record alone: page, summary, badge, behaviour sheet, JUnit."""
    write_whole(folder / "report.html", pages.page(record))
    write_whole(folder / "summary.md", pages.summary(record))
    write_whole(folder / "badge.svg", pages.badge(record))
    for name, badge in pages.area_badges(record).items():
        write_whole(folder / "badges" / name, badge)
    write_whole(folder / "behaviour.md", pages.behaviour(record))
    write_whole(folder / "junit.xml", junit(record))
