"""Known failures: put up with until they are mended or expire, and never longer."""

from __future__ import annotations

import copy
import json
import uuid
from datetime import date
from xml.etree import ElementTree

import pytest

from conftest import command
from kuflow_conformance.description import openapi, requirements
from kuflow_conformance.errors import InvalidKnownFailures
from kuflow_conformance.findings import known
from kuflow_conformance.findings.compare import Comparison
from kuflow_conformance.findings.identity import fingerprint
from kuflow_conformance.findings.known import Known

OPERATIONS = list(openapi.load().operations)
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
    (entry,) = known.load(path, requirements.load(), OPERATIONS)
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
        (ENTRY.format("XYZ-*"), "there is no requirement 'XYZ-*'"),
        (ENTRY.format("PAG-003") + 'operation = "find?"', "there is no operation 'find?'"),
        (ENTRY.format("PAG-003") + 'finding = "new"', "known[0].finding"),
        (ENTRY.format("PAG-003") + "intermittent = true", "an intermittent failure needs expires"),
        ((ENTRY.format("PAG-003") + 'operation = "findRobots"\n') * 2, "PAG-003 findRobots stands there twice"),
    ],
)
def test_a_wrong_file_is_explained_in_one_line(write, text, said):
    with pytest.raises(InvalidKnownFailures) as caught:
        known.load(write(text), requirements.load(), OPERATIONS)
    assert said in str(caught.value)
    assert "\n" not in str(caught.value)


def finding(operation, fingerprint="00000001", reason="found today"):
    return {"operation": operation, "fingerprint": fingerprint, "reason": reason}


def test_update_keeps_reasons_and_drops_what_is_mended():
    entry = {name: Known(requirement="PAG-003", operation=name, reason=f"why {name}") for name in OPERATIONS[:4]}
    states = ("still broken", "holds now", "not tested", "not seen")
    old = list(zip(entry.values(), states, strict=True))
    new = known.updated(old, [("PAG-003", finding(OPERATIONS[0])), ("IDM-004", finding(OPERATIONS[5]))])
    assert [(e.requirement, e.operation, e.finding, e.reason) for e in new] == [
        *(("PAG-003", name, None, f"why {name}") for name in (OPERATIONS[0], OPERATIONS[2], OPERATIONS[3])),
        ("IDM-004", OPERATIONS[5], "00000001", "found today"),
    ]


def test_an_entry_of_the_old_form_gives_way_to_its_findings():
    old = [(Known(requirement="ERR-001", reason="html", link="https://example.com/1"), "still broken")]
    new = known.updated(old, [("ERR-001", finding("findRobots")), ("ERR-001", finding("createProcess", "00000002"))])
    assert [(e.operation, e.finding, e.reason) for e in new] == [
        ("findRobots", "00000001", "html"),
        ("createProcess", "00000002", "html"),
    ]
    assert {e.link for e in new} == {"https://example.com/1"}


def test_what_is_written_can_be_read(tmp_path):
    path = tmp_path / "x.known.toml"
    entries = (
        Known(requirement="ERR-*", operation="find*", reason='a "quoted" \\ reason\nof two lines'),
        Known(
            requirement="PAG-003",
            operation="findRobots",
            finding="0123abcd",
            reason="x",
            expires=date(2030, 1, 1),
            intermittent=True,
        ),
    )
    known.write(path, entries)
    assert known.load(path, requirements.load(), OPERATIONS) == entries


def test_a_complaint_is_the_same_whatever_the_ids_numbers_and_values():
    pairs = [
        ("status 401 in the body", "status 400 in the body"),
        (f"id {uuid.uuid4()}, as asked", f"id {uuid.uuid4()}, as asked"),
        ('metadata.value {"a": [1, "x y"]}', "metadata.value {}"),
        ("a refusal (4xx) of name=söme", "a refusal (4xx) of name=0"),
    ]
    for one, two in pairs:
        assert fingerprint(one) == fingerprint(two)
    assert len({fingerprint(one) for one, _ in pairs}) == len(pairs)


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory):
    """A run on a server that says another status in the bodies of all errors, known of one operation."""
    folder = tmp_path_factory.mktemp("everywhere")
    path = folder / "some.known.toml"
    path.write_text(ENTRY.format("ERR-002") + 'operation = "assignProcessItemTask"\n')
    options = ("run", "--fault", "error-status-differs", "--only", "ERR-002", "--known", str(path))
    return path, command(*options, "--workers", "2", reports=folder / "reports")


def test_what_is_known_of_one_operation_is_new_on_another(everywhere):
    _, outcome = everywhere
    assert outcome.code == 1, outcome.output + outcome.error
    (requirement,) = outcome.record["requirements"]
    assert requirement["outcome"] == "fail"
    assert {f["operation"] for f in requirement["findings"] if f["known"]} == {"assignProcessItemTask"}
    assert len({f["operation"] for f in requirement["findings"]}) == 18
    assert "; known on assignProcessItemTask" in outcome.output
    assert outcome.record["known"][0]["state"] == "still broken"
    cases = {
        case.get("name"): [child.tag for child in case]
        for case in ElementTree.parse(outcome.reports / "junit.xml").iter("testcase")
    }
    assert cases["assignProcessItemTask"] == ["skipped"]
    assert cases["createProcess"] == ["failure"]


def test_more_of_the_same_requirement_is_worse(everywhere, tmp_path):
    _, after = everywhere
    before = copy.deepcopy(after.record)
    before["requirements"][0]["findings"] = [
        f for f in before["requirements"][0]["findings"] if f["operation"] != "createProcess"
    ]
    comparison = Comparison(before, after.record)
    assert not comparison.broken
    assert [(r["id"], {f["operation"] for f in new}) for r, new in comparison.worse] == [("ERR-002", {"createProcess"})]
    assert comparison.regressed
    (tmp_path / "before.json").write_text(json.dumps(before))
    outcome = command("compare", str(tmp_path / "before.json"), str(after.reports / "run.json"))
    assert outcome.code == 1
    assert "createProcess: expected status" in outcome.output
    assert "1 worse since" in outcome.output


def test_findings_have_the_same_names_whatever_the_seed(everywhere, tmp_path):
    _, first = everywhere
    options = ("run", "--fault", "error-status-differs", "--only", "ERR-002", "--seed", "7")
    second = command(*options, reports=tmp_path)
    named = [
        {(f["operation"], f["fingerprint"]) for f in record["requirements"][0]["findings"]}
        for record in (first.record, second.record)
    ]
    assert named[0] == named[1]


def test_update_writes_findings_and_a_run_accepts_them(everywhere, tmp_path):
    path, _ = everywhere
    mine = tmp_path / "mine.toml"
    mine.write_text(path.read_text())
    options = ("run", "--fault", "error-status-differs", "--only", "ERR-002", "--known", str(mine))
    assert command(*options, "--update-known", reports=tmp_path / "r").code == 0
    entries = known.load(mine, requirements.load(), OPERATIONS)
    assert len(entries) == 18
    again = command(*options, "--fail-fast", reports=tmp_path / "r")
    assert again.code == 0, again.output + again.error
    assert again.record["verdict"] == "known failures only"
    assert again.record["complete"] is True


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
    assert {e.requirement for e in known.load(path, requirements.load(), OPERATIONS)} == {"PAG-003"}
    again = command("run", "--only", "PAG", "--known", str(write(ENTRY.format("PAG-001"))), reports=tmp_path / "r")
    assert again.code == 1
    assert again.record["verdict"] == "known failures outdated"
