"""Property-based requests: Schemathesis' cases, with ids and codes that exist on the target filled in.

What is generated depends on the description, the profile and the seed alone, never on a target: cases are generated
once, kept on disk, and sent from there, since making them costs more than sending them.
"""

from __future__ import annotations

import base64
import contextlib
import copy
import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, replace
from importlib.metadata import version
from typing import Any

import platformdirs
import requests

from kuflow_conformance import __version__, files
from kuflow_conformance.description.openapi import Description, Operation, is_uuid
from kuflow_conformance.errors import InvalidDescription
from kuflow_conformance.generation.shrinking import shrink
from kuflow_conformance.oracles import NotTested
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.world.world import World

EXAMPLES = {"read-only": 15, "core": 10, "full": 60}
"""Generated requests per operation, beside the systematic ones of the coverage phase, by profile."""

CONSUMED = {"completeProcess", "cancelProcess", "claimProcessItemTask", "completeProcessItemTask"}
"""Operations that finish what they act on, so that each success needs something new."""

FRESH_RESOURCES = 2
"""How many new resources a consuming operation gets; later cases meet the used one."""

ATTEMPTS = 30
"""Smaller variants that are tried of a case that fails."""

_BASE_URL = "http://generated"
_NOT_KEPT = ("user-agent", "x-schemathesis-testcaseid")  # ours is another; the other differs each time


@dataclass(frozen=True)
class Case:
    """A request as it was generated: nothing of the target is in it yet.

    `path` is relative to the base URL. `id` is the path parameter, if the operation has one and it was generated.
    The body is `json`, if `has_json`, or else `content`, in base64.
    """

    method: str
    path: str
    id: Any
    query: Any
    headers: dict[str, str]
    has_json: bool
    json: Any
    content: str | None


class CaseStore:
    """Generates cases for a run; the same seed gives the same cases."""

    def __init__(self, description: Description, profile: str, seed: int) -> None:
        self._description = description
        self._profile = profile
        self._seed = seed
        self._schemas: dict[int, Any] = {}
        versions = (__version__, version("schemathesis"), version("hypothesis"))
        document = json.dumps(description.document, sort_keys=True, default=str)
        key = hashlib.sha256(repr((document, profile, EXAMPLES[profile], seed, versions)).encode()).hexdigest()[:24]
        self._folder = platformdirs.user_cache_path("kuflow-conformance") / "cases" / key

    def check(self) -> None:
        """Raise InvalidDescription when Schemathesis rejects the description; known cases prove that it does not."""
        if not self._folder.is_dir():
            self._schemas[0] = self._load()

    def of(self, operation: Operation, turn: int = 0) -> list[Case]:
        """The cases of an operation: from disk, or generated and put there.

        Each turn has others; the first one has the systematic cases as well.
        """
        path = self._folder / (f"{operation.id}.json" if turn == 0 else f"{operation.id}.{turn}.json")
        with contextlib.suppress(OSError, ValueError, TypeError):
            return [Case(**fields) for fields in json.loads(path.read_text(encoding="utf-8"))]
        cases = self._generate(operation, turn)
        text = json.dumps([asdict(case) for case in cases])
        with contextlib.suppress(OSError):  # without a place to keep them, they are generated each time
            files.write_whole(path, text)
        return [Case(**fields) for fields in json.loads(text)]

    def _load(self, turn: int = 0) -> Any:
        import schemathesis
        from schemathesis.config import SchemathesisConfig

        config = SchemathesisConfig.from_dict(
            {
                "seed": self._seed + turn,
                "suppress-health-check": ["all"],
                "generation": {
                    "max-examples": EXAMPLES[self._profile],
                    "with-security-parameters": False,
                    "allow-x00": False,
                    "no-shrink": True,
                    "database": "none",
                },
                "phases": {
                    "coverage": {"enabled": turn == 0, "unexpected-methods": []},
                    "stateful": {"enabled": False},
                },
            }
        )
        try:
            schema = schemathesis.openapi.from_dict(copy.deepcopy(dict(self._description.document)), config=config)
        except schemathesis.errors.SchemathesisError as error:
            raise InvalidDescription(f"Schemathesis cannot use the description: {error}") from error
        schema.config.update(base_url=_BASE_URL)
        return schema

    def _generate(self, operation: Operation, turn: int) -> list[Case]:
        from schemathesis.generation.feedback import NO_FEEDBACK
        from schemathesis.pytest._test_builder import build_operation_test

        if turn not in self._schemas:
            self._schemas[turn] = self._load(turn)
        schema = self._schemas[turn]
        cases: list[Case] = []

        def keep(case: Any) -> None:
            cases.append(_recorded(case))

        build_operation_test(
            config=schema.config,
            operation=schema[operation.path][operation.method],
            test_func=keep,
            given_kwargs={},
            feedback=NO_FEEDBACK,
        )()
        return cases


def _recorded(case: Any) -> Case:
    """A case of Schemathesis as it would go over the wire."""
    request = case.as_transport_kwargs(base_url=_BASE_URL)
    content = request.get("data")
    if isinstance(content, str):
        content = content.encode("utf-8", "surrogatepass")
    return Case(
        method=request["method"],
        path=request["url"].removeprefix(_BASE_URL),
        id=(case.path_parameters or {}).get("id"),
        query=request.get("params"),
        headers={name: str(value) for name, value in request["headers"].items() if name.lower() not in _NOT_KEPT},
        has_json="json" in request,
        json=request.get("json"),
        content=base64.b64encode(content).decode() if isinstance(content, bytes) else None,
    )


def send(case: Case, operation: Operation, world: World) -> Exchange:
    """Send a generated case, with what exists on the target filled in."""
    case = ground(case, operation, world)
    content = json.dumps(case.json).encode() if case.has_json else base64.b64decode(case.content or "")
    request = requests.Request(
        case.method,
        world.session.target.base_url + case.path,
        headers=dict(case.headers),
        params=case.query,
        data=content,
    )
    return world.session.send_request(request)


def smallest(case: Case, operation: Operation, world: World, fails: Callable[[Exchange], bool]) -> Exchange | None:
    """The answer to the smallest variant of a case found that `fails` too; None when none does.

    It is sent once more in the end, to something new, so that little has led to it.
    """
    found: list[Any] = []

    def attempt(parts: Any) -> bool | None:
        if ("json" in parts) != case.has_json or not isinstance(parts.get("query", {}), dict):
            return None
        if operation.id in CONSUMED:
            world.used.pop(operation.id, None)
        if verdict := fails(send(variant(parts), operation, world)):
            found.append(parts)
        return verdict

    def variant(parts: Any) -> Case:
        return replace(case, query=parts.get("query"), json=parts.get("json"))

    query = {"query": case.query} if isinstance(case.query, dict) else {}
    shrink({**query, **({"json": case.json} if case.has_json else {})}, attempt, ATTEMPTS)
    if not found:
        return None
    world.used.pop(operation.id, None)
    if "{id}" in operation.path and not operation.is_read_only:
        with contextlib.suppress(NotTested):
            world.used[operation.id] = [str(world.good_call(operation.id, consumes=True).id)]
    return send(variant(found[-1]), operation, world)


def ground(case: Case, operation: Operation, world: World) -> Case:
    """Replace made-up ids and codes by ones that exist, wherever the generated value is well-formed.

    So a valid case can succeed, and an invalid one is wrong in just what was spoilt. What a part of the test bed is
    missing for stays as it was generated.
    """
    if is_uuid(case.id):
        with contextlib.suppress(NotTested):
            case = replace(case, path=operation.path.replace("{id}", _existing(world, operation.id)))
    if isinstance(case.query, dict):
        case = replace(case, query=dict(case.query))
        with contextlib.suppress(NotTested):
            _ground_query(case.query, world, operation.id)
    if isinstance(case.json, dict):
        case = replace(case, json=dict(case.json))
        with contextlib.suppress(NotTested):
            _ground_body(case.json, world, operation.id)
    return case


def _existing(world: World, operation_id: str) -> str:
    """The id of something that the operation can act on."""
    used = world.used.setdefault(operation_id, [])
    if len(used) < (FRESH_RESOURCES if operation_id in CONSUMED else 1):
        used.append(str(world.good_call(operation_id, consumes=operation_id in CONSUMED).id))
    return used[-1]


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
