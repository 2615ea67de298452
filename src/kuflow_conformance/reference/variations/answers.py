"""Legal ways to write an answer: status codes of refusals, optional properties, notations, HTTP itself."""

from __future__ import annotations

import asyncio
import itertools
import re
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from typing import Any

from starlette.middleware.gzip import GZipMiddleware
from starlette.responses import RedirectResponse, Response, StreamingResponse
from uvicorn.protocols.http.h11_impl import H11Protocol

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around
from kuflow_conformance.reference.model import Json, timestamp
from kuflow_conformance.reference.operations import Answer, Refused
from kuflow_conformance.reference.variations.table import EXTRA, HTTP, NO_CODES, OPTIONAL, SILENT, WRITING, variation


def every_json(server: ReferenceServer, change: Callable[[int, Any], Any]) -> None:
    """Let `change(status, body)` rewrite the body of every JSON answer."""
    around(
        server,
        "json_response",
        lambda original, status, body, headers=None: original(status, change(status, body), headers),
    )


_OF_THE_USER = ("text", "message", "taskQueue", "workflowTypes", "activityTypes", "hostname")
"""Properties whose texts are the user's own, whatever they look like."""


def walk(node: Any, change: Callable[[Any], Any]) -> Any:
    """`node` with `change` applied to every scalar in it, but not to the data of the user."""
    if isinstance(node, dict):
        texts = {key for key in _OF_THE_USER if not isinstance(node.get(key), dict)}
        return {key: value if key in {"value", *texts} else walk(value, change) for key, value in node.items()}
    if isinstance(node, list):
        return [walk(item, change) for item in node]
    return change(node)


def refused_with(server: ReferenceServer, codes: dict[int, int]) -> None:
    def refuse(original: Any, operation: Operation | None, refusal: Refused) -> Response:
        response: Response = original(
            operation, Refused(codes.get(refusal.status, refusal.status), refusal.message, refusal.errors)
        )
        return response

    around(server, "refuse", refuse)


@variation("refusal-422", "what is invalid is refused with 422", NO_CODES)
def _(server: ReferenceServer) -> None:
    refused_with(server, {400: 422})


@variation("refusal-403-for-404", "what does not exist is refused with 403", NO_CODES)
def _(server: ReferenceServer) -> None:
    refused_with(server, {404: 403})


@variation("refusal-400-everywhere", "everything but missing credentials is refused with 400", NO_CODES)
def _(server: ReferenceServer) -> None:
    refused_with(server, {403: 400, 404: 400, 409: 400, 415: 400, 405: 400})


@variation("refusal-410-and-412", "unusual codes: 410 for unknown, 412 for a state that does not allow it", NO_CODES)
def _(server: ReferenceServer) -> None:
    refused_with(server, {404: 410, 409: 412})


@variation("refusal-403-for-401", "wrong credentials are refused with 403", NO_CODES)
def _(server: ReferenceServer) -> None:
    refused_with(server, {401: 403})


@variation("error-without-details", "error bodies have no errors", OPTIONAL)
def _(server: ReferenceServer) -> None:
    around(
        server, "error_body", lambda original, refusal: {k: v for k, v in original(refusal).items() if k != "errors"}
    )


@variation("error-extra", "error bodies have a path and a trace id", EXTRA)
def _(server: ReferenceServer) -> None:
    around(
        server, "error_body", lambda original, refusal: {**original(refusal), "path": "/", "traceId": uuid.uuid4().hex}
    )


@variation("extra-properties", "every object has further properties, which change each time", EXTRA)
def _(server: ReferenceServer) -> None:
    def change(status: int, body: Json) -> Json:
        body = {**body, "_links": {"self": "/"}, "version": time.time_ns()}
        if isinstance(body.get("content"), list):
            body["content"] = [{**row, "_version": time.time_ns()} for row in body["content"]]
        return body

    every_json(server, change)


@variation("optional-absent", "optional properties are left out where they say little", OPTIONAL)
def _(server: ReferenceServer) -> None:
    def change(status: int, body: Any) -> Any:
        if isinstance(body, list):
            return [change(status, item) for item in body]
        if not isinstance(body, dict):
            return body
        drop = {"createdBy", "lastModifiedBy", "processRelated", "description", "environmentVariables"}
        drop |= {key for key in ("logs", "workflowTypes", "activityTypes") if not body.get(key)}
        return {
            key: value if key == "value" else change(status, value) for key, value in body.items() if key not in drop
        }

    every_json(server, change)


@variation("audit-absent", "lists and resources have no audit properties", OPTIONAL)
def _(server: ReferenceServer) -> None:
    audit = {"createdBy", "createdAt", "lastModifiedBy", "lastModifiedAt"}

    def change(status: int, body: Json) -> Json:
        body = {key: value for key, value in body.items() if key not in audit}
        if isinstance(body.get("content"), list):
            body["content"] = [
                {key: value for key, value in row.items() if key not in audit} for row in body["content"]
            ]
        return body

    every_json(server, change)


@variation("empty-json-absent", "a JSON value that was never set is left out", OPTIONAL)
def _(server: ReferenceServer) -> None:
    def change(status: int, body: Json) -> Json:
        return {
            key: v
            for key, v in body.items()
            if not (key in ("metadata", "entity") and isinstance(v, dict) and v.get("value") == {})
        }

    every_json(server, change)


_STAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z")


def stamps(server: ReferenceServer, write: Callable[[str], str]) -> None:
    every_json(
        server, lambda status, body: walk(body, lambda v: write(v) if isinstance(v, str) and _STAMP.fullmatch(v) else v)
    )


@variation("time-offset", "timestamps are in another time zone", WRITING)
def _(server: ReferenceServer) -> None:
    from datetime import datetime

    zone = timezone(timedelta(hours=5, minutes=30))
    stamps(server, lambda value: datetime.fromisoformat(value).astimezone(zone).isoformat())


@variation("time-nanoseconds", "timestamps have nanoseconds", WRITING)
def _(server: ReferenceServer) -> None:
    stamps(server, lambda value: value.replace("Z", "123456Z"))


@variation("time-seconds", "timestamps have whole seconds", WRITING)
def _(server: ReferenceServer) -> None:
    stamps(server, lambda value: value[:19] + "Z")


@variation("uuid-upper-case", "ids in answers are in upper case", WRITING)
def _(server: ReferenceServer) -> None:
    pattern = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
    every_json(
        server,
        lambda status, body: walk(body, lambda v: v.upper() if isinstance(v, str) and pattern.fullmatch(v) else v),
    )


@variation("ids-lower-cased", "ids are stored and shown in lower case", WRITING)
def _(server: ReferenceServer) -> None:
    pattern = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
    every_json(
        server,
        lambda status, body: walk(body, lambda v: v.lower() if isinstance(v, str) and pattern.fullmatch(v) else v),
    )


def every_response(server: ReferenceServer, change: Callable[[Response], Response]) -> None:
    for step in ("respond", "refuse"):
        around(server, step, lambda original, operation, what: change(original(operation, what)))


@variation("content-type-charset", "Content-Type has a charset", HTTP)
def _(server: ReferenceServer) -> None:
    def change(response: Response) -> Response:
        if response.headers.get("Content-Type") == "application/json":
            response.headers["Content-Type"] = "Application/JSON; charset=UTF-8"
        return response

    every_response(server, change)


@variation("gateway-headers", "answers have an ETag, caching and tracing headers", HTTP)
def _(server: ReferenceServer) -> None:
    def change(response: Response) -> Response:
        response.headers.update(
            {"ETag": f'"{uuid.uuid4().hex}"', "Cache-Control": "no-store", "Via": "1.1 gateway", "X-Request-Id": "1"}
        )
        return response

    every_response(server, change)


@variation("no-keep-alive", "the connection is closed after each answer", HTTP)
def _(server: ReferenceServer) -> None:
    def change(response: Response) -> Response:
        response.headers["Connection"] = "close"
        return response

    every_response(server, change)


@variation("clock-behind", "the clock of the server is a year behind, and it says so in Date", SILENT)
def _(server: ReferenceServer) -> None:
    behind = timedelta(days=365)
    around(server.platform, "now", lambda original: original() - behind)
    around(
        server,
        "error_body",
        lambda original, refusal: {**original(refusal), "timestamp": timestamp(datetime.now(UTC) - behind)},
    )

    def change(response: Response) -> Response:
        response.headers["Date"] = format_datetime(datetime.now(UTC) - behind, usegmt=True)
        return response

    every_response(server, change)
    server.http_options["date_header"] = False


@variation("http-1.0", "HTTP/1.0: no length, and the answer ends with the connection", HTTP)
def _(server: ReferenceServer) -> None:
    def change(response: Response) -> Response:
        del response.headers["Content-Length"]
        return response

    every_response(server, change)
    server.http_options["http"] = OldProtocol


class OldProtocol(H11Protocol):
    """Takes every request for one of HTTP/1.0 and answers it so."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(OldTransport(transport))  # type: ignore[arg-type]

    def data_received(self, data: bytes) -> None:
        super().data_received(data.replace(b" HTTP/1.1\r\n", b" HTTP/1.0\r\n", 1))


class OldTransport:
    """Writes the status line of HTTP/1.0, and is the real transport in everything else."""

    def __init__(self, transport: Any) -> None:
        self._transport = transport

    def write(self, data: bytes) -> None:
        self._transport.write(data.replace(b"HTTP/1.1 ", b"HTTP/1.0 ", 1) if data.startswith(b"HTTP/1.1 ") else data)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._transport, name)


@variation("chunked", "answers are chunked, without a length", HTTP)
def _(server: ReferenceServer) -> None:
    def change(response: Response) -> Response:
        async def chunks() -> Any:
            body = bytes(response.body)
            for start in range(0, len(body), 100):
                yield body[start : start + 100]

        headers = {name: value for name, value in response.headers.items() if name != "content-length"}
        return response if response.status_code == 304 else StreamingResponse(chunks(), response.status_code, headers)

    every_response(server, change)


@variation("gzip", "answers are compressed", HTTP)
def _(server: ReferenceServer) -> None:
    server.asgi.add_middleware(GZipMiddleware, minimum_size=1)


@variation("slow", "one answer in twenty takes 300 milliseconds", SILENT)
def _(server: ReferenceServer) -> None:
    inner = server.asgi
    count = itertools.count(1)

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and next(count) % 20 == 0:
            await asyncio.sleep(0.3)
        await inner(scope, receive, send)

    server.asgi = asgi  # type: ignore[assignment]


def _limited(server: ReferenceServer, every: int) -> None:
    """Answer one request of so many with 429."""
    count = 0

    def handle(original: Any, operation: Operation, request: Any, content: bytes) -> Answer:
        nonlocal count
        count += 1
        if count % every == 0:
            raise Refused(429, "Too many requests")
        answer: Answer = original(operation, request, content)
        return answer

    around(server, "handle", handle)


@variation("rate-limited", "one request in fifty is answered 429 with Retry-After", "RFC 6585 section 4")
def _(server: ReferenceServer) -> None:
    def refuse(original: Any, operation: Operation | None, refusal: Refused) -> Response:
        response: Response = original(operation, refusal)
        if refusal.status == 429:
            response.headers["Retry-After"] = "0"
        return response

    _limited(server, 50)
    around(server, "refuse", refuse)


@variation(
    "rate-limited-silently", "one request in a hundred is answered 429, and no more is said", "RFC 6585 section 4"
)
def _(server: ReferenceServer) -> None:
    _limited(server, 100)


@variation("redirect", "lists are redirected to a path with a trailing slash", HTTP)
def _(server: ReferenceServer) -> None:
    inner = server.asgi

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        path = scope.get("path", "")
        if scope["type"] == "http" and scope["method"] == "GET" and path.count("/") == 2 and not path.endswith("/"):
            query = scope["query_string"].decode()
            await RedirectResponse(f"{path}/{f'?{query}' if query else ''}", 307)(scope, receive, send)
            return
        if scope["type"] == "http" and path.endswith("/"):
            scope = {**scope, "path": path.rstrip("/"), "raw_path": path.rstrip("/").encode()}
        await inner(scope, receive, send)

    server.asgi = asgi  # type: ignore[assignment]
