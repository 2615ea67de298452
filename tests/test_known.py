"""Known failures: put up with until they are mended or expire, and never longer."""

from __future__ import annotations

from datetime import date

import pytest

from conftest import command
from kuflow_conformance.description import requirements
from kuflow_conformance.errors import InvalidKnownFailures
from kuflow_conformance.findings import known
from kuflow_conformance.findings.known import Known

ENTRY = '[[known]]\nrequirement = "{}"\nreason = "seen before"\n'


@pytest.fixture
def write(tmp_path):
    def write(text):
        path = tmp_path / "some.known.toml"
        path.write_text(text)
        return path

    return write


def test_entries_are_read(write):
    path = write(ENTRY.format("PAG-003") + 'link = "https://example.com/1"\nexpires = 2027-01-31\n')
    entry = known.load(path, requirements.load())["PAG-003"]
    assert entry.reason == "seen before"
    assert not entry.expired(date(2027, 1, 31))
    assert entry.expired(date(2027, 2, 1))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("known = 1", "known"),
        ("[[known]", "not valid TOML"),
        (ENTRY.format("XYZ-001"), "there is no requirement 'XYZ-001'"),
        (ENTRY.format("PAG-003") * 2, "PAG-003 stands there twice"),
        (ENTRY.format("PAG-003") + "surprise = 1", "known[0].surprise: there is no such key"),
        (ENTRY.format("PAG-003") + 'link = "javascript:alert(1)"', "known[0].link"),
        ('[[known]]\nrequirement = "PAG-003"\nreason = ""', "known[0].reason"),
    ],
)
def test_a_wrong_file_is_explained_in_one_line(write, text, said):
    with pytest.raises(InvalidKnownFailures) as caught:
        known.load(write(text), requirements.load())
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def test_update_keeps_reasons_and_drops_what_is_mended():
    old = {key: Known(requirement=key, reason=f"why {key}") for key in ("PAG-003", "ERR-002", "DOC-008")}
    new = known.updated(old, {"PAG-003": "new words", "IDM-004": "found today"}, untested=["DOC-008"])
    assert {key: entry.reason for key, entry in new.items()} == {
        "PAG-003": "why PAG-003",
        "DOC-008": "why DOC-008",
        "IDM-004": "found today",
    }


def test_what_is_written_can_be_read(tmp_path):
    path = tmp_path / "x.known.toml"
    entries = {"PAG-003": Known(requirement="PAG-003", reason='a "quoted" \\ reason\nof two lines')}
    known.write(path, entries)
    assert known.load(path, requirements.load()) == entries


def test_a_known_failure_does_not_fail_the_run(write, tmp_path):
    path = write(ENTRY.format("PAG-003"))
    options = ("run", "--fault", "size-1001", "--only", "PAG", "--known", str(path))
    outcome = command(*options, reports=tmp_path / "reports")
    assert outcome.code == 0, outcome.output + outcome.error
    assert outcome.record["verdict"] == "known failures only"
    assert outcome.record["failed"] == []
    assert outcome.record["known"][0]["state"] == "still broken"
    assert "PAG-003 still broken" in outcome.output


def test_what_holds_again_or_expired_fails_the_run(write, tmp_path):
    path = write(ENTRY.format("PAG-001") + ENTRY.format("PAG-003") + "expires = 2020-01-01\n")
    options = ("run", "--fault", "size-1001", "--only", "PAG", "--known", str(path))
    outcome = command(*options, reports=tmp_path / "reports")
    assert outcome.code == 1
    assert {entry["requirement"]: entry["state"] for entry in outcome.record["known"]} == {
        "PAG-001": "holds now",
        "PAG-003": "expired",
    }
    assert outcome.record["failed"] == ["PAG-003"]
    updated = command(*options, "--update-known", reports=tmp_path / "reports")
    assert updated.code == 0
    assert set(known.load(path, requirements.load())) == {"PAG-003"}
    again = command("run", "--only", "PAG", "--known", str(write(ENTRY.format("PAG-001"))), reports=tmp_path / "r")
    assert again.code == 1
    assert again.record["verdict"] == "known failures outdated"
