"""A proxy that a client is pointed at instead of its server: it hands everything on as it is, and shows it around.

Bodies are passed on as they come, in either direction, and kept for judgement up to a bound; of larger ones only the
digest is kept.
"""

from __future__ import annotations

import hashlib
import ssl
import time
from collections.abc import AsyncIterator, Callable, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from datetime import UTC, datetime
from urllib.parse import urlsplit

import httpx
from requests.structures import CaseInsensitiveDict
from starlette.applications import Starlette
from starlette.requests import ClientDisconnect, Request
from starlette.responses import HTMLResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from kuflow_conformance.description.openapi import Description
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.target_file import Target
from kuflow_conformance.target.transport import reason
from kuflow_conformance.traffic.seen import CLIENT, Digest, Seen, decoded
from kuflow_conformance.traffic.traffic import Traffic

STATUS_PATH = "/__conformance"
"""Where the proxy shows what it has seen so far; no path of the API begins so."""

KEPT = 8 * 2**20
"""Bytes of a body that are kept for judgement."""

_HOP_BY_HOP = {
    *(b"connection", b"keep-alive", b"proxy-authenticate", b"proxy-authorization", b"proxy-connection"),
    *(b"te", b"trailer", b"transfer-encoding", b"upgrade"),  # RFC 9110 section 7.6.1
}
_OURS = {b"host", b"expect"}
"""What a client says to whom it connects to, which is the proxy."""

RawHeaders = list[tuple[bytes, bytes]]


class _Body:
    """Bytes that pass by: a digest of all of them, and the bytes themselves unless they are too many."""

    def __init__(self) -> None:
        self._hash = hashlib.sha256()
        self._kept = bytearray()
        self.size = 0

    def take(self, chunk: bytes) -> bytes:
        self._hash.update(chunk)
        self.size += len(chunk)
        if self.size <= KEPT:
            self._kept += chunk
        return chunk

    @property
    def whole(self) -> bool:
        return self.size <= KEPT

    @property
    def content(self) -> bytes:
        return bytes(self._kept) if self.whole else b""

    @property
    def digest(self) -> Digest:
        return Digest(self.size, self._hash.hexdigest())


class _Passed:
    """One exchange on its way: what has passed by so far."""

    def __init__(self, method: str, url: str, headers: RawHeaders) -> None:
        self.method = method
        self.url = url
        self.headers = headers
        self.request = _Body()
        self.answer = _Body()
        self.status = 0
        self.answer_headers: RawHeaders = []
        self.failure = ""
        self.started = datetime.now(UTC)
        self.clock = time.perf_counter()


class Proxy:
    """Hands requests on to `target` and shows each exchange to `traffic`. `asgi` is the application."""

    def __init__(
        self, target: Target, description: Description, traffic: Traffic, status_page: Callable[[], str]
    ) -> None:
        parts = urlsplit(target.base_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._target = target
        self._description = description
        self._traffic = traffic
        self._status_page = status_page
        self._client = _client(target)
        self._judge = ThreadPoolExecutor(max_workers=1)
        routes = [Route(STATUS_PATH, self._status, methods=["GET"]), Route("/{path:path}", _Endpoint(self))]
        self.asgi = Starlette(routes=routes)

    def _status(self, request: Request) -> Response:
        return HTMLResponse(self._status_page(), headers={"Cache-Control": "no-store"})

    async def hand_on(self, request: Request) -> Response:
        """Pass a request on and its answer back."""
        target = bytes(request.scope["raw_path"])
        if request.scope["query_string"]:
            target += b"?" + request.scope["query_string"]
        headers = _end_to_end(request.headers.raw, _OURS)
        passed = _Passed(request.method, self._origin + target.decode("latin-1"), headers)
        opened = self._traffic.opened(passed.url, passed.started.timestamp())
        try:
            answer = await self._send(request, passed, target)
        except (httpx.ConnectError, httpx.ConnectTimeout, httpx.ProxyError) as error:
            self._traffic.closed(opened)
            return self._unreachable(reason(error))
        except (httpx.HTTPError, ClientDisconnect) as error:
            passed.failure = f"no answer: {_told(error)}"
            if isinstance(error, ClientDisconnect):
                self._hung_up(opened)
            else:
                self._show(passed, opened)
            return _bad_gateway(passed.failure)
        passed.status, passed.answer_headers = answer.status_code, _end_to_end(answer.headers.raw)
        response = StreamingResponse(self._pass_back(answer, passed, opened), answer.status_code)
        response.raw_headers = [(name.lower(), value) for name, value in passed.answer_headers]
        return response

    async def _send(self, request: Request, passed: _Passed, target: bytes) -> httpx.Response:
        framed = any(name in (b"content-length", b"transfer-encoding") for name, _ in request.headers.raw)

        async def content() -> AsyncIterator[bytes]:
            async for chunk in request.stream():
                yield passed.request.take(chunk)

        for last in (framed or request.method not in ("GET", "HEAD"), True):
            outgoing = httpx.Request(
                request.method,
                passed.url,
                headers=passed.headers,
                content=content() if framed else None,
                extensions={"target": target, "timeout": self._client.timeout.as_dict()},
            )
            try:
                return await self._client.send(outgoing, stream=True)
            except (httpx.ReadError, httpx.RemoteProtocolError):
                if last:  # a kept connection may be closed just as a request is written to it
                    raise
        raise AssertionError("unreachable")

    async def _pass_back(self, answer: httpx.Response, passed: _Passed, opened: int) -> AsyncIterator[bytes]:
        whole = False
        try:
            async for chunk in answer.aiter_raw():
                yield passed.answer.take(chunk)
            whole = True
        except httpx.HTTPError as error:
            passed.failure, whole = f"no answer: {_told(error)}", True
            raise
        finally:
            if whole:
                self._show(passed, opened)
            else:
                self._hung_up(opened)
            await answer.aclose()

    def _show(self, passed: _Passed, opened: int) -> None:
        """Have an exchange judged, in order, while the next ones pass."""
        seen = self._seen(passed)
        self._judge.submit(self._traffic.see, seen, opened).add_done_callback(self._judged)

    def _judged(self, done: Future[None]) -> None:
        if error := done.exception():
            self._traffic.record.add_problem(f"an exchange could not be judged: {type(error).__name__}: {error}")

    def _hung_up(self, opened: int) -> None:
        self._traffic.pass_over("the client hung up")
        self._judge.submit(self._traffic.disturbed, opened)

    def close(self) -> None:
        """Judge what is left to judge."""
        self._judge.shutdown(wait=True)

    def _seen(self, passed: _Passed) -> Seen:
        headers, answer_headers = _joined(passed.headers), _joined(passed.answer_headers)
        path = urlsplit(passed.url).path.removeprefix(urlsplit(self._target.base_url).path)
        encoding = answer_headers.get("Content-Encoding", "")
        body = decoded(passed.answer.content, encoding) if passed.answer.whole else b""
        exchange = Exchange(
            operation=self._description.operation_at(passed.method, path),
            method=passed.method,
            url=passed.url,
            request_headers=headers,
            request_body=passed.request.content,
            status=0 if passed.failure else passed.status,
            headers={} if passed.failure else answer_headers,
            body=b"" if passed.failure or body is None else body,
            elapsed=time.perf_counter() - passed.clock,
            started=passed.started,
            caller=CLIENT,
            failure=passed.failure,
            number=self._traffic.next_number(),
        )
        return Seen(
            exchange,
            request_body_known=passed.request.whole,
            answer_body_known=passed.answer.whole,
            request=passed.request.digest,
            answer=passed.answer.digest if not encoding else None,
            encoded=encoding if body is None else "",
        )

    def _unreachable(self, why: str) -> Response:
        self._traffic.unreachable(f"the target {self._target.base_url} cannot be reached: {why}")
        return _bad_gateway(f"the target cannot be reached: {why}")


class _Endpoint:
    """Any method of any path: Starlette asks for a list of methods only of functions."""

    def __init__(self, proxy: Proxy) -> None:
        self._proxy = proxy

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._proxy.hand_on(Request(scope, receive))
        await response(scope, receive, send)


def _client(target: Target) -> httpx.AsyncClient:
    http = target.http
    verify: ssl.SSLContext | bool = http.verify
    if http.verify and http.ca_bundle:
        verify = ssl.create_default_context(cafile=str(http.ca_bundle))
    return httpx.AsyncClient(
        verify=verify,
        proxy=http.proxy,
        trust_env=False,
        follow_redirects=False,
        timeout=httpx.Timeout(http.read_timeout, connect=http.connect_timeout, pool=None),
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=64, keepalive_expiry=4),
    )


def _end_to_end(headers: Iterable[tuple[bytes, bytes]], without: Iterable[bytes] = ()) -> RawHeaders:
    """Those headers that are not of one connection only (RFC 9110 section 7.6.1)."""
    headers = list(headers)
    named = b",".join(value for name, value in headers if name.lower() == b"connection").lower().split(b",")
    dropped = {*_HOP_BY_HOP, *without, *(name.strip() for name in named)}
    return [(name, value) for name, value in headers if name.lower() not in dropped]


def _joined(headers: RawHeaders) -> CaseInsensitiveDict[str]:
    joined: CaseInsensitiveDict[str] = CaseInsensitiveDict()
    for raw_name, raw_value in headers:
        name, value = raw_name.decode("latin-1"), raw_value.decode("latin-1")
        joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def _told(error: Exception) -> str:
    return reason(error) or type(error).__name__


def _bad_gateway(why: str) -> Response:
    return Response(f"kuflow-conformance: {why}", 502, media_type="text/plain")
