"""Other people's traffic: exchanges of real clients, recorded (HAR) or live, held against the documentation.

Nothing is sent. Each exchange is judged by itself, so only requirements without a memory are looked at.
"""

from __future__ import annotations

import base64
import binascii
import threading
import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, ValidationError
from requests.structures import CaseInsensitiveDict

from kuflow_conformance.description import requirements
from kuflow_conformance.description.openapi import VERSION, Description
from kuflow_conformance.errors import InvalidTraffic
from kuflow_conformance.findings.evidence import Evidence
from kuflow_conformance.findings.history import History
from kuflow_conformance.findings.known import KnownFailures
from kuflow_conformance.findings.record import TRAFFIC, RunRecord
from kuflow_conformance.oracles import JUDGED_ALWAYS
from kuflow_conformance.oracles.coverage import Coverage
from kuflow_conformance.oracles.requests import REFUSALS
from kuflow_conformance.target.curl import curl_command
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.redaction import Redactor

CLIENT = "client"
"""The name of the caller, whoever it was."""

CURL_OF_CLIENT = {CLIENT: '-H "Authorization: $AUTHORIZATION"'}

_CONDITIONAL = ("if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range")


@dataclass
class Seen:
    """An exchange of somebody else, and how much of it is known."""

    exchange: Exchange
    request_body_known: bool = True
    answer_body_known: bool = True

    @property
    def judgeable(self) -> bool:
        """Whether the documentation says anything of such an answer.

        Redirects, and answers to conditional and range requests (RFC 9110 sections 13 and 14), are between client and
        server.
        """
        exchange = self.exchange
        redirect = 300 <= exchange.status < 400 and exchange.status != 304
        conditional = any(name.lower() in _CONDITIONAL for name in exchange.request_headers)
        return self.answer_body_known and not redirect and not conditional


class Traffic:
    """Judges what it is shown and keeps the record; safe to be shown things by several threads."""

    profile = TRAFFIC
    seed = 0
    part_of_whole = ""

    def __init__(self, name: str, url: str, description: Description, reports: Path) -> None:
        self.id = uuid.uuid4()
        self.name = name
        self.url = url
        self.description = description
        self.catalogue = requirements.load()
        self.selected = {*JUDGED_ALWAYS, *REFUSALS}
        self.coverage = Coverage(description)
        self.known: KnownFailures = ()
        self.missing: list[str] = []
        self.record = RunRecord(self, reports)
        self.redactor = Redactor([])
        self.passed_over = 0
        """Exchanges that cannot be judged: redirects, conditional requests, bodies that were not recorded."""
        self._history = History()
        self._exemplified: set[str] = set()
        self._lock = threading.Lock()

    def see(self, seen: Seen) -> None:
        """Judge an exchange and take it into the record."""
        with self._lock:
            if not seen.judgeable:
                self.passed_over += 1
                return
            exchange = seen.exchange
            self.redactor.learn(exchange.request_headers.get("Authorization", ""))
            evidence = Evidence(self.redactor, self._curl, self.coverage, self._history, self._exemplified)
            evidence.see(exchange)
            if seen.request_body_known:
                evidence.faults_refused(exchange)
            self.record.add_evidence(exchange.operation_id, evidence.as_dict())
            self.record.keep()

    def _curl(self, exchange: Exchange) -> str:
        return curl_command(exchange, CURL_OF_CLIENT, self.redactor)


# HAR 1.2, as far as it is needed. Writers differ in what they leave out.


class _Header(BaseModel):
    name: str
    value: str


class _PostData(BaseModel):
    text: str | None = None
    encoding: str = ""


class _Request(BaseModel):
    method: str
    url: str
    headers: list[_Header] = []
    postData: _PostData | None = None
    bodySize: int = -1


class _Content(BaseModel):
    size: int = -1
    text: str | None = None
    encoding: str = ""


class _Response(BaseModel):
    status: int
    headers: list[_Header] = []
    content: _Content = _Content()


class _Entry(BaseModel):
    startedDateTime: AwareDatetime
    time: float = 0.0
    request: _Request
    response: _Response


class _Log(BaseModel):
    entries: list[_Entry]


class _Har(BaseModel):
    log: _Log


def read_har(path: Path) -> list[_Entry]:
    """The entries of a HAR file. Raises InvalidTraffic with one line that says why it cannot be used."""
    try:
        return _Har.model_validate_json(path.read_bytes()).log.entries
    except OSError as error:
        raise InvalidTraffic(f"{path}: cannot be read: {error.strerror}") from error
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(map(str, first["loc"])) or "the top"
        raise InvalidTraffic(f"{path}: not a HAR file: at {place}: {first['msg']}") from None


def base_url_of(entries: Iterable[_Entry]) -> str | None:
    """The base URL of the first request whose path has the version of the API in it."""
    marker = f"/v{VERSION}"
    for entry in entries:
        before, found, after = entry.request.url.partition(marker)
        if found and after[:1] in ("", "/", "?"):
            return before + marker
    return None


def exchanges(entries: Iterable[_Entry], base_url: str, description: Description) -> Iterator[Seen]:
    """The exchanges below `base_url` that were answered, in the order of the file."""
    number = 0
    for entry in entries:
        path = entry.request.url.removeprefix(base_url)
        if path == entry.request.url or path[:1] not in ("", "/", "?") or entry.response.status < 200:
            continue
        number += 1
        yield _seen(entry, path, description, number)


def _seen(entry: _Entry, path: str, description: Description, number: int) -> Seen:
    request, content = entry.request, entry.response.content
    sent = request.postData
    sent_body = _decoded(sent.text, sent.encoding) if sent else None
    answer = _decoded(content.text, content.encoding)
    empty = content.size == 0 or entry.response.status in (204, 304) or request.method == "HEAD"
    exchange = Exchange(
        operation=description.operation_at(request.method, path),
        method=request.method,
        url=request.url,
        request_headers=_headers(request.headers),
        request_body=sent_body or b"",
        status=entry.response.status,
        headers=_headers(entry.response.headers),
        body=answer or b"",
        elapsed=max(entry.time, 0.0) / 1000,
        started=entry.startedDateTime,
        caller=CLIENT,
        number=number,
    )
    return Seen(
        exchange,
        request_body_known=sent_body is not None or (sent is None and request.bodySize == 0),
        answer_body_known=answer is not None or empty,
    )


def _decoded(text: str | None, encoding: str) -> bytes | None:
    """The bytes of a body; None when they were not recorded."""
    if text is None:
        return None
    if encoding.lower() == "base64":
        try:
            return base64.b64decode(text, validate=True)
        except binascii.Error:
            return None
    return text.encode("utf-8", "surrogatepass")


def _headers(headers: Iterable[_Header]) -> CaseInsensitiveDict[str]:
    joined: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for header in headers:
        if not header.name.startswith(":"):  # HTTP/2 writes method and path so
            joined[header.name] = f"{joined[header.name]}, {header.value}" if header.name in joined else header.value
    return joined
