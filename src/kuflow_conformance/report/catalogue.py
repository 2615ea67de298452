"""Requirements beside their place in the API reference: what a section says, and what tests it."""

from __future__ import annotations

import ast
import re
from functools import cache
from typing import Literal, NamedTuple

import yaml
from pydantic import BaseModel, ConfigDict, TypeAdapter

from kuflow_conformance import files
from kuflow_conformance.description import openapi, requirements
from kuflow_conformance.description.requirements import Catalogue
from kuflow_conformance.oracles import JUDGED_ALWAYS
from kuflow_conformance.oracles.requests import REFUSALS
from kuflow_conformance.report import templates

_ID = re.compile(r"\b[A-Z]{3}-\d{3}\b")
_SHARED = {"JUDGED_ALWAYS": JUDGED_ALWAYS, "REFUSALS": REFUSALS}


class Statement(BaseModel):
    """What the API reference says, in our words; the requirements that test it, or else why it is not tested."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    says: str
    requirements: tuple[str, ...] = ()
    untested: str = ""


class Section(BaseModel):
    """A section of the API reference. `operations` are the operationIds it is about, or ``all``."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    section: str
    operations: tuple[str, ...] | Literal["all"] = ()
    statements: tuple[Statement, ...]

    @property
    def operation(self) -> str | None:
        """The operation that the section describes; None when it is about several or none."""
        return self.operations[0] if len(self.operations) == 1 else None

    @property
    def anchor(self) -> str:
        """Where it stands on the page of requirements."""
        return self.operation or self.section.lower().replace(" ", "-")


class Test(NamedTuple):
    """A test function of the suites: its file below the suites, its name and its line."""

    file: str
    function: str
    line: int

    @property
    def place(self) -> str:
        """The file with the line, as editors and terminals understand it."""
        return f"suites/{self.file}:{self.line}"


@cache
def sections() -> tuple[Section, ...]:
    """The sections of the API reference with their statements (`spec/statements.yaml`), in its order."""
    text = files.data("spec/statements.yaml").read_text(encoding="utf-8")
    return TypeAdapter(tuple[Section, ...]).validate_python(yaml.safe_load(text))


def sections_named(text: str) -> list[Section]:
    """The section of the operation with this operationId, or else those with `text` in their title."""
    wanted = text.lower()
    exact = [section for section in sections() if (section.operation or "").lower() == wanted]
    return exact or [section for section in sections() if wanted in section.section.lower()]


def sections_beside(section: Section) -> list[Section]:
    """The sections about several operations that say something of the one operation of `section`."""
    several = [other for other in sections() if other.operation is None]
    return [other for other in several if other.operations == "all" or section.operation in other.operations]


def sections_saying(requirement: str) -> list[tuple[Section, Statement]]:
    """The places of the API reference that say what a requirement tests."""
    return [(s, statement) for s in sections() for statement in s.statements if requirement in statement.requirements]


def tests_by_requirement(catalogue: Catalogue) -> dict[str, list[Test]]:
    """Requirement → the test functions of the suites that name it."""
    tests: dict[str, list[Test]] = {key: [] for key in catalogue.requirements}
    root = files.data("suites")
    for path in sorted(root.rglob("test_*.py")):
        source = path.read_text(encoding="utf-8")
        module = ast.parse(source).body
        constants = {
            target.id: ast.unparse(node.value)
            for node in module
            if isinstance(node, ast.Assign)
            for target in node.targets
            if isinstance(target, ast.Name)
        }
        for node in module:
            if not isinstance(node, ast.FunctionDef) or not node.name.startswith("test_"):
                continue
            parts = [*node.decorator_list, *node.body]
            text = "\n".join(ast.get_source_segment(source, part) or "" for part in parts)
            text += " ".join(
                value for name, value in constants.items() if f"(*{name}" in text
            )  # as the mark names them
            named = {*_ID.findall(text)} | {key for name, keys in _SHARED.items() if name in text for key in keys}
            for key in named & tests.keys():
                tests[key].append(Test(path.relative_to(root).as_posix(), node.name, node.lineno))
    return tests


def markdown() -> str:
    """The page as Markdown."""
    catalogue = requirements.load()
    return templates.render(
        "requirements.md.j2",
        areas=catalogue.areas,
        requirements=catalogue.requirements,
        tests=tests_by_requirement(catalogue),
        sections=sections(),
        saying={key: [section for section, _ in sections_saying(key)] for key in catalogue.requirements},
        operations=openapi.load().operations,
    )
