"""The one way to a target: pooled connections, time-outs, rate limit, and a record of every exchange."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from http.client import HTTPException
from typing import Any
from urllib.parse import urlencode, urljoin, urlsplit

import requests
from requests.structures import CaseInsensitiveDict

from kuflow_conformance.description.openapi import Description, Operation
from kuflow_conformance.errors import TargetUnavailable
from kuflow_conformance.target.connections import connect
from kuflow_conformance.target.credentials import Credentials, almost_right, written_otherwise
from kuflow_conformance.target.curl import curl_command
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.redaction import Redactor
from kuflow_conformance.target.target_file import Target, secret
from kuflow_conformance.target.transport import ABORTED, AS_WRITTEN, WATCHDOG, reason

MAXIMUM_ANSWER = 64 * 1024 * 1024
"""Bytes of one answer, decompressed, beyond which it is given up."""


MAXIMUM_REDIRECTS = 5


RECOVERY = 15.0
"""Seconds that a target which stopped answering gets to come back."""


FAILURES_BEFORE_GIVING_UP = 5
"""Requests in a row without an answer after which the target counts as gone."""


ATTEMPTS = 3
"""How often a request is sent whose connection is lost."""


LOST_CONNECTION = (ABORTED, "ConnectionResetError")


Query = Mapping[str, Any] | Sequence[tuple[str, Any]] | str


class Session:
    """Sends requests to a target and keeps what came back.

    `on_exchange` sees every exchange once, in the order of the answers and one at a time, from however many threads
    they are sent. In a read-only session anything but GET is a programming error.
    """

    def __init__(
        self,
        target: Target,
        description: Description,
        *,
        read_only: bool = False,
        share: int = 1,
        before: Callable[[Operation | None], None] = lambda operation: None,
        on_exchange: Callable[[Exchange], None] = lambda exchange: None,
    ) -> None:
        self.target = target
        self.description = description
        self.read_only = read_only
        self.before = before
        """Is shown the operation of each request before it is sent, and may raise to keep it from that."""
        self.on_exchange = on_exchange
        self.count = 0
        self._failures = 0
        self._gone = ""
        self._interval = share / target.http.rate_limit if target.http.rate_limit else 0.0
        self._next_slot = 0.0
        self._lock = threading.Lock()
        self._of_thread = threading.local()
        self._session = connect(target)
        self._impatient = connect(target, patience=0)
        self.main = Credentials.of("main", target.auth, self._session)
        self.second = Credentials.of("second", target.second_tenant, self._session) if target.second_tenant else None
        self.almost_right = almost_right(target.auth, target.second_tenant, self.main)
        self.written_otherwise = written_otherwise(target.auth, self.main)
        self.redactor = Redactor(self._secrets())

    def _secrets(self) -> list[str]:
        auths = [self.target.auth, *([self.target.second_tenant] if self.target.second_tenant else [])]
        values = [secret(variable) for auth in auths for variable in auth.variables]
        values += [secret(variable) for variable in self.target.http.headers_env.values()]
        for credentials in (self.main, self.second):
            if credentials and credentials.header:
                values.append(credentials.header.partition(" ")[2])
        return values

    def preflight(self) -> None:
        """Reach the target and prove the credentials. Raises TargetUnavailable."""
        first = self.send("GET", "/principals", query={"size": 1})
        if first.failure:
            raise TargetUnavailable(
                f"the target {self.target.base_url} cannot be reached: {first.failure.removeprefix('no answer: ')}"
            )
        if first.status in (401, 403):
            raise TargetUnavailable(
                f"the target {self.target.base_url} refuses the credentials: findPrincipals answers {first.status}; "
                "check the user and the environment variable that holds the secret"
            )

    def call(
        self,
        operation: Operation,
        *,
        id: str | None = None,
        query: Query | None = None,
        body: Any = None,
        content: bytes | None = None,
        content_type: str | None = None,
        headers: Mapping[str, str] | None = None,
        caller: Credentials | None = None,
    ) -> Exchange:
        """Call an operation. `body` is sent as JSON in the documented media type, `content` as it is."""
        path = operation.path.replace("{id}", id or "")
        media_type = content_type or next(iter(operation.bodies), None)
        if content is None and body is not None:
            content = json.dumps(body, ensure_ascii=False).encode("utf-8", "surrogatepass")
        typed = {"Content-Type": media_type} if content is not None and media_type else {}
        all_headers = {**typed, **(headers or {})}
        return self.send(operation.method, path, query=query, headers=all_headers, content=content, caller=caller)

    def send(
        self,
        method: str,
        path: str,
        *,
        query: Query | None = None,
        headers: Mapping[str, str] | None = None,
        content: bytes | None = None,
        caller: Credentials | None = None,
    ) -> Exchange:
        """Send any request below the base URL. Raises TargetUnavailable when the target seems to be gone.

        `query` is encoded, unless it is a string: that one is sent as it is. With the header ``Transfer-Encoding:
        chunked`` the content goes out in chunks.
        """
        named = CaseInsensitiveDict(headers or {})
        data: Any = content
        if content is not None and named.pop("Transfer-Encoding", "") == "chunked":
            data = _Chunks(content)
        url = self.target.base_url + path
        if not isinstance(query, str):
            return self.send_request(
                requests.Request(method, url, dict(named.items()), params=_encode(query), data=data), caller
            )
        token = AS_WRITTEN.set(f"{urlsplit(url).path}?{query}" if query else "")
        try:
            request = requests.Request(method, f"{url}?{query}", dict(named.items()), data=data)
            return self.send_request(request, caller)
        finally:
            AS_WRITTEN.reset(token)

    @contextlib.contextmanager
    def one_connection(self) -> Iterator[None]:
        """What this thread sends meanwhile goes over one connection of its own, as long as the target keeps it open."""
        self._of_thread.session = connect(self.target, patience=0)
        try:
            yield
        finally:
            self._of_thread.session.close()
            self._of_thread.session = None

    def send_request(self, request: requests.Request, caller: Credentials | None = None) -> Exchange:
        """Send a request that is ready but for its credentials; see `send`."""
        if self.read_only and request.method not in ("GET", "HEAD"):
            raise RuntimeError(f"a read-only run must not send {request.method}")
        if self._gone:
            raise TargetUnavailable(self._gone)
        caller = caller or self.main
        request.headers = {"Accept": "*/*", **(request.headers or {})}
        if caller.header is not None:
            request.headers["Authorization"] = caller.header
        prepared = self._session.prepare_request(request)
        self.before(self.description.operation_at(str(prepared.method), self._path_of(str(prepared.url))))
        self._await_slot()
        started, clock = datetime.now(UTC), time.perf_counter()
        # Who tries wrong credentials may be slowed down: 429 is as good a refusal as any.
        own = (self.main, self.second, *self.written_otherwise)
        session = getattr(self._of_thread, "session", None) or (self._session if caller in own else self._impatient)
        status, answer_headers, body, failure = self._exchange(prepared, session)
        elapsed = time.perf_counter() - clock
        self._count_failures(failure)
        with self._lock:
            return self._seen(prepared, caller, status, answer_headers, body, failure, started, elapsed)

    def _path_of(self, url: str) -> str:
        """The path below the base URL, as far as it is below it."""
        return url.removeprefix(self.target.base_url) if url.startswith(self.target.base_url) else urlsplit(url).path

    def _seen(
        self,
        prepared: requests.PreparedRequest,
        caller: Credentials,
        status: int,
        answer_headers: Mapping[str, str],
        body: bytes,
        failure: str,
        started: datetime,
        elapsed: float,
    ) -> Exchange:
        """The exchange that came of a request, told to whoever listens."""
        self.count += 1
        method, url = str(prepared.method), str(prepared.url)
        if written := AS_WRITTEN.get():
            url = urljoin(url, written)
        exchange = Exchange(
            operation=self.description.operation_at(method, self._path_of(url)),
            method=method,
            url=url,
            request_headers=dict(prepared.headers),
            request_body=_as_bytes(prepared.body),
            status=status,
            headers=answer_headers,
            body=body,
            elapsed=elapsed,
            started=started,
            caller=caller.name,
            failure=failure,
            number=self.count,
        )
        self.on_exchange(exchange)
        return exchange

    def hang_up(self, operation: Operation, body: Any, after: float) -> None:
        """Call an operation and close the connection after so many seconds, or when the answer begins.

        There is no exchange: what the target made of it, later ones show. Raises TargetUnavailable when it is gone.
        """
        if self.read_only and not operation.is_read_only:
            raise RuntimeError(f"a read-only run must not call {operation.id}")
        if self._gone:
            raise TargetUnavailable(self._gone)
        self.before(operation)
        headers = {"Content-Type": next(iter(operation.bodies)), "Authorization": str(self.main.header)}
        url = self.target.base_url + operation.path
        request = self._impatient.prepare_request(requests.Request(operation.method, url, headers, json=body))
        self._await_slot()
        timeout = (self.target.http.connect_timeout, after)
        with contextlib.suppress(requests.RequestException):
            self._impatient.send(request, timeout=timeout, stream=True, allow_redirects=False).close()

    def _exchange(
        self, prepared: requests.PreparedRequest, session: requests.Session
    ) -> tuple[int, Mapping[str, str], bytes, str]:
        """Status, headers, body, and why there is no answer."""
        for attempt in range(1, ATTEMPTS + 1):
            try:
                return self._answer(prepared, session)
            except (requests.RequestException, HTTPException, ValueError) as error:
                # A server may close a kept connection just as the next request is written to it, or reset one whose
                # request it has not read to the end; like curl and browsers, write it once more on a new one.
                if attempt < ATTEMPTS and any(sign in repr(error) for sign in LOST_CONNECTION):
                    continue
                return 0, {}, b"", f"no answer: {reason(error)}"
        raise AssertionError("unreachable")

    def _answer(
        self, prepared: requests.PreparedRequest, session: requests.Session
    ) -> tuple[int, Mapping[str, str], bytes, str]:
        """As `_exchange`. Redirects are followed while they stay with the target: nobody else is to be asked."""
        settings = session.merge_environment_settings(prepared.url, {}, True, None, None)
        timeout = (self.target.http.connect_timeout, self.target.http.read_timeout)
        for _ in range(MAXIMUM_REDIRECTS + 1):
            with session.send(prepared, timeout=timeout, allow_redirects=False, **settings) as response:
                connection = _socket_of(response)
                try:
                    body = _read(response)
                finally:
                    WATCHDOG.release(connection)
            following = response.next
            if following is None or _origin(str(following.url)) != _origin(str(prepared.url)):
                if len(body) > MAXIMUM_ANSWER:
                    return 0, {}, b"", f"no answer: more than {MAXIMUM_ANSWER // 2**20} MB"
                return response.status_code, dict(response.headers), body, ""
            prepared = following
            AS_WRITTEN.set("")
        return 0, {}, b"", "no answer: too many redirects"

    def _await_slot(self) -> None:
        if self._interval:
            with self._lock:
                now = time.monotonic()
                self._next_slot = slot = max(now, self._next_slot + self._interval)
            time.sleep(max(0.0, slot - now))

    def _count_failures(self, failure: str) -> None:
        self._failures = self._failures + 1 if failure else 0
        if self._failures >= FAILURES_BEFORE_GIVING_UP and self._answers():
            self._failures = 0  # only what was asked gets no answer
        if self._failures >= FAILURES_BEFORE_GIVING_UP:
            self._gone = f"the target stopped answering after {self.count} requests: {failure}"
            raise TargetUnavailable(self._gone)

    def _answers(self) -> bool:
        """Whether the target answers anything at all, at once or when it has had time to recover."""
        deadline = time.monotonic() + RECOVERY
        while True:
            probe = self._session.prepare_request(requests.Request("GET", self.target.base_url + "/principals"))
            *_, failure = self._exchange(probe, self._session)
            if not failure or time.monotonic() > deadline:
                return not failure
            time.sleep(RECOVERY / 30)

    def curl(self, exchange: Exchange) -> str:
        """A command that sends the request again; secrets appear as environment variables."""
        known = (self.main, self.second, *self.almost_right, *self.written_otherwise)
        callers = {credentials.name: credentials.curl for credentials in known if credentials}
        return curl_command(exchange, callers, self.redactor)


class _Chunks:
    """A body that is sent in chunks, as often as it takes: `requests` sends so whatever has no length."""

    def __init__(self, content: bytes) -> None:
        self.content = content

    def __iter__(self) -> Iterator[bytes]:
        third = max(1, len(self.content) // 3)
        yield from (self.content[start : start + third] for start in range(0, len(self.content), third))


def _encode(query: Mapping[str, Any] | Sequence[tuple[str, Any]] | None) -> str | None:
    return urlencode(list(query.items()) if isinstance(query, Mapping) else query, doseq=True) if query else None


def _as_bytes(body: Any) -> bytes:
    if isinstance(body, _Chunks):
        return body.content
    if isinstance(body, str):
        return body.encode("utf-8", "surrogatepass")
    return body if isinstance(body, bytes) else b""


def _read(response: requests.Response) -> bytes:
    body = bytearray()
    for chunk in response.iter_content(256 * 1024):
        body += chunk
        if len(body) > MAXIMUM_ANSWER:
            break
    return bytes(body)


def _socket_of(response: requests.Response) -> Any:
    return getattr(getattr(response.raw, "_connection", None), "sock", None)


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port
