"""What widely used servers, libraries and gateways do by default."""

from __future__ import annotations

import json
import re
import uuid
from typing import Any

from starlette.responses import Response

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around, on_answer
from kuflow_conformance.reference.model import Json
from kuflow_conformance.reference.operations import Refused
from kuflow_conformance.reference.variations.lists import before_page
from kuflow_conformance.reference.variations.table import HTTP, OPTIONAL, SILENT, variation

EXTENSIONS = "RFC 8259 section 9 lets parsers accept extensions"
IN_FRONT = "the documentation speaks for the application, not for what stands before it"
LARGEST_BODY = 1024 * 1024


def _page(status: int) -> Response:
    return Response(f"<html><body><h1>{status}</h1></body></html>", status, media_type="text/html")


def _in_front(server: ReferenceServer, refuse: Any) -> None:
    """Let `refuse(scope, body)` answer before the application does; it returns a response, None to let pass."""
    inner = server.asgi

    async def asgi(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            await inner(scope, receive, send)
            return
        messages = []
        while True:
            messages.append(await receive())
            if messages[-1]["type"] != "http.request" or not messages[-1].get("more_body"):
                break
        response = refuse(scope, b"".join(message.get("body", b"") for message in messages))
        if response is not None:
            await response(scope, receive, send)
            return

        async def replay() -> Any:
            return messages.pop(0) if messages else await receive()

        await inner(scope, replay, send)

    server.asgi = asgi  # type: ignore[assignment]


@variation("container-paths", "paths with %2F, %5C or bad escapes get an HTML page, as from Tomcat", IN_FRONT)
def _(server: ReferenceServer) -> None:
    odd = re.compile(rb"%2f|%5c|%00|;|//|%(?![0-9a-f]{2})", re.IGNORECASE)
    _in_front(server, lambda scope, body: _page(400) if odd.search(scope["raw_path"]) else None)


@variation("paths-checked", "paths with anything but letters and digits get an HTML page, as IIS gives", IN_FRONT)
def _(server: ReferenceServer) -> None:
    plain = re.compile(rb"[\w./~-]*")
    _in_front(server, lambda scope, body: None if plain.fullmatch(scope["raw_path"]) else _page(400))


@variation("gateway-413", "bodies of more than a megabyte get a 413 as an HTML page, as nginx gives", IN_FRONT)
def _(server: ReferenceServer) -> None:
    _in_front(server, lambda scope, body: _page(413) if len(body) > LARGEST_BODY else None)


@variation("large-reset", "the connection is closed on bodies of more than a megabyte", IN_FRONT)
def _(server: ReferenceServer) -> None:
    def refuse(scope: Any, body: bytes) -> Any:
        if len(body) <= LARGEST_BODY:
            return None

        async def close(scope: Any, receive: Any, send: Any) -> None:
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})

        return close

    _in_front(server, refuse)


@variation("firewall", "a firewall refuses climbing paths, markup and SQL with a 403 as an HTML page", IN_FRONT)
def _(server: ReferenceServer) -> None:
    attack = re.compile(rb"\.\./|%2e%2e|\.\.%2f|<[a-z!/]|%3c[a-z!/]|/etc/|'\s*or\s|%27%22|'\"|\$\{", re.IGNORECASE)
    _in_front(
        server, lambda scope, body: _page(403) if attack.search(scope["query_string"]) or attack.search(body) else None
    )


@variation("json-trailing", "what follows a JSON value is not read, as by Jackson", EXTENSIONS)
def _(server: ReferenceServer) -> None:
    def read(original: Any, operation: Operation, media_type: str, content: bytes) -> Any:
        if "json" in media_type:
            try:
                value, _ = json.JSONDecoder().raw_decode(content.decode().lstrip())
                content = json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")
            except (ValueError, RecursionError):
                pass
        return original(operation, media_type, content)

    around(server, "read_body", read)


@variation("json-quotes", "JSON may have single quotes", EXTENSIONS)
def _(server: ReferenceServer) -> None:
    def read(original: Any, operation: Operation, media_type: str, content: bytes) -> Any:
        if "json" in media_type and b'"' not in content:
            content = content.replace(b"'", b'"')
        return original(operation, media_type, content)

    around(server, "read_body", read)


@variation("blank-is-none", "a blank value of a filter counts as none", SILENT)
def _(server: ReferenceServer) -> None:
    class Read:
        def __init__(self, raw: Any) -> None:
            self._raw = raw

        def getlist(self, name: str) -> list[str]:
            return [value for value in self._raw.getlist(name) if value.strip()]

    around(server, "read_query", lambda original, operation, raw: original(operation, Read(raw)))


@variation("worker-minimal", "a worker is answered without what is optional: id, tenantId and lists", OPTIONAL)
def _(server: ReferenceServer) -> None:
    required = ("identity", "taskQueue", "hostname", "ip")
    on_answer(server, ["createWorker"], lambda body: {name: body[name] for name in required})


@variation("proto-refused", "a body with a member __proto__ is refused, as by Fastify", SILENT)
def _(server: ReferenceServer) -> None:
    def read(original: Any, operation: Operation, media_type: str, content: bytes) -> Any:
        if "json" in media_type and b'"__proto__"' in content:
            raise Refused(400, "Object contains forbidden prototype property")
        return original(operation, media_type, content)

    around(server, "read_body", read)


@variation("numbers-with-exponent", "whole numbers of metadata are written with an exponent", "RFC 8259 section 6")
def _(server: ReferenceServer) -> None:
    def respond(original: Any, status: int, body: Any, headers: Any = None) -> Response:
        response: Response = original(status, body, headers)
        content = re.sub(
            rb'("(?:size|page|totalElements|totalPages)":)(\d+)(?=[,}])', rb"\1\2.0E0", bytes(response.body)
        )
        return Response(content, status, dict(headers or {}), media_type="application/json")

    around(server, "json_response", respond)


def _ids_by(server: ReferenceServer, key: Any) -> None:
    def sorted_so(rows: Any, query: Json, sorting: Any) -> Any:
        if "id" in sorting:
            sorting = {**sorting, "id": lambda row: key(uuid.UUID(row.id))}
        return rows, query, sorting

    before_page(server, sorted_so)


@variation("ids-by-second-half", "sorting by id goes by its second half first, as in ClickHouse", SILENT)
def _(server: ReferenceServer) -> None:
    _ids_by(server, lambda key: key.bytes[8:] + key.bytes[:8])


@variation("ids-little-endian", "sorting by id goes by its bytes as Windows keeps them, as in YDB", SILENT)
def _(server: ReferenceServer) -> None:
    _ids_by(server, lambda key: key.bytes_le)


@variation("ids-signed", "sorting by id goes by two signed numbers, as Java compares", SILENT)
def _(server: ReferenceServer) -> None:
    def signed(key: uuid.UUID) -> tuple[int, ...]:
        return tuple(int.from_bytes(half, signed=True) for half in (key.bytes[:8], key.bytes[8:]))

    _ids_by(server, signed)


@variation("length-required", "bodies without a length are refused with 411", HTTP)
def _(server: ReferenceServer) -> None:
    _in_front(
        server,
        lambda scope, body: _page(411) if (b"transfer-encoding", b"chunked") in scope["headers"] else None,
    )


@variation("events-again", "events come more than once and not in order: each again behind a later one", SILENT)
def _(server: ReferenceServer) -> None:
    send = server.platform.on_event
    earlier: list[Json] = []

    def send_again(event: Json) -> None:
        send(event)
        if earlier:
            send(earlier.pop())
        earlier.append(event)

    server.platform.on_event = send_again


def _read_leniently(server: ReferenceServer, mend: Any) -> None:
    """Let `mend(body)` make of a JSON body what a lenient reader takes it for."""

    def check(original: Any, operation: Operation, media_type: str, body: Any) -> None:
        mend(body)
        original(operation, media_type, body)

    around(server, "check_body", check)


@variation("list-of-one", "a list of one text is taken for the text, as by ajv in Fastify", SILENT)
def _(server: ReferenceServer) -> None:
    lists = ("workflowTypes", "activityTypes", "robotIds")

    def mend(node: Any) -> None:
        for name, value in node.items() if isinstance(node, dict) else ():
            if isinstance(value, list) and len(value) == 1 and isinstance(value[0], str) and name not in lists:
                node[name] = value[0]
            elif name != "value":
                mend(value)

    _read_leniently(server, mend)


@variation("enum-by-number", "a value of an enumeration may be given by its number, as to Jackson", SILENT)
def _(server: ReferenceServer) -> None:
    values = {"level": ("INFO", "WARN", "ERROR")}

    def mend(body: Any) -> None:
        for name, known in values.items():
            given = body.get(name) if isinstance(body, dict) else None
            if isinstance(given, str) and given in map(str, range(len(known))):
                body[name] = known[int(given)]

    _read_leniently(server, mend)
