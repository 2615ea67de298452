"""The catalogue and the suites agree: each requirement has a test and a fault, each mark a requirement."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from kuflow_conformance import files
from kuflow_conformance.description import requirements
from kuflow_conformance.errors import InvalidDescription
from kuflow_conformance.oracles import JUDGED_ALWAYS
from kuflow_conformance.oracles.requests import REFUSALS
from kuflow_conformance.reference.faults import BANK
from kuflow_conformance.report import catalogue as page

ROOT = Path(__file__).parents[1]
ID = re.compile(r"\b(?!SHA-)[A-Z]{3}-\d{3}\b")


def ids_in_suites() -> set[str]:
    texts = [path.read_text() for path in (ROOT / "suites").rglob("*.py")]
    return {key for text in texts for key in ID.findall(text)} | {*JUDGED_ALWAYS, *REFUSALS}


def test_every_requirement_has_a_test():
    assert set(requirements.load().requirements) - ids_in_suites() == set()


def test_every_mark_and_oracle_names_a_known_requirement():
    oracles = {key for path in (ROOT / "src").rglob("*.py") for key in ID.findall(path.read_text())}
    assert (ids_in_suites() | oracles) - set(requirements.load().requirements) == set()


def test_ids_carry_the_prefix_of_their_area():
    for area in requirements.load().areas:
        assert all(requirement.id.startswith(area.prefix + "-") for requirement in area.requirements)


def test_operations_exist(description):
    for requirement in requirements.load().requirements.values():
        if requirement.operations != "all":
            assert set(requirement.operations) <= set(description.operations), requirement.id


def test_every_fault_breaks_a_known_requirement():
    catalogue = requirements.load()
    assert all(fault.requirement in catalogue for fault in BANK)


def test_selectors():
    catalogue = requirements.load()
    assert catalogue.matching("ERR-001") == {"ERR-001"}
    assert catalogue.matching("err") == catalogue.matching("errors")
    assert catalogue.matching("E?R-00*") >= {"ERR-001", "ERR-009"}
    assert not catalogue.matching("nonsense")


def test_every_requirement_says_since_when_it_is_there():
    areas = yaml.safe_load(files.data("spec/requirements.yaml").read_text())
    assert [r["id"] for area in areas for r in area["requirements"] if "since" not in r] == []


def test_a_duplicate_id_is_refused(tmp_path):
    text = files.data("spec/requirements.yaml").read_text()
    path = tmp_path / "requirements.yaml"
    path.write_text(text.replace("ANS-002", "ANS-001"))
    with pytest.raises(InvalidDescription, match="more than once"):
        requirements.load(path)


def test_statements_name_known_requirements_or_a_reason():
    catalogue = requirements.load()
    for section in page.sections():
        for statement in section.statements:
            assert bool(statement.requirements) != bool(statement.untested), statement
            assert set(statement.requirements) <= set(catalogue.requirements), statement


def test_every_operation_has_a_section_of_its_own(description):
    own = [section.operation for section in page.sections() if section.operation]
    assert sorted(own) == sorted(description.operations)


def test_every_requirement_comes_from_a_statement():
    named = {key for section in page.sections() for statement in section.statements for key in statement.requirements}
    assert set(requirements.load().requirements) - named == set()


def test_the_page_of_requirements_is_up_to_date():
    assert (ROOT / "docs/requirements.md").read_text() == page.markdown(), "kuflow-conformance list --markdown"


def test_every_must_has_a_fault():
    broken = {fault.requirement for fault in BANK}
    breakable = {r.id for r in requirements.load().requirements.values() if r.level != "OBSERVE"}
    assert breakable - broken == set()


def test_what_a_requirement_explains_exists():
    catalogue = requirements.load()
    for requirement in catalogue.requirements.values():
        assert set(requirement.explains) <= set(catalogue.requirements) - {requirement.id}, requirement.id
