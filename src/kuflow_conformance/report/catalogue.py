"""The page of all requirements, and of the statements of the documentation that they cover."""

from __future__ import annotations

import ast
import re
from typing import Any

import yaml

from kuflow_conformance import files
from kuflow_conformance.description import requirements
from kuflow_conformance.description.requirements import Catalogue
from kuflow_conformance.oracles import JUDGED_ALWAYS
from kuflow_conformance.oracles.requests import REFUSALS
from kuflow_conformance.report import templates

_ID = re.compile(r"\b[A-Z]{3}-\d{3}\b")
_SHARED = {"JUDGED_ALWAYS": JUDGED_ALWAYS, "REFUSALS": REFUSALS}


def statements() -> list[dict[str, Any]]:
    """The sections of `spec/statements.yaml`."""
    sections: list[dict[str, Any]] = yaml.safe_load(files.data("spec/statements.yaml").read_text(encoding="utf-8"))
    return sections


def tests_by_requirement(catalogue: Catalogue) -> dict[str, list[str]]:
    """Requirement → the test functions of the suites that name it, as ``file::function``."""
    tests: dict[str, list[str]] = {key: [] for key in catalogue.requirements}
    root = files.data("suites")
    for path in sorted(root.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        for node in ast.parse(source).body:
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            parts = [*node.decorator_list, *node.body]
            text = "\n".join(ast.get_source_segment(source, part) or "" for part in parts)
            named = {*_ID.findall(text)} | {key for name, keys in _SHARED.items() if name in text for key in keys}
            for key in named & tests.keys():
                tests[key].append(f"{path.relative_to(root)}::{node.name}")
    return tests


def statements_of(requirement: str) -> list[str]:
    """The statements of the documentation that a requirement tests, in our words."""
    return [
        f"{section['section']}: {statement['says']}"
        for section in statements()
        for statement in section["statements"]
        if requirement in statement.get("requirements", ())
    ]


def markdown() -> str:
    """The page as Markdown."""
    catalogue = requirements.load()
    return templates.render(
        "requirements.md.j2",
        areas=catalogue.areas,
        total=len(catalogue.requirements),
        tests=tests_by_requirement(catalogue),
        sections=statements(),
    )
