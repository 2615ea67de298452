"""Faults of the reading of requests: parameters, media types, bodies, the version."""

from __future__ import annotations

from typing import Any

from starlette.datastructures import QueryParams

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.model import Json
from kuflow_conformance.reference.operations import Refused


def _unchecked(server: ReferenceServer, *keywords: str) -> None:
    """Let bodies pass whose only mistakes are of these kinds."""

    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        if {error.keyword for error in operation.bodies[media_type].errors(body)} - set(keywords):
            original(operation, media_type, body)

    around(server, "check_body", check)


@fault("size-1001", "PAG-003", "a size of 1001 is accepted")
def _(server: ReferenceServer) -> None:
    around(
        server,
        "query_accepts",
        lambda original, operation, name, value: (name == "size" and value == 1001) or original(operation, name, value),
    )


@fault("total-pages-rounded-down", "PAG-005", "totalPages is rounded down")
def _(server: ReferenceServer) -> None:
    around(server.platform, "total_pages", lambda original, total, size: total // size if size else 0)


@fault("media-type-ignored", "REQ-002", "bodies are read as JSON whatever their media type")
def _(server: ReferenceServer) -> None:
    around(
        server,
        "read_body",
        lambda original, operation, media_type, content: original(operation, next(iter(operation.bodies)), content),
    )


@fault("filter-second-value", "FLT-001", "a list filter with several values lets everything through")
def _(server: ReferenceServer) -> None:
    around(
        server.platform,
        "having",
        lambda original, rows, query, name, values: (
            rows if len(query.get(name, ())) > 1 else original(rows, query, name, values)
        ),
    )


@fault("malformed-json-empty", "REQ-001", "malformed JSON is taken for an empty object where nothing is required")
def _(server: ReferenceServer) -> None:
    def read_body(original: Any, operation: Operation, media_type: str, content: bytes) -> Any:
        try:
            return original(operation, media_type, content)
        except Refused as refusal:
            if refusal.message == "The body is not JSON" and operation.id == "updateProcessMetadata":
                return {"metadata": {"value": {}}}
            raise

    around(server, "read_body", read_body)


@fault("missing-parameter-defaulted", "REQ-003", "an upload without a file name gets one")
def _(server: ReferenceServer) -> None:
    def read_query(original: Any, operation: Operation, raw: Any) -> Json:
        if operation.id == "uploadProcessDocument" and "fileName" not in raw:
            return {"fileName": "unnamed", "fileContentType": raw.get("fileContentType", "text/plain")}
        query: Json = original(operation, raw)
        return query

    around(server, "read_query", read_query)


@fault("uuid-unchecked", "REQ-004", "a malformed id in the groupId filter is ignored")
def _(server: ReferenceServer) -> None:
    around(
        server,
        "query_accepts",
        lambda original, operation, name, value: name == "groupId" or original(operation, name, value),
    )


@fault("text-page", "REQ-005", "text in place of a page number is page 0")
def _(server: ReferenceServer) -> None:
    def read_query(original: Any, operation: Operation, raw: Any) -> Json:
        kept = [(name, value) for name, value in raw.multi_items() if not (name == "page" and value.isalpha())]
        query: Json = original(operation, QueryParams(kept))
        return query

    around(server, "read_query", read_query)


@fault("types-unchecked", "REQ-006", "a log entry may have an object for a message")
def _(server: ReferenceServer) -> None:
    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        if (
            operation.id == "appendProcessItemTaskLog"
            and isinstance(body, dict)
            and isinstance(body.get("message"), (dict, list))
        ):
            body["message"] = str(body["message"])
        original(operation, media_type, body)

    around(server, "check_body", check)


@fault("patch-empty", "PAT-005", "an empty patch is accepted")
def _(server: ReferenceServer) -> None:
    _unchecked(server, "minItems")


@fault("enum-unchecked", "REQ-008", "a log entry may have any level")
def _(server: ReferenceServer) -> None:
    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        if operation.id == "appendProcessItemTaskLog" and isinstance(body, dict) and isinstance(body.get("level"), str):
            body = {**body, "level": "INFO"}
        original(operation, media_type, body)

    around(server, "check_body", check)


@fault("version-ignored", "VER-001", "every version in the path is answered as this one")
def _(server: ReferenceServer) -> None:
    inner = server.asgi

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and scope["path"].startswith("/v1999-01-01"):
            path = scope["path"].replace("/v1999-01-01", "/v2024-06-14")
            scope = {**scope, "path": path, "raw_path": path.encode()}
        await inner(scope, receive, send)

    server.asgi = asgi  # type: ignore[assignment]
