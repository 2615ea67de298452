"""The oracles: each says what is wrong with a spoilt answer, and nothing of any answer that is legal."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kuflow_conformance.description import openapi
from kuflow_conformance.findings.evidence import judge
from kuflow_conformance.oracles.documents import matching_hash, parse_reference
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.json_patch import patched
from kuflow_conformance.oracles.lists import out_of_order, rows_expected, total_pages
from kuflow_conformance.oracles.pointers import points_into
from kuflow_conformance.oracles.requests import is_no_uuid, request_faults
from kuflow_conformance.oracles.resources import disagreements
from kuflow_conformance.oracles.values import json_equal
from kuflow_conformance.target.exchange import NOT_JSON, Exchange, parse_json

UUID = "497f6eca-6276-4993-bfeb-53cbbbba6f08"
DESCRIPTION = openapi.load()
NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def exchange(
    operation_id,
    status,
    body,
    *,
    query="",
    request=b"",
    headers=None,
    media_type="application/json",
    request_type=None,
    key=UUID,
):
    operation = DESCRIPTION.operations[operation_id]
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return Exchange(
        operation=operation,
        method=operation.method,
        url="http://target/v" + operation.path.replace("{id}", key) + query,
        request_headers={"Content-Type": request_type or next(iter(operation.bodies), "")},
        request_body=request,
        status=status,
        headers={"Content-Type": media_type, "Date": "Fri, 02 Jan 2026 03:04:05 GMT"} | (headers or {}),
        body=content,
        elapsed=0.1,
        started=NOW,
    )


def broken(*arguments, **named):
    return {finding.requirement for finding in judge(exchange(*arguments, **named)) if not finding.holds}


PROCESS = {
    "id": UUID,
    "state": "RUNNING",
    "processDefinition": {"id": UUID, "version": UUID, "name": "n"},
    "tenantId": UUID,
    "createdAt": "2026-01-02T03:04:05Z",
    "lastModifiedAt": "2026-01-02T03:04:05Z",
}
ERROR = {"timestamp": "2026-01-02T03:04:05Z", "status": 404, "message": "no"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"extra": 1},
        {"id": UUID.upper()},
        {"createdAt": "2026-01-02T05:04:05.123456789+02:00", "lastModifiedAt": "2026-01-02T03:04:05.2Z"},
        {"metadata": {"value": {}}},
        {"metadata": {"value": {"a": 1}, "valid": False}},
    ],
)
def test_legal_processes(change):
    assert broken("retrieveProcess", 200, PROCESS | change) == set()


@pytest.mark.parametrize(
    ("change", "requirement"),
    [
        ({"state": "running"}, "SCH-005"),
        ({"initiatorId": None}, "SCH-005"),
        ({"id": "1"}, "SCH-003"),
        ({"id": UUID.replace("-", "")}, "SCH-003"),
        ({"createdAt": "2026-01-02T03:04:05"}, "SCH-004"),
        ({"createdAt": "2026-01-02 03:04:05Z"}, "SCH-004"),
        ({"createdAt": "2027-01-02T03:04:05Z"}, "RED-004"),
        ({"metadata": {"value": {}, "valid": True, "errors": [{"type": "x"}]}}, "JSV-003"),
        ({"processDefinition": {"id": UUID, "version": UUID, "name": ""}}, "SCH-005"),
    ],
)
def test_spoilt_processes(change, requirement):
    assert broken("retrieveProcess", 200, PROCESS | change) == {requirement}


def test_each_answer_is_reported_once():
    assert broken("retrieveProcess", 500, b"<html>") == {"ANS-002"}
    assert broken("retrieveProcess", 201, PROCESS) == {"ANS-003"}
    assert broken("retrieveProcess", 200, PROCESS, media_type="text/html") == {"ANS-004"}
    assert broken("retrieveProcess", 200, b"{") == {"SCH-001"}
    assert broken("retrieveProcess", 200, b'{"a": NaN}') == {"SCH-001"}
    assert broken("retrieveProcess", 404, b"<html>", media_type="text/html") == {"ERR-001"}


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"errors": []},
        {"path": "/"},
        {"errors": [{"code": "a", "message": "b"}]},
        {"timestamp": "2026-01-02T04:04:05.1+01:00"},
    ],
)
def test_legal_errors(change):
    assert broken("retrieveProcess", 404, ERROR | change, media_type="application/json; charset=utf-8") == set()


@pytest.mark.parametrize(
    ("change", "requirement"),
    [
        ({"status": 400}, "ERR-002"),
        ({"status": "404"}, "ERR-001"),
        ({"message": None}, "ERR-001"),
        ({"errors": [{"code": "a"}]}, "ERR-003"),
        ({"errors": {}}, "ERR-003"),
        ({"timestamp": "2026-01-02T03:04:05"}, "ERR-004"),
        ({"timestamp": 1767323045}, "ERR-004"),
        ({"timestamp": "2026-01-02T05:04:05Z"}, "ERR-005"),
        ({"trace": 'Traceback (most recent call last): File "x.py", line 3'}, "ERR-007"),
        ({"trace": "boom\n\tat com.example.Service.run(Service.java:12)"}, "ERR-007"),
    ],
)
def test_spoilt_errors(change, requirement):
    assert broken("retrieveProcess", 404, ERROR | change) == {requirement}


def test_web_forms_may_be_missing():
    assert broken("downloadProcessItemTaskDataWebformsAsDocument", 501, ERROR | {"status": 501}) == set()


def page(rows, **metadata):
    return {
        "metadata": {"size": 25, "page": 0, "totalElements": len(rows), "totalPages": 1} | metadata,
        "content": rows,
    }


ROW = {"id": UUID, "type": "TASK", "processId": UUID, "tenantId": UUID}


@pytest.mark.parametrize(
    ("query", "body", "expected"),
    [
        ("", page([ROW]), set()),
        ("?size=0", page([], size=0, totalElements=7, totalPages=99), set()),
        ("?size=10", page([ROW], size=25), {"PAG-002"}),
        ("", page([ROW], size=20), {"PAG-001"}),
        ("?page=1", page([], page=0, totalPages=0), {"PAG-002"}),
        ("?size=1", page([ROW, ROW], size=1, totalElements=2, totalPages=2), {"PAG-004", "PAG-012"}),
        ("", page([ROW], totalElements=26, totalPages=1), {"PAG-005"}),
        ("?type=MESSAGE", page([ROW]), {"FLT-001"}),
        ("?type=MESSAGE&type=TASK", page([ROW]), set()),
        (f"?processId={UUID.upper()}", page([ROW]), set()),
        ("?taskState=READY", page([ROW]), set()),
        ("?sort=id,desc", page([ROW, ROW | {"id": UUID.replace("4", "5")}]), {"SRT-001"}),
        ("?sort=unknown", page([ROW]), set()),
    ],
)
def test_lists(query, body, expected):
    assert broken("findProcessItems", 200, body, query=query) == expected


@pytest.mark.parametrize(("total", "size", "pages"), [(0, 25, 0), (1, 25, 1), (25, 25, 1), (26, 25, 2), (1096, 25, 44)])
def test_total_pages(total, size, pages):
    assert total_pages(total, size) == pages


@given(st.integers(0, 500), st.integers(1, 60))
def test_pages_hold_every_row(total, size):
    pages = total_pages(total, size)
    assert sum(rows_expected(total, size, number) for number in range(pages)) == total
    assert rows_expected(total, size, pages) == 0


def test_order_of_names_may_follow_any_collation():
    def rows(*names):
        return [{"name": name} for name in names]

    asked = [("name", False)]
    assert out_of_order(rows("B", "a"), asked) is None
    assert out_of_order(rows("a", "B"), asked) is None
    assert out_of_order(rows("é", "f"), asked) is None
    assert out_of_order(rows("a b", "ab", "a c"), asked) is None
    assert out_of_order(rows("b", "a"), asked) is not None


@given(st.lists(st.uuids(), min_size=2))
def test_uuids_may_be_ordered_as_text_as_signed_numbers_or_from_the_last_group(ids):
    def signed(key):
        halves = (key.int >> 64, key.int & (2**64 - 1))
        return tuple(half - 2**64 if half >= 2**63 else half for half in halves)

    by_group = sorted(ids, key=lambda key: str(key).split("-")[::-1])
    for ordered in (sorted(ids, key=str), sorted(ids, key=signed), by_group):
        assert out_of_order([{"id": str(key)} for key in ordered], [("id", False)]) is None


@given(
    st.datetimes(min_value=datetime(1970, 1, 1), max_value=datetime(2100, 1, 1)),
    st.sampled_from([-720, -90, 0, 330, 840]),
)
def test_instants_do_not_depend_on_their_zone(moment, minutes):
    from datetime import timedelta, timezone

    aware = moment.replace(tzinfo=UTC)
    written = aware.astimezone(timezone(timedelta(minutes=minutes))).isoformat()
    assert parse_instant(written) == aware
    assert parse_instant(aware.isoformat().replace("+00:00", "z").replace("T", "t")) == aware


@pytest.mark.parametrize(
    "value", ["", "2026-01-02", "2026-01-02T03:04:05", "2026-13-02T03:04:05Z", "2026-01-02T03:04:05+0100", None, 5]
)
def test_what_is_no_instant(value):
    assert parse_instant(value) is None


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("not-a-uuid", True),
        ("x" * 32, True),
        (UUID, False),
        (UUID.upper(), False),
        (UUID.replace("-", ""), False),
        ("{" + UUID + "}", False),
        ("1-1-1-1-1", False),
        ("", False),
    ],
)
def test_only_what_no_parser_takes_is_no_uuid(value, expected):
    assert is_no_uuid(value) is expected


@pytest.mark.parametrize(
    ("operation", "named", "expected"),
    [
        ("findProcesses", {"query": "?size=1000&page=0"}, []),
        ("findProcesses", {"query": "?size=1001"}, ["PAG-003"]),
        ("findProcesses", {"query": "?page=-1"}, ["PAG-003"]),
        ("findProcesses", {"query": "?size=ten"}, ["REQ-005"]),
        ("findProcesses", {"query": "?size=1.0"}, []),
        ("findProcesses", {"query": "?size="}, []),
        ("findProcesses", {"query": "?size=1&size=5000"}, []),
        ("findProcesses", {"query": "?tenantId=x"}, ["REQ-004"]),
        ("retrieveProcess", {"key": "nonsense"}, ["REQ-004"]),
        ("createProcess", {"request": b"{"}, ["REQ-001"]),
        ("createProcess", {"request": b""}, ["REQ-003"]),
        ("createProcess", {"request": b"{}"}, ["REQ-003"]),
        ("createProcess", {"request": b"[]"}, ["REQ-006"]),
        ("createProcess", {"request": b"{}", "request_type": "text/plain"}, ["REQ-002"]),
        ("createProcess", {"request": b'{"processDefinitionId": "x"}'}, ["REQ-004"]),
        ("createProcess", {"request": b'{"processDefinitionId": {}}'}, ["REQ-006"]),
        (
            "createProcess",
            {"request": b'{"processDefinitionId": "%s", "initiatorId": null, "x": 1}' % UUID.encode()},
            [],
        ),
        (
            "createProcess",
            {"request": b'{"processDefinitionId": "%s", "metadata": {"value": {}, "valid": 3}}' % UUID.encode()},
            [],
        ),
        ("createAuthentication", {"request": b'{"type": "engine_token"}'}, []),
        ("createAuthentication", {"request": b'{"type": "PASSWORD"}'}, ["REQ-008"]),
        (
            "createWorker",
            {"request": b'{"identity": "", "taskQueue": "q", "hostname": "h", "ip": "1.1.1.1"}'},
            ["WRK-005"],
        ),
        ("patchProcessEntity", {"request": b"[]"}, ["PAT-005"]),
        ("uploadProcessDocument", {"request": b"x", "query": "?fileName=a"}, ["REQ-003"]),
    ],
)
def test_only_what_is_settled_is_a_fault_of_a_request(operation, named, expected):
    assert [fault.requirement for fault in request_faults(exchange(operation, 400, {}, **named))] == expected


@pytest.mark.parametrize(
    ("first", "second", "expected"),
    [
        (1, 1.0, True),
        (1, True, False),
        (0, False, False),
        (None, False, False),
        ({"a": [1]}, {"a": [1]}, True),
        ({}, {"a": None}, False),
        ([1, 2], [2, 1], False),
        ("", None, False),
    ],
)
def test_json_equality(first, second, expected):
    assert json_equal(first, second) is expected
    assert json_equal([first], [second]) is expected


def test_patches_follow_rfc_6902():
    assert patched({"a": [1]}, [{"op": "add", "path": "/a/-", "value": 2}]) == {"a": [1, 2]}
    value = {"a": 1}
    with pytest.raises(ValueError, match="b"):
        patched(value, [{"op": "remove", "path": "/a"}, {"op": "test", "path": "/b", "value": 1}])
    assert value == {"a": 1}


@pytest.mark.parametrize(
    ("pointer", "expected"),
    [
        ("", True),
        ("/a", True),
        ("/a/0/b", True),
        ("/missing", True),
        ("/a/0/missing", True),
        ("/missing/x", False),
        ("a", False),
        ("a.b", False),
        (None, False),
        ("/a/9", True),
        ("/~2", False),
    ],
)
def test_pointers(pointer, expected):
    assert points_into(pointer, {"a": [{"b": 1}]}) is expected


def test_document_references():
    parts = parse_reference("kuflow-file:name=a%20b%3B.txt;size=3;other=1;type=text/plain;uri=x")
    assert parts == {"name": "a b;.txt", "size": "3", "other": "1", "type": "text/plain", "uri": "x"}
    assert parse_reference("kuflow-file:uri=x;size=3;") is None
    assert parse_reference("http://x") is None


@pytest.mark.parametrize(
    "value",
    [
        "900150983cd24fb0d6963f7d28e17f72",
        "SHA-256:BA7816BF8F01CFEA414140DE5DAE2223B00361A396177A9CB410FF61F20015AD",
        "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=",
    ],
)
def test_known_hashes(value):
    assert matching_hash(b"abc", value)
    assert matching_hash(b"abd", value) is None


def test_disagreements_allow_what_is_free():
    first = {"id": UUID, "createdAt": "2026-01-02T03:04:05.123Z", "metadata": {"value": {"a": 1}}, "extra": 1}
    same = {
        "id": UUID.upper(),
        "createdAt": "2026-01-02T04:04:05.1234+01:00",
        "metadata": {"value": {"a": 1.0}, "valid": True},
        "extra": 2,
    }
    assert disagreements(first, same) == []
    assert disagreements(first, same | {"metadata": {"value": {}}}) != []
    assert disagreements(first, same | {"id": str(uuid.uuid4())}) != []


@settings(deadline=None)
@given(st.binary())
def test_any_bytes_are_judged(content):
    assert parse_json(content) is NOT_JSON or parse_json(content) is not None or content.strip() == b"null"
    for operation_id in ("retrieveProcess", "findProcessItems", "downloadRobotAsset"):
        for status in (200, 404, 503):
            list(judge(exchange(operation_id, status, content)))


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda s: (
        st.lists(s)
        | st.dictionaries(
            st.text()
            | st.sampled_from(
                ["metadata", "content", "size", "task", "errors", "timestamp", "status", "createdAt", "id", "value"]
            ),
            s,
        )
    ),
    max_leaves=12,
)


@given(
    JSON,
    st.sampled_from(["retrieveProcess", "findProcessItems", "findPrincipals", "createProcessItem"]),
    st.sampled_from([200, 400]),
)
def test_any_json_is_judged(body, operation_id, status):
    list(judge(exchange(operation_id, status, body, query="?sort=id&sort=name,desc&type=TASK&size=2")))
