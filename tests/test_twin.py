"""Two servers side by side: nothing where they are alike, the difference where they are not."""

from __future__ import annotations

import json
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime

import pytest
import requests

from conftest import command
from kuflow_conformance.findings import trace, twin
from kuflow_conformance.reference import serve
from kuflow_conformance.target.exchange import Exchange

FIRST = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
SECOND = "0b0ba0c2-6d21-4b48-8e2c-9f3a1d6ad3c4"
OTHER = "e7cf5a1c-41f9-4a09-9a5b-3f1e2c6b8d70"


def left_on(target_file, environment) -> list[str]:
    """The processes that were made on a server after it began, and are not ended."""
    url = next(line.split('"')[1] for line in target_file.read_text().splitlines() if line.startswith("base-url"))
    user = next(line.split('"')[1] for line in target_file.read_text().splitlines() if line.startswith("user ="))
    query = "?size=1000&sort=createdAt,desc"
    rows = requests.get(f"{url}/processes{query}", auth=(user, environment["KUFLOW_TOKEN"])).json()["content"]
    return [r["id"] for r in rows if r["state"] == "RUNNING" and not r["createdAt"].startswith("2024")]


def twins(tmp_path, *options: str, **switches):
    """A run of the bundled server against another one; `switches` are those of the other."""
    with ExitStack() as stack:
        target, environment = stack.enter_context(serve.running())
        against, other = stack.enter_context(serve.running(**switches))
        text = against.read_text()
        for name, value in other.items():
            environment |= {f"OTHER_{name}": value}
            text = text.replace(f'"{name}"', f'"OTHER_{name}"')
        (tmp_path / "against.toml").write_text(text.replace("bundled reference server", "the other"))
        words = ["run", "--target", str(target), "--against", str(tmp_path / "against.toml"), *options]
        outcome = command(*words, environment=environment, reports=tmp_path / "out")
        assert not left_on(target, environment)
        return outcome


def test_a_server_does_not_differ_from_itself(tmp_path):
    outcome = twins(tmp_path, "--only", "PRC", "--only", "PAT", "--only", "IDM", "--only", "FLT")
    assert (outcome.code, outcome.error) == (0, "")
    assert "no difference" in outcome.output
    assert (tmp_path / "out" / "twin.html").is_file()


@pytest.mark.parametrize(
    ("fault", "area", "named"),
    [
        ("cancel-completes", "PRC", 'cancelProcess value /state: "CANCELLED" | "COMPLETED"'),
        ("process-created-200", "IDM", "createProcess status: 201 | 200"),
        ("tenant-missing", "SCH PRC", "field /tenantId: id | absent"),
    ],
)
def test_what_a_fault_changes_is_named(fault, area, named, tmp_path):
    only = [word for name in area.split() for word in ("--only", name)]
    outcome = twins(tmp_path, *only, faults=[fault])
    assert outcome.code == 1
    assert "broken by the other" in outcome.output
    assert named in outcome.output.partition("Differences that go with it")[2]


def test_what_the_documentation_allows_is_listed_apart(tmp_path):
    outcome = twins(tmp_path, "--only", "ERR", variations=["refusal-403-for-404"])
    assert outcome.code == 0
    assert "retrieveProcess status: 404 | 403" in outcome.output
    assert "go with it" not in outcome.output
    assert "all differences are allowed" in outcome.output


def test_options_of_a_single_run_are_refused(tmp_path):
    outcome = command("run", "--against", str(tmp_path / "b.toml"), "--workers", "2")
    assert outcome.code == 2
    assert "--against cannot go with --workers" in outcome.error


def test_a_second_target_that_is_away_is_told(tmp_path):
    url = f"http://127.0.0.1:{serve.free_port()}/v2024-06-14"
    (tmp_path / "b.toml").write_text(f'[target]\nbase-url = "{url}"\n[auth]\nuser = "a"\npassword-env = "HOME"\n')
    outcome = command("run", "--against", str(tmp_path / "b.toml"), reports=tmp_path / "out")
    assert outcome.code == 3
    assert url in outcome.error
    assert len(outcome.error.strip().splitlines()) == 1


# The trace


def exchange(description, operation: str, body, status: int = 200, query: str = "", key: str = FIRST) -> Exchange:
    found = description.operations[operation]
    return Exchange(
        operation=found,
        method=found.method,
        url=f"http://target{found.path.replace('{id}', key)}{query}",
        request_headers={},
        request_body=b"",
        status=status,
        headers={"Content-Type": "application/json"},
        body=json.dumps(body).encode(),
        elapsed=0.0,
        started=datetime.now(UTC),
    )


def steps(tmp_path, *exchanges: Exchange) -> list[trace.Step]:
    """What the trace of a test with these exchanges holds."""
    written = trace.Trace(tmp_path / "trace.jsonl")
    written.made |= {FIRST, SECOND, OTHER}
    written.begin("test")
    for one in exchanges:
        written.see(one, one.describe(), "curl")
    written.close()
    return trace.read(tmp_path / "trace.jsonl")["test"]


def differences(tmp_path, mine: list[Exchange], other: list[Exchange]) -> list[tuple[str, str, str, str]]:
    found = twin.compare_traces({"test": steps(tmp_path, *mine)}, {"test": steps(tmp_path, *other)})
    return [(d.kind, d.place, d.target, d.against) for d in found]


PROCESS = {
    "id": FIRST,
    "createdAt": "2026-01-05T10:00:00.120Z",
    "state": "RUNNING",
    "tenantId": SECOND,
    "metadata": {"valid": True, "value": {"a": 1}},
}


def test_ids_times_and_the_order_of_properties_are_no_difference(description, tmp_path):
    other = {**dict(reversed(PROCESS.items())), "id": OTHER, "tenantId": FIRST, "createdAt": "2026-02-05T10:00:00.000Z"}
    mine = exchange(description, "retrieveProcess", PROCESS)
    assert differences(tmp_path, [mine], [exchange(description, "retrieveProcess", other, key=OTHER)]) == []


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"state": "COMPLETED"}, ("value", "/state", '"RUNNING"', '"COMPLETED"')),
        ({"metadata": {"valid": True, "value": {"a": 2}}}, ("value", "/metadata/value", '{"a": 1}', '{"a": 2}')),
        ({"tenantId": FIRST}, ("value", "/tenantId", '"‹retrieveProcess/tenantId 1›"', '"‹id 1›"')),
        ({"tenantId": SECOND.upper()}, ("field", "/tenantId", "id", "id in capitals")),
        ({"createdAt": "2026-01-05T11:00:00.120+01:00"}, ("field", "/createdAt", "time, Z", "time, offset")),
        ({"createdAt": "2026-01-05T10:00:00.123456Z"}, ("timestamp digits", "", "up to 3", "up to 6")),
        ({"metadata": None}, ("field", "/metadata", "object", "null")),
        ({"extra": {"a": 1}}, ("field", "/extra", "absent", "object")),
    ],
    ids=str,
)
def test_each_change_is_one_difference(change, expected, description, tmp_path):
    mine = exchange(description, "retrieveProcess", PROCESS)
    assert differences(tmp_path, [mine], [exchange(description, "retrieveProcess", PROCESS | change)]) == [expected]


def test_rows_of_others_are_not_compared(description, tmp_path):
    def listed(*keys: str, total: int) -> Exchange:
        rows = [{**PROCESS, "id": key} for key in keys]
        page = {"page": 0, "size": 25, "totalElements": total, "totalPages": 1}
        return exchange(description, "findProcesses", {"metadata": page, "content": rows})

    assert differences(tmp_path, [listed(FIRST, total=1)], [listed(FIRST, SECOND, total=2)]) == []


def test_order_counts_where_it_was_asked_for(description, tmp_path):
    def told(first: str, second: str) -> list[Exchange]:
        rows = [
            {**PROCESS, "id": first, "createdAt": "2026-01-05T10:00:00Z"},
            {**PROCESS, "id": second, "createdAt": "2026-01-05T10:00:01Z"},
        ]
        page = {"page": 0, "size": 25, "totalElements": 2, "totalPages": 1}
        listed = exchange(description, "findProcesses", {"metadata": page, "content": rows}, query="?sort=createdAt")
        made = [exchange(description, "retrieveProcess", {"id": key}, key=key) for key in (FIRST, SECOND)]
        return [*made, listed]

    assert [kind for kind, *_ in differences(tmp_path, told(FIRST, SECOND), told(SECOND, FIRST))] == ["order", "value"]


def test_a_status_speaks_for_what_follows_from_it(description, tmp_path):
    mine = [exchange(description, "retrieveProcess", PROCESS), exchange(description, "retrieveProcess", PROCESS)]
    refused = exchange(description, "retrieveProcess", {"status": 404, "message": "no"}, status=404)
    then = exchange(description, "findPrincipals", {"content": []})
    assert differences(tmp_path, mine, [refused, then]) == [("status", "", "200", "404")]


def test_how_often_a_test_has_to_ask_is_no_difference(description, tmp_path):
    one = exchange(description, "retrieveProcess", PROCESS)
    assert differences(tmp_path, [one], [one, replace(one, elapsed=1.0), one]) == []
