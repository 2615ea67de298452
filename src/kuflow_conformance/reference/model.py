"""What the reference server stores, and how each thing reads in an answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import quote, unquote

import jsonschema

Json = dict[str, Any]


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Audit:
    """Who made and last changed something, and when."""

    created_by: str
    created_at: datetime
    last_modified_by: str
    last_modified_at: datetime

    def render(self) -> Json:
        return {
            "createdBy": self.created_by,
            "createdAt": timestamp(self.created_at),
            "lastModifiedBy": self.last_modified_by,
            "lastModifiedAt": timestamp(self.last_modified_at),
        }


def json_errors(schema: Json, value: object) -> Iterator[Json]:
    """Each way in which `value` does not fit `schema`, as the API words it."""
    validator = jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker())
    for error in validator.iter_errors(value):
        path = [str(part).replace("~", "~0").replace("/", "~1") for part in error.absolute_path]
        if error.validator == "required":
            missing = next(name for name in error.validator_value if f"'{name}'" in error.message)
            path.append(missing)
        yield {"propertyPath": "".join(f"/{part}" for part in path), "type": str(error.validator)}


@dataclass
class JsonValue:
    """JSON data and the schema it is held against."""

    schema: Json
    value: Json = field(default_factory=dict)

    def render(self) -> Json:
        errors = list(json_errors(self.schema, self.value))
        rendered: Json = {"valid": not errors, "value": self.value}
        if errors:
            rendered["errors"] = errors
        return rendered


@dataclass(frozen=True)
class TaskDefinition:
    id: str
    version: str
    code: str
    name: str
    schema: Json

    def render(self) -> Json:
        return {"id": self.id, "version": self.version, "code": self.code, "name": self.name}


@dataclass(frozen=True)
class ProcessDefinition:
    id: str
    version: str
    name: str
    tenant_id: str
    metadata_schema: Json
    entity_schema: Json
    tasks: tuple[TaskDefinition, ...]

    def render(self) -> Json:
        return {"id": self.id, "version": self.version, "name": self.name}


@dataclass(frozen=True)
class Principal:
    id: str
    type: str
    name: str
    tenant_id: str
    groups: frozenset[str] = frozenset()
    user_id: str = ""
    email: str = ""
    application_id: str = ""

    def render_row(self) -> Json:
        return {"id": self.id, "type": self.type, "name": self.name}

    def render(self) -> Json:
        rendered = self.render_row()
        if self.type == "USER":
            rendered["user"] = {"id": self.user_id, "email": self.email}
        if self.type == "APPLICATION":
            rendered["application"] = {"id": self.application_id}
        return rendered


@dataclass
class TenantUser:
    id: str
    principal: Principal
    tenant_id: str
    audit: Audit
    metadata: JsonValue

    def render_row(self) -> Json:
        return {
            **self.audit.render(),
            "id": self.id,
            "principalId": self.principal.id,
            "tenantId": self.tenant_id,
        }

    def render(self) -> Json:
        return {
            **self.audit.render(),
            "id": self.id,
            "metadata": self.metadata.render(),
            "principal": self.principal.render(),
            "tenantId": self.tenant_id,
        }


@dataclass
class Document:
    """An uploaded document. `linked` once something of the process refers to it; until then it expires."""

    uri: str
    content_type: str
    name: str
    content: bytes
    uploaded_at: datetime
    linked: bool = False

    LIFETIME = timedelta(hours=24)

    def reference(self) -> str:
        return (
            f"kuflow-file:uri={quote(self.uri, safe='')};type={quote(self.content_type, safe='/')};"
            f"size={len(self.content)};name={quote(self.name, safe='')};"
        )


def document_uri(reference: str) -> str | None:
    """The `uri` part of a document reference; None when `reference` is none."""
    scheme, _, parts = reference.partition(":")
    if scheme != "kuflow-file":
        return None
    fields = dict(part.split("=", 1) for part in parts.split(";") if "=" in part)
    return unquote(fields["uri"]) if "uri" in fields else None


@dataclass
class Process:
    id: str
    definition: ProcessDefinition
    tenant_id: str
    initiator_id: str
    audit: Audit
    metadata: JsonValue
    entity: JsonValue
    state: str = "RUNNING"
    documents: dict[str, Document] = field(default_factory=dict)
    user_actions: dict[str, str | None] = field(default_factory=dict)
    """User action value id → URI of its document, if it has one."""

    def render_row(self) -> Json:
        return {
            **self.audit.render(),
            "id": self.id,
            "state": self.state,
            "processDefinition": self.definition.render(),
            "initiatorId": self.initiator_id,
            "tenantId": self.tenant_id,
        }

    def render(self) -> Json:
        return {
            **self.render_row(),
            "metadata": self.metadata.render(),
            "entity": self.entity.render(),
            "processRelated": {"incoming": [], "outcoming": []},
        }


@dataclass(frozen=True)
class LogEntry:
    id: str
    timestamp: datetime
    message: str
    level: str

    def render(self) -> Json:
        return {
            "id": self.id,
            "timestamp": timestamp(self.timestamp),
            "message": self.message,
            "level": self.level,
        }


@dataclass
class Task:
    definition: TaskDefinition
    data: JsonValue
    state: str = "READY"
    logs: list[LogEntry] = field(default_factory=list)
    claimed_at: datetime | None = None
    completed_at: datetime | None = None
    cancelled_at: datetime | None = None

    def render_row(self) -> Json:
        return {"state": self.state, "taskDefinition": self.definition.render()}

    def render(self) -> Json:
        return {**self.render_row(), "data": self.data.render(), "logs": [entry.render() for entry in self.logs]}


@dataclass
class Message:
    text: str | None
    data: JsonValue | None
    data_definition_code: str | None

    def render_row(self) -> Json:
        rendered = {"text": self.text, "dataStructureDataDefinitionCode": self.data_definition_code}
        return {key: value for key, value in rendered.items() if value is not None}

    def render(self) -> Json:
        return {**self.render_row(), **({"data": self.data.render()} if self.data else {})}


@dataclass
class ProcessItem:
    id: str
    type: str
    process_id: str
    tenant_id: str
    audit: Audit
    owner_id: str | None = None
    task: Task | None = None
    message: Message | None = None

    def _render(self, row: bool) -> Json:
        rendered: Json = {
            **self.audit.render(),
            "id": self.id,
            "type": self.type,
            "processId": self.process_id,
            "tenantId": self.tenant_id,
        }
        if self.owner_id:
            rendered["ownerId"] = self.owner_id
        if self.task:
            rendered["task"] = self.task.render_row() if row else self.task.render()
        if self.message:
            rendered["message"] = self.message.render_row() if row else self.message.render()
        return rendered

    def render_row(self) -> Json:
        return self._render(row=True)

    def render(self) -> Json:
        return self._render(row=False)


@dataclass
class Worker:
    id: str
    tenant_id: str
    audit: Audit
    fields: Json

    def render(self) -> Json:
        return {**self.audit.render(), "id": self.id, **self.fields, "tenantId": self.tenant_id}


@dataclass
class Robot:
    id: str
    tenant_id: str
    code: str
    name: str
    description: str
    audit: Audit
    source_id: str
    source_name: str
    source: bytes
    source_hash: str
    environment: dict[str, str]
    ready: bool

    def render_row(self) -> Json:
        return {
            **self.audit.render(),
            "id": self.id,
            "code": self.code,
            "name": self.name,
            "description": self.description,
            "tenantId": self.tenant_id,
        }

    def render(self) -> Json:
        return {
            **self.render_row(),
            "sourceType": "PACKAGE",
            "sourceFile": {
                "id": self.source_id,
                "name": self.source_name,
                "contentType": "application/zip",
                "contentLength": len(self.source),
                "contentHash": self.source_hash,
            },
            "environmentVariables": self.environment,
        }
