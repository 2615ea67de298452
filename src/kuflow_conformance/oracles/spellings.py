"""Ways to write the same request: what HTTP and its media types say makes no difference.

A spelling changes the parts of a request and not what it asks for. Several at once make a dialect, so that one request
tries them all; where the answer differs, each is tried alone.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from urllib.parse import quote

from kuflow_conformance.description.openapi import Operation

Pairs = tuple[tuple[str, str], ...]
OFFICIAL = ("application/octet-stream", "application/json")
"""What the official clients accept of downloads."""


@dataclass(frozen=True)
class Request:
    """What can be written otherwise of a request: its query, its headers, and the spelling of its credentials."""

    operation: Operation
    query: Pairs = ()
    content_type: str = ""
    headers: dict[str, str] = field(default_factory=dict)
    encode: Callable[[str], str] = quote
    """How names and values of the query are encoded."""
    credentials: str = ""
    """The name of a spelling of the credentials; empty for the usual one."""

    @property
    def encoded(self) -> str:
        return "&".join(f"{self.encode(name)}={self.encode(value)}" for name, value in self.query)

    def with_header(self, name: str, value: str) -> Request:
        return replace(self, headers={**self.headers, name: value})


@dataclass(frozen=True)
class Spelling:
    """One way to write a request otherwise, and the requirement that says that it makes no difference."""

    name: str
    requirement: str
    change: Callable[[Request], Request]
    applies: Callable[[Operation], bool] = lambda operation: True


def _has_json_body(operation: Operation) -> bool:
    return any("json" in media_type for media_type in operation.bodies)


def _typed(write: Callable[[str], str]) -> Callable[[Request], Request]:
    return lambda request: replace(request, content_type=write(request.content_type))


def _accepting(write: Callable[[list[str]], str]) -> Callable[[Request], Request]:
    return lambda request: request.with_header("Accept", write(success_types(request.operation)))


def _encoded(encode: Callable[[str], str]) -> Callable[[Request], Request]:
    return lambda request: replace(request, encode=encode)


def _signed(name: str) -> Callable[[Request], Request]:
    return lambda request: replace(request, credentials=name)


def success_types(operation: Operation) -> list[str]:
    """The media types of the operation's successes."""
    types = [media_type for code, answers in operation.answers.items() if code != "default" for media_type in answers]
    return list(dict.fromkeys(types)) or ["application/json"]


def with_escapes(text: str, hexadecimal: str = "{:02x}") -> str:
    """`text` with its unreserved marks and its first letter escaped as well (RFC 3986 sections 2.3 and 6.2.2)."""
    escaped = []
    for position, letter in enumerate(text):
        plain = letter.isascii() and letter.isalnum() and position > 0
        octets = letter.encode("utf-8", "surrogatepass")
        escaped.append(letter if plain else "".join(f"%{hexadecimal.format(octet)}" for octet in octets))
    return "".join(escaped)


def _has_query(operation: Operation) -> bool:
    return bool(operation.query_parameters)


def _named(write: Callable[[str], str]) -> Callable[[Request], Request]:
    """Write the names of headers otherwise."""

    def change(request: Request) -> Request:
        headers = {"Content-Type": request.content_type, **request.headers} if request.content_type else request.headers
        return replace(request, headers={write(name): value for name, value in headers.items()})

    return change


DIALECTS: Sequence[Sequence[Spelling]] = (
    (
        Spelling("charset=utf-8", "EQV-001", _typed(lambda name: f"{name}; charset=utf-8"), _has_json_body),
        Spelling(
            "Accept with octet-stream first, as the official client sends",
            "EQV-002",
            _accepting(lambda types: ", ".join(dict.fromkeys([*OFFICIAL, *types]))),
        ),
        Spelling("escapes in lower case", "EQV-004", _encoded(with_escapes), _has_query),
        Spelling("the scheme in lower case", "EQV-005", _signed("the scheme in lower case")),
        Spelling("names of headers in lower case", "EQV-001", _named(str.lower)),
    ),
    (
        Spelling("media type in upper case", "EQV-001", _typed(str.upper), lambda operation: bool(operation.bodies)),
        Spelling("Accept with the exact types", "EQV-002", _accepting(", ".join)),
        Spelling("parameters in another order", "EQV-004", lambda r: replace(r, query=r.query[::-1]), _has_query),
        Spelling("the scheme in upper case", "EQV-005", _signed("the scheme in upper case")),
        Spelling("names of headers in upper case", "EQV-001", _named(str.upper)),
    ),
    (
        Spelling('charset="UTF-8"', "EQV-001", _typed(lambda name: f'{name};Charset="UTF-8"'), _has_json_body),
        Spelling(
            "Accept with weights",
            "EQV-002",
            _accepting(lambda types: ", ".join(["text/html;q=0.3", *(f"{name};q=0.8" for name in types), "*/*;q=0.1"])),
        ),
        Spelling("escapes in upper case", "EQV-004", _encoded(lambda text: with_escapes(text, "{:02X}")), _has_query),
    ),
    (
        Spelling(
            "a body in chunks",
            "EQV-003",
            lambda r: r.with_header("Transfer-Encoding", "chunked"),
            lambda operation: bool(operation.bodies),
        ),
    ),
    (Spelling("two spaces after the scheme", "EQV-006", _signed("two spaces after the scheme")),),
)
"""Each of these is sent to every operation."""


def dialects(operation: Operation) -> Iterator[list[Spelling]]:
    """Those spellings of each dialect that there are for an operation."""
    for dialect in DIALECTS:
        if chosen := [spelling for spelling in dialect if spelling.applies(operation)]:
            yield chosen


def spelled(request: Request, spellings: Sequence[Spelling]) -> Request:
    """The request with all these spellings."""
    for spelling in spellings:
        request = spelling.change(request)
    return request
