"""Property-based requests: Schemathesis' cases, with ids and codes that exist on the target filled in."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from typing import Any

import requests
import schemathesis
from schemathesis.config import SchemathesisConfig

from kuflow_conformance.errors import InvalidDescription
from kuflow_conformance.exchange import Exchange
from kuflow_conformance.openapi import Description, is_uuid
from kuflow_conformance.oracles import NotTested
from kuflow_conformance.world import World

EXAMPLES = {"read-only": 15, "core": 10, "full": 60}
"""Generated requests per operation, beside the systematic ones of the coverage phase, by profile."""

CONSUMED = {"completeProcess", "cancelProcess", "claimProcessItemTask", "completeProcessItemTask"}
"""Operations that finish what they act on, so that each success needs something new."""

FRESH_RESOURCES = 2
"""How many new resources a consuming operation gets; later cases meet the used one."""


class Generator:
    """Generates cases for a run; the same seed gives the same cases."""

    def __init__(self, description: Description, base_url: str, profile: str, seed: int) -> None:
        self._description = description
        self._base_url = base_url
        self._profile = profile
        self._seed = seed

    def schema(self) -> Any:
        """The Schemathesis schema, ready for ``parametrize``. Raises InvalidDescription when it is rejected."""
        config = SchemathesisConfig.from_dict(
            {
                "seed": self._seed,
                "suppress-health-check": ["all"],
                "generation": {
                    "max-examples": EXAMPLES[self._profile],
                    "with-security-parameters": False,
                    "allow-x00": False,
                    "no-shrink": True,
                    "database": "none",
                },
                "phases": {
                    "coverage": {"unexpected-methods": []},
                    "stateful": {"enabled": False},
                },
            }
        )
        try:
            schema = schemathesis.openapi.from_dict(copy.deepcopy(dict(self._description.document)), config=config)
        except schemathesis.errors.SchemathesisError as error:
            raise InvalidDescription(f"Schemathesis cannot use the description: {error}") from error
        schema.config.update(base_url=self._base_url)
        return schema.include(method="GET") if self._profile == "read-only" else schema


Case = schemathesis.Case[Any]

_current: list[Generator] = []


def use(generator: Generator) -> None:
    """Make `generator` the one that `schema` takes its cases from."""
    _current[:] = [generator]


def schema() -> Any:
    """The schema of the running suite; to be called while suites are collected."""
    return _current[0].schema()


def send(case: Case, world: World) -> Exchange:
    """Send a generated case, with what exists on the target filled in."""
    ground(case, world)
    request = case.as_transport_kwargs(base_url=world.session.target.base_url)
    exchange = world.session.send_request(
        requests.Request(
            request["method"],
            request["url"],
            headers={name: value for name, value in request["headers"].items() if name.lower() != "user-agent"},
            params=request.get("params"),
            data=request.get("data"),
            json=request.get("json"),
        )
    )
    if exchange.operation_id == "createProcess" and exchange.ok:
        world.remember(exchange)
    return exchange


def ground(case: Case, world: World) -> None:
    """Replace made-up ids and codes by ones that exist, wherever the generated value is well-formed.

    So a valid case can succeed, and an invalid one is wrong in just what was spoilt. What a part of the test bed is
    missing for stays as it was generated.
    """
    operation_id = case.operation.definition.raw["operationId"]
    if is_uuid((case.path_parameters or {}).get("id")):
        _attempt(lambda: _ground_path(case, world, operation_id))
    if case.query:
        _attempt(lambda: _ground_query(case.query, world, operation_id))
    if isinstance(case.body, dict):
        body = dict(case.body)
        _attempt(lambda: _ground_body(body, world, operation_id))
        case.body = body


def _attempt(step: Any) -> None:
    try:
        step()
    except NotTested:
        return


def _ground_path(case: Case, world: World, operation_id: str) -> None:
    used = world.used.setdefault(operation_id, [])
    if len(used) < (FRESH_RESOURCES if operation_id in CONSUMED else 1):
        used.append(str(world.good_call(operation_id, consumes=operation_id in CONSUMED).id))
    case.path_parameters = {**case.path_parameters, "id": used[-1]}


def _ground_query(query: dict[str, Any], world: World, operation_id: str) -> None:
    if operation_id == "downloadProcessDocument" and isinstance(query.get("documentUri"), str):
        query["documentUri"] = world.good_call(operation_id).query["documentUri"]  # type: ignore[index, call-overload]
    if operation_id == "uploadProcessUserActionDocument" and is_uuid(query.get("userActionValueId")):
        query["userActionValueId"] = world.bed.need("user_action").value_id
    if operation_id == "downloadRobotAsset" and query.get("type") == world.bed.need("robot_asset").type:
        query["version"] = world.bed.need("robot_asset").version


def _ground_body(body: dict[str, Any], world: World, operation_id: str) -> None:
    if is_uuid(body.get("id")):
        body["id"] = world.new_id()
    for key, part in (("processDefinitionId", "definition_id"), ("tenantId", "tenant_id")):
        if is_uuid(body.get(key)):
            body[key] = getattr(world.bed, part) or body[key]
    for prefix in ("initiator", "owner"):
        _ground_principal(body, world, prefix)
    if operation_id == "createProcessItem":
        _ground_item(body, world)
    if operation_id == "createWorker":
        _ground_worker(body, world)


def _ground_principal(body: dict[str, Any], world: World, prefix: str) -> None:
    by_id, by_email = f"{prefix}Id", f"{prefix}Email"
    if is_uuid(body.get(by_id)):
        body[by_id] = world.bed.principal_id or body[by_id]
        if isinstance(body.get(by_email), str) and "@" in body[by_email]:
            del body[by_email]
    elif by_id not in body and isinstance(body.get(by_email), str) and "@" in body[by_email]:
        body[by_email] = world.bed.principal_email or body[by_email]


def _ground_item(body: dict[str, Any], world: World) -> None:
    if is_uuid(body.get("processId")):
        body["processId"] = world.scratch_process()
    kind = body.get("type")
    if kind == "TASK":
        body.pop("message", None)
        task = body.setdefault("task", {})
        if isinstance(task, Mapping) and isinstance(task.get("taskDefinitionCode", ""), str):
            body["task"] = {**task, "taskDefinitionCode": world.bed.task.code}
    elif kind == "MESSAGE":
        body.pop("task", None)
        body.setdefault("message", {"text": "generated"})


def _ground_worker(body: dict[str, Any], world: World) -> None:
    """Give the worker an identity of this run, of the same length where that is long enough."""
    identity = body.get("identity")
    if isinstance(identity, str) and 1 <= len(identity) <= 255:
        unique = f"kuflow-conformance-{world.new_id()}"
        body["identity"] = (unique + identity)[: max(len(unique), len(identity))]
    robots = body.get("robotIds")
    if isinstance(robots, list) and all(map(is_uuid, robots)):
        body["robotIds"] = [world.bed.robot_id] if world.bed.robot_id and robots else []
