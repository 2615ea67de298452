"""What the documentation rules out is refused: bodies, ids, parameters out of range."""

import json
import uuid

import pytest

from kuflow_conformance.oracles.requests import is_no_json
from kuflow_conformance.target.credentials import Credentials

MALFORMED_IDS = ("not-a-uuid", "12345", "zzzzzzzz-zzzz-4zzz-8zzz-zzzzzzzzzzzz")
OUT_OF_RANGE = {
    "PAG-003": ({"size": 1001}, {"size": -1}, {"page": -1}, {"size": 100000}),
    "REQ-005": ({"size": "ten"}, {"page": "first"}),
}


@pytest.mark.requirement("REQ-001", "ERR-009")
@pytest.mark.operations("with-json-body")
def test_malformed_json(operation, world, evidence):
    call = world.good_call(operation.id)
    whole = json.dumps(call.body).encode()
    for content in (whole[: len(whole) // 2], b"not json", whole + b"}", whole.replace(b'"', b"'")):
        exchange = world.send(call, body=None, content=content)
        if is_no_json(content):
            evidence.refused("REQ-001", exchange, "of malformed JSON")
        evidence.observe("ERR-009", f"malformed JSON: {exchange.status}")


@pytest.mark.requirement("REQ-002", "ERR-009")
@pytest.mark.operations("with-json-body")
def test_wrong_media_type(operation, world, evidence):
    call = world.good_call(operation.id)
    for media_type in ("text/plain", "application/xml", "application/x-www-form-urlencoded"):
        exchange = world.send(call, content_type=media_type)
        evidence.refused("REQ-002", exchange, f"of {media_type}")
        evidence.observe("ERR-009", f"undocumented media type: {exchange.status}")


@pytest.mark.requirement("REQ-003")
@pytest.mark.operations("with-json-body")
def test_missing_body(operation, world, evidence):
    call, media_type = world.good_call(operation.id), next(iter(operation.bodies))
    exchange = world.send(call, body=None, content=b"", content_type=media_type)
    evidence.refused("REQ-003", exchange, "of a request without its required body")


@pytest.mark.requirement("REQ-003")
@pytest.mark.operations("all")
def test_missing_query_parameter(operation, world, evidence):
    required = [parameter.name for parameter in operation.query_parameters if parameter.required]
    if not required:
        return
    call = world.good_call(operation.id)
    for name in required:
        query = {key: value for key, value in call.query.items() if key != name}
        exchange = world.send(call, query=query)
        evidence.refused("REQ-003", exchange, f"of a request without {name}")


@pytest.mark.requirement("REQ-004", "ERR-009")
@pytest.mark.operations("with-id")
def test_malformed_id(operation, world, evidence):
    call = world.good_call(operation.id)
    for key in MALFORMED_IDS:
        exchange = world.send(call, id=key)
        evidence.refused("REQ-004", exchange, f"of {key}, which is no UUID")
        evidence.observe("ERR-009", f"malformed id: {exchange.status}")


@pytest.mark.requirement("ERR-006", "ERR-009")
@pytest.mark.operations("with-id")
def test_unknown_id(operation, world, evidence):
    exchange = world.send(world.good_call(operation.id), id=str(uuid.uuid4()))
    evidence.refused("ERR-006", exchange, "of an id that does not exist")
    evidence.observe("ERR-009", f"unknown id: {exchange.status}")


@pytest.mark.requirement(*OUT_OF_RANGE)
@pytest.mark.operations("lists")
def test_out_of_range(operation, world, evidence):
    for requirement, queries in OUT_OF_RANGE.items():
        for query in queries:
            exchange = world.call(operation.id, query=query)
            (name, value), *_ = query.items()
            evidence.refused(requirement, exchange, f"of {name}={value}")


@pytest.mark.requirement("REQ-004")
@pytest.mark.operations("lists")
def test_malformed_uuid_in_filter(operation, world, evidence):
    for parameter in operation.query_parameters:
        if parameter.schema.get("items", {}).get("format") == "uuid":
            exchange = world.call(operation.id, query={parameter.name: "not-a-uuid"})
            evidence.refused("REQ-004", exchange, f"of {parameter.name}=not-a-uuid")


@pytest.mark.requirement("ERR-011")
@pytest.mark.operations("changing")
def test_refused_requests_change_nothing(operation, world, evidence):
    """Requests that would succeed but for their credentials or one mistake in their form."""
    if operation.id in ("createAuthentication", "createWorker"):
        return  # the API shows neither afterwards
    call = world.good_call(operation.id, consumes=True)
    key = call.id or call.body["id"]
    read = world.read_item if operation.path.startswith("/process-items") else world.read_process
    before = read(key)
    spoilt = [{"caller": Credentials.nobody()}, {"caller": Credentials.made_up("wrong", "Bearer not-a-token")}]
    if call.body is not None:
        whole = json.dumps(call.body).encode()
        spoilt += [{"body": None, "content": whole[:-1]}, {"content_type": "text/plain"}]
    for changes in spoilt:
        exchange = world.send(call, **changes)
        if not exchange.refused:
            return  # another test says so
        after = read(key)
        if call.id is None:
            made = "nothing to be created by a refused request"
            evidence.check("ERR-011", exchange, not after.ok, expected=made, seen=f"{operation.id} made {key}")
        elif after.ok:
            others = world.changed_by_others(operation)
            evidence.unchanged("ERR-011", before, after, "nothing to change by a refused request", ignore=others)


@pytest.mark.requirement("ERR-010")
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("PUT", "/principals"),
        ("PATCH", "/robots"),
        ("PUT", "/workers"),
        ("POST", "/tenant-users"),
        ("PUT", "/processes"),
    ],
)
def test_undocumented_method(method, path, world, evidence):
    headers = {"Content-Type": "application/json"}
    exchange = world.session.send(method, path, headers=headers, content=b"{}")
    holds = exchange.refused and exchange.media_type == "application/json"
    evidence.check("ERR-010", exchange, holds, expected="a refusal (4xx) with an error body")


@pytest.mark.requirement("ERR-008")
def test_unknown_path(world, evidence):
    exchange = world.session.send("GET", "/conformance-unknown-path")
    holds = exchange.refused and exchange.media_type == "application/json"
    evidence.check("ERR-008", exchange, holds, expected="a refusal (4xx) with an error body")
