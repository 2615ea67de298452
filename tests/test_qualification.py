"""Qualifying the suite: what is chosen, what counts, and that it works on real runs."""

import json
import re
from pathlib import Path

from conftest import command
from kuflow_conformance.reference import variations
from kuflow_conformance.reference.qualify import Result, Scorecard, rotated, subjects

ROOT = Path(__file__).parents[1]


def result(kind="fault", key="seam", requirement="PAG-009", failed=(), code=1):
    return Result(kind, key, [requirement] if requirement else [], code, failed=[*failed], tests=["a"], ran=["a", "b"])


def test_rotation_reaches_every_fault():
    ids = [f"f{n}" for n in range(7)]
    turns = [rotated(ids, 3, turn) for turn in range(3)]
    assert all(len(turn) == 3 for turn in turns)
    assert {key for turn in turns for key in turn} == set(ids)
    assert rotated(ids, 10, 4) == ids[40 % 7 :] + ids[: 40 % 7]


def test_faults_run_in_the_smallest_profile_that_tests_them():
    chosen = subjects(["seam", "event-twice"], ["gzip"], 2)
    assert [(s.kind, s.profile) for s in chosen] == [
        ("fault", "core"),
        ("fault", "full"),
        ("variation", "core"),
        ("plain", "core"),
        ("plain", "core"),
    ]


def test_score():
    card = Scorecard([result(failed=["PAG-009", "SRT-003"]), result(failed=["PAG-007", "PAG-009"]), result(failed=[])])
    rates = card.rates(card.of("fault"))
    assert {name: rates[name] for name in ("faults", "detected", "named", "first", "compared", "baseline")} == {
        "faults": 3,
        "detected": 2,
        "named": 2,
        "first": 1,
        "compared": 0,
        "baseline": 0,
    }
    assert len(card.missed) == 1
    assert not card.passed


def test_a_variation_has_to_be_clean():
    clean = result("variation", "gzip", "", code=0)
    alarm = result("variation", "gzip", "", failed=["PAG-009"])
    warned = Result("variation", "refusal-404-for-401", ["AUT-009"], 0, warned=["AUT-009"])
    assert Scorecard([clean, warned]).passed
    assert Scorecard([clean, alarm]).false_alarms == [alarm]
    assert Scorecard([result("plain", "seed 1", "", code=3)]).false_alarms


def test_qualify_runs_what_is_asked_once(tmp_path):
    options = ("qualify", "--fault", "size-1001", "--variation", "gzip", "--folder", str(tmp_path))
    first = command(*options)
    assert first.code == 0, first.output + first.error
    assert "1 of 1 detected, 1 under their requirement, 1 with it first" in first.output
    card = json.loads((tmp_path / "qualification.json").read_text())
    assert card["overall"].items() >= {"faults": 1, "detected": 1, "named": 1, "first": 1, "compared": 0}.items()
    assert re.search(r"\| size-1001 \|.*\| PAG-003 \| PAG-003 \|", (tmp_path / "qualification.md").read_text())
    records = [*tmp_path.rglob("run.json")]
    written = [path.stat().st_mtime_ns for path in records]
    assert command(*options).code == 0
    assert [path.stat().st_mtime_ns for path in records] == written


def test_variations_together_are_all_there_and_of_different_kinds():
    keys = [variation.id for variation in variations.BANK]
    chosen = subjects([], keys, 0, together=5)
    assert sorted(key for subject in chosen for key in subject.id.split("+")) == sorted(keys)
    assert len(chosen) == -(-len(keys) // 5)
    assert not any({keys[0], keys[1]} <= set(subject.id.split("+")) for subject in chosen)
    assert chosen[0].options[:2] == [f"--variation={key}" for key in chosen[0].id.split("+")][:2]


def test_the_scorecard_in_the_repository_is_light():
    page = ROOT / "docs/qualification.md"
    assert page.stat().st_size < 100_000
    assert not page.with_suffix(".json").exists(), "the full record is an artifact of a run"
