"""Faults that show only when a request is written in another, equivalent way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from starlette.datastructures import QueryParams
from starlette.requests import Request
from starlette.responses import Response

from kuflow_conformance.description.openapi import Operation
from kuflow_conformance.reference.app import ReferenceServer
from kuflow_conformance.reference.bank import around
from kuflow_conformance.reference.faults.table import fault
from kuflow_conformance.reference.operations import Answer, Refused


def refuse_request(
    server: ReferenceServer, wrong: Callable[[Operation, Request], bool], status: int, message: str
) -> None:
    """Refuse, before anything else, the requests that `wrong` says are wrong."""

    def handle(original: Any, operation: Operation, request: Request, content: bytes) -> Answer:
        if wrong(operation, request):
            raise Refused(status, message)
        answer: Answer = original(operation, request, content)
        return answer

    around(server, "handle", handle)


def _content_type(request: Request) -> str:
    return str(request.headers.get("content-type", ""))


def _accepted(request: Request) -> str:
    return str(request.headers.get("accept", "*/*"))


@fault("charset-415", "EQV-001", "JSON with a charset is answered 415")
def _(server: ReferenceServer) -> None:
    refuse_request(server, lambda operation, request: "charset" in _content_type(request).lower(), 415, "Unknown type")


@fault("charset-quoted-415", "EQV-001", "a charset in quotes is answered 415")
def _(server: ReferenceServer) -> None:
    refuse_request(server, lambda operation, request: '"' in _content_type(request), 415, "Unknown charset")


@fault("patch-charset-415", "EQV-001", "a patch with a charset is answered 415")
def _(server: ReferenceServer) -> None:
    def wrong(operation: Operation, request: Request) -> bool:
        return operation.method == "PATCH" and ";" in _content_type(request)

    refuse_request(server, wrong, 415, "Unknown type")


@fault("media-type-case", "EQV-001", "media types are compared with case")
def _(server: ReferenceServer) -> None:
    def wrong(operation: Operation, request: Request) -> bool:
        return bool(operation.bodies) and _content_type(request) != _content_type(request).lower()

    refuse_request(server, wrong, 415, "Unknown type")


@fault("accept-list-406", "EQV-002", "several types in Accept are answered 406")
def _(server: ReferenceServer) -> None:
    refuse_request(server, lambda operation, request: "," in _accepted(request), 406, "Not acceptable")


@fault("accept-exact-406", "EQV-002", "who accepts exactly what a download answers with gets 406")
def _(server: ReferenceServer) -> None:
    refuse_request(
        server, lambda operation, request: _accepted(request) == "application/octet-stream", 406, "Not acceptable"
    )


@fault("accept-weights-406", "EQV-002", "lists do not understand weights in Accept")
def _(server: ReferenceServer) -> None:
    refuse_request(
        server, lambda operation, request: operation.is_list and ";q=" in _accepted(request), 406, "Not acceptable"
    )


@fault("accept-shapes-refusals", "EQV-002", "a refused download is answered in the first type that is accepted")
def _(server: ReferenceServer) -> None:
    first = ""

    def handle(original: Any, operation: Operation, request: Request, content: bytes) -> Answer:
        nonlocal first
        first = _accepted(request).partition(",")[0] if operation.id.startswith("download") else ""
        answer: Answer = original(operation, request, content)
        return answer

    def refuse(original: Any, operation: Operation | None, refusal: Refused) -> Response:
        response: Response = original(operation, refusal)
        if first == "application/octet-stream":
            response.headers["Content-Type"] = first
        return response

    around(server, "handle", handle)
    around(server, "refuse", refuse)


def _chunked(request: Request) -> bool:
    return request.headers.get("transfer-encoding") == "chunked"


@fault("chunked-upload-empty", "EQV-003", "a document that is uploaded in chunks is empty")
def _(server: ReferenceServer) -> None:
    def handle(original: Any, operation: Operation, request: Request, content: bytes) -> Answer:
        upload = "application/octet-stream" in operation.bodies
        answer: Answer = original(operation, request, b"" if upload and _chunked(request) else content)
        return answer

    around(server, "handle", handle)


@fault("chunked-first-only", "EQV-003", "only the first kilobyte, and no second chunk, of a document is kept")
def _(server: ReferenceServer) -> None:
    def handle(original: Any, operation: Operation, request: Request, content: bytes) -> Answer:
        upload = "application/octet-stream" in operation.bodies
        answer: Answer = original(
            operation, request, content[: len(content) // 3] if upload and _chunked(request) else content
        )
        return answer

    around(server, "handle", handle)


@fault("chunked-json-missing", "EQV-006", "JSON in chunks counts as a missing body")
def _(server: ReferenceServer) -> None:
    def wrong(operation: Operation, request: Request) -> bool:
        return "application/octet-stream" not in operation.bodies and _chunked(request)

    refuse_request(server, wrong, 400, "The body is missing")


def _reading(server: ReferenceServer, read: Callable[[str], list[tuple[str, str]]]) -> None:
    """Let `read` make the query parameters of the query as it was sent."""
    sent = ""

    def handle(original: Any, operation: Operation, request: Request, content: bytes) -> Answer:
        nonlocal sent
        sent = request.scope["query_string"].decode()
        answer: Answer = original(operation, request, content)
        return answer

    around(server, "handle", handle)
    around(server, "read_query", lambda original, operation, raw: original(operation, QueryParams(read(sent))))


@fault("escaped-tilde", "EQV-004", "%7E in a query is not taken for ~")
def _(server: ReferenceServer) -> None:
    _reading(server, lambda sent: QueryParams(sent.replace("%7E", "%257E").replace("%7e", "%257e")).multi_items())


@fault("escapes-in-lower-case", "EQV-004", "escapes in lower case are not read")
def _(server: ReferenceServer) -> None:
    _reading(server, lambda sent: QueryParams(sent.replace("%2d", "%252d").replace("%5f", "%255f")).multi_items())


@fault("escaped-names", "EQV-004", "a parameter whose name has an escape is not known")
def _(server: ReferenceServer) -> None:
    def read(sent: str) -> list[tuple[str, str]]:
        plain = "&".join(pair for pair in sent.split("&") if "%" not in pair.partition("=")[0])
        return QueryParams(plain).multi_items()

    _reading(server, read)


@fault("parameters-in-order", "EQV-004", "a page that is named before the size does not count")
def _(server: ReferenceServer) -> None:
    def read(sent: str) -> list[tuple[str, str]]:
        pairs = QueryParams(sent).multi_items()
        names = [name for name, _ in pairs]
        if "page" in names and "size" in names and names.index("page") < names.index("size"):
            pairs = [(name, value) for name, value in pairs if name != "size"]
        return pairs

    _reading(server, read)


@fault("scheme-with-case", "EQV-005", "the scheme of credentials has to be written Basic")
def _(server: ReferenceServer) -> None:
    def wrong(operation: Operation, request: Request) -> bool:
        scheme = request.headers.get("authorization", "").partition(" ")[0]
        return scheme.lower() == "basic" and scheme != "Basic"

    refuse_request(server, wrong, 401, "Valid credentials are required")


@fault("scheme-one-space", "EQV-006", "two spaces after the scheme of credentials are refused")
def _(server: ReferenceServer) -> None:
    refuse_request(
        server,
        lambda operation, request: "  " in request.headers.get("authorization", ""),
        401,
        "Valid credentials are required",
    )
