"""What the reference server starts with: two tenants with enough of everything to fill more than one page."""

from __future__ import annotations

import hashlib
import io
import uuid
import zipfile
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from kuflow_conformance.reference.model import (
    Audit,
    Json,
    JsonValue,
    Principal,
    Process,
    ProcessDefinition,
    ProcessItem,
    Robot,
    Task,
    TaskDefinition,
    TenantUser,
)
from kuflow_conformance.reference.operations import Platform

_NAMESPACE = uuid.UUID("6f6d7b60-2d6a-4f4e-9a60-3f2f7f3d1c55")
_EPOCH = datetime(2024, 6, 14, 8, 0, tzinfo=UTC)


def _id(name: str) -> str:
    return str(uuid.uuid5(_NAMESPACE, name))


def _object(required: list[str], **properties: Json) -> Json:
    return {"type": "object", "properties": properties, "required": required}


METADATA_SCHEMA = _object(
    ["reference"],
    reference={"type": "string", "minLength": 3},
    priority={"type": "integer", "minimum": 1, "maximum": 5},
    attachment={"type": "string"},
)
ENTITY_SCHEMA = _object(
    ["customer"],
    customer=_object(["name"], name={"type": "string", "minLength": 1}, vip={"type": "boolean"}),
    lines={
        "type": "array",
        "items": _object(["sku"], sku={"type": "string"}, quantity={"type": "integer", "minimum": 0}),
    },
    **{"net/gross": {"type": "object", "additionalProperties": {"type": "number"}}},
)
TASK_SCHEMAS = {
    "REVIEW": _object(
        ["decision"], decision={"enum": ["YES", "NO"]}, comment={"type": "string"}, form={"type": "object"}
    ),
    "PAY": _object(
        ["amount"], amount={"type": "number", "minimum": 0}, notes={"type": "array", "items": {"type": "string"}}
    ),
    "SHIP": _object(["address"], address={"type": "string", "minLength": 1}, document={"type": "string"}),
}


@dataclass(frozen=True)
class Tenant:
    """One seeded tenant: its application's credentials and what a test bed needs of it."""

    name: str
    id: str
    application: Principal
    identifier: str
    token: str
    groups: tuple[str, ...]
    user: Principal
    definition: ProcessDefinition
    user_action_process: str
    user_action_value: str
    robot: str


def seed(platform: Platform, tokens: dict[str, str]) -> list[Tenant]:
    """Fill `platform` with the tenants named in `tokens` (tenant name → token of its application)."""
    return [_seed_tenant(platform, name, token) for name, token in tokens.items()]


def _seed_tenant(platform: Platform, name: str, token: str) -> Tenant:
    tenant = _id(name)
    groups = tuple(_id(f"{name}/group/{number}") for number in range(3))
    clock = _Clock(_EPOCH)

    users, applications = [], []
    for number in range(30):
        users.append(
            Principal(
                id=_id(f"{name}/user/{number}"),
                type="USER",
                name=f"User {(number * 7) % 30:02}",
                tenant_id=tenant,
                groups=frozenset({groups[number % 3]} | ({groups[0]} if number % 5 == 0 else set())),
                user_id=_id(f"{name}/account/{number}"),
                email=f"user{number}@{name}.example.com",
            )
        )
    for number in range(4):
        key = _id(f"{name}/application/{number}")
        account = _id(f"{name}/application-account/{number}")
        applications.append(Principal(key, "APPLICATION", f"Application {number}", tenant, application_id=account))
    system = Principal(_id(f"{name}/system"), "SYSTEM", "KuFlow", tenant)
    for principal in (*users, *applications, system):
        platform.principals.add(principal.id, principal)
    caller = applications[0]

    profile_schema = _object([], locale={"type": "string"})
    for number, user in enumerate(users):
        key = _id(f"{name}/tenant-user/{number}")
        metadata = JsonValue(profile_schema, {"locale": "en"})
        platform.tenant_users.add(key, TenantUser(key, user, tenant, clock.audit(system.id), metadata))

    for number in range(3):
        definition = _definition(name, tenant, number)
        platform.definitions.add(definition.id, definition)
    first = platform.definitions.visible(caller)[0]

    for number in range(32):
        _process(platform, name, number, caller, users, clock)
    user_action_process = _process(platform, name, 32, caller, users, clock)
    user_action_value = _id(f"{name}/user-action")
    user_action_process.user_actions[user_action_value] = None

    for number in range(32):
        _robot(platform, name, number, tenant, system, clock)

    return Tenant(
        name=name,
        id=tenant,
        application=caller,
        identifier=caller.application_id,
        token=token,
        groups=groups,
        user=users[0],
        definition=first,
        user_action_process=user_action_process.id,
        user_action_value=user_action_value,
        robot=_id(f"{name}/robot/0"),
    )


class _Clock:
    """Successive moments, a minute apart, so that every order by time is total."""

    def __init__(self, start: datetime) -> None:
        self.moment = start

    def tick(self) -> datetime:
        self.moment += timedelta(minutes=1)
        return self.moment

    def audit(self, principal: str) -> Audit:
        created = self.tick()
        return Audit(principal, created, principal, self.tick())


def _definition(name: str, tenant: str, number: int) -> ProcessDefinition:
    def task(code: str) -> TaskDefinition:
        prefix = f"{name}/definition/{number}/{code}"
        return TaskDefinition(_id(prefix), _id(f"{prefix}/1"), code, code.capitalize(), TASK_SCHEMAS[code])

    return ProcessDefinition(
        id=_id(f"{name}/definition/{number}"),
        version=_id(f"{name}/definition/{number}/1"),
        name=("Order", "Onboarding", "Invoice")[number],
        tenant_id=tenant,
        metadata_schema=METADATA_SCHEMA,
        entity_schema=ENTITY_SCHEMA,
        tasks=tuple(task(code) for code in TASK_SCHEMAS),
    )


def _process(
    platform: Platform, name: str, number: int, caller: Principal, users: list[Principal], clock: _Clock
) -> Process:
    definitions = platform.definitions.visible(caller)
    definition = definitions[number % len(definitions)]
    key = _id(f"{name}/process/{number}")
    process = Process(
        id=key,
        definition=definition,
        tenant_id=caller.tenant_id,
        initiator_id=users[number % len(users)].id,
        audit=clock.audit(caller.id),
        metadata=JsonValue(definition.metadata_schema, {"reference": f"REF-{number:04}", "priority": number % 5 + 1}),
        entity=JsonValue(definition.entity_schema, {"customer": {"name": f"Customer {number}"}, "lines": []}),
        state=("RUNNING", "RUNNING", "COMPLETED", "CANCELLED")[number % 4],
    )
    platform.processes.add(key, process)
    valid: list[Any] = [{"decision": "YES", "form": {"name": "Ann"}}, {"amount": 12.5}, {"address": "1 Main Street"}]
    state = {"RUNNING": "READY", "COMPLETED": "COMPLETED", "CANCELLED": "CANCELLED"}[process.state]
    for position, task_definition in enumerate(definition.tasks):
        item_key = _id(f"{name}/process/{number}/item/{position}")
        task = Task(task_definition, JsonValue(task_definition.schema, valid[position]), state)
        item = ProcessItem(item_key, "TASK", key, caller.tenant_id, clock.audit(caller.id), task=task)
        if state == "COMPLETED":
            item.owner_id, task.claimed_at, task.completed_at = caller.id, clock.tick(), clock.tick()
        if state == "CANCELLED":
            task.cancelled_at = clock.tick()
        platform.items.add(item_key, item)
    return process


def _robot(platform: Platform, name: str, number: int, tenant: str, system: Principal, clock: _Clock) -> None:
    key = _id(f"{name}/robot/{number}")
    source = _archive(f"print('robot {number} of {name}')\n")
    platform.robots.add(
        key,
        Robot(
            id=key,
            tenant_id=tenant,
            code=f"ROBOT_{number:02}",
            name=f"Robot {number}",
            description=f"The robot number {number} of {name}.",
            audit=clock.audit(system.id),
            source_id=_id(f"{name}/robot/{number}/source"),
            source_name=f"robot-{number}.zip",
            source=source,
            source_hash=hashlib.sha256(source).hexdigest(),
            environment={"STAGE": "test"},
            ready=number % 2 == 0,
        ),
    )


def _archive(program: str) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        archive.writestr(zipfile.ZipInfo("main.py"), program)
    return buffer.getvalue()
