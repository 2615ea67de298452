"""Mutants of the bundled server: drawn alike each time, really changed, and found by a run."""

from __future__ import annotations

import ast
from pathlib import Path

from conftest import command
from kuflow_conformance.reference import mutants
from kuflow_conformance.reference.qualify import Result, Scorecard


def test_the_same_seed_draws_the_same_mutants():
    first, again, other = (mutants.sample(5, seed) for seed in (1, 1, 2))
    assert first == again
    assert first != other
    assert len({mutant.id for mutant in first}) == 5


def test_a_mutant_is_installed_beside_the_package(tmp_path):
    [mutant] = mutants.sample(1, 3)
    path = mutants.install(mutant, tmp_path) / "kuflow_conformance" / "reference" / mutant.file
    original = Path(mutants.__file__).parent / mutant.file
    assert path.read_text() != original.read_text()
    ast.parse(path.read_text())
    assert (tmp_path / "spec" / "openapi.yaml").is_file()


def test_annotations_are_no_mutants():
    source = "def f(a: int | None) -> bool:\n    return a == 1\n"
    assert not mutants._means_something_else(source, source.replace("int | None", "int & None"))
    assert mutants._means_something_else(source, source.replace("== 1", "== 2"))


def test_survivors_are_shown_with_what_is_known_of_them():
    found = [Result("mutant", "a", [], 1, failed=["PAG-003"]), Result("mutant", "b", [], 0, change="x → y")]
    assert Scorecard(found).survivors == [("x → y", "not looked at yet")]


def test_a_mutant_is_run(tmp_path):
    outcome = command("qualify", "--mutants", "1", "--jobs", "1", "--folder", str(tmp_path))
    assert "mutants: " in outcome.output, outcome.error
