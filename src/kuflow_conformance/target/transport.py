"""Connections that put up with bad servers: nothing waits for ever, and nothing is kept that is too large."""

from __future__ import annotations

import contextlib
import contextvars
import http.client
import re
import socket
import threading
import time
from typing import Any

from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

WATCH_INTERVAL = 0.25
"""Seconds between two looks at the answers that are being waited for."""


class Watchdog:
    """Cuts connections whose answer takes too long as a whole: a read time-out starts anew with every byte."""

    def __init__(self) -> None:
        self._deadlines: dict[socket.socket, float] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def watch(self, connection: socket.socket, seconds: float) -> None:
        """Cut `connection` after `seconds`, unless it is released before."""
        with self._lock:
            self._deadlines[connection] = time.monotonic() + seconds
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, daemon=True)
                self._thread.start()

    def release(self, connection: socket.socket | None) -> None:
        """The answer is there, or is not wanted any more."""
        if connection is not None:
            with self._lock:
                self._deadlines.pop(connection, None)

    def _run(self) -> None:
        while True:
            time.sleep(WATCH_INTERVAL)
            now = time.monotonic()
            with self._lock:
                late = [connection for connection, deadline in self._deadlines.items() if deadline < now]
                for connection in late:
                    del self._deadlines[connection]
            for connection in late:
                with contextlib.suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)


WATCHDOG = Watchdog()


class _Response(http.client.HTTPResponse):
    """Passes over every interim answer (RFC 9110 section 15.2), not only over 100 as the standard library does."""

    def _read_status(self) -> Any:
        while True:
            version, status, reason = super()._read_status()  # type: ignore[misc]
            if not 100 < status < 200 or status == http.client.SWITCHING_PROTOCOLS:
                return version, status, reason
            http.client.parse_headers(self.fp)


AS_WRITTEN: contextvars.ContextVar[str] = contextvars.ContextVar("AS_WRITTEN", default="")
"""Path and query of the request being sent, where they are to go out as they are: urllib3 writes escapes anew."""


class _Careful:
    """Makes a connection acknowledge what arrives at once, and bounds the time that an answer takes.

    Servers that write the head and the body of an answer apart, which many do, wait for that acknowledgement (RFC 896)
    while the system here holds it back for 40 ms (RFC 1122 section 4.2.3.2).
    """

    response_class: Any = _Response
    answer_timeout: float
    sock: Any

    def putrequest(self, method: str, url: str, *arguments: Any, **named: Any) -> None:
        written = AS_WRITTEN.get()
        super().putrequest(method, written if written and url.startswith("/") else url, *arguments, **named)  # type: ignore[misc]

    def getresponse(self) -> Any:
        if self.sock is not None:
            WATCHDOG.watch(self.sock, self.answer_timeout)
            if hasattr(socket, "TCP_QUICKACK"):
                with contextlib.suppress(OSError):
                    self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_QUICKACK, 1)
        return super().getresponse()  # type: ignore[misc]


class _Connection(_Careful, HTTPConnection):
    pass


class _SecureConnection(_Careful, HTTPSConnection):
    pass


class CarefulAdapter(HTTPAdapter):
    """The adapter of a session; an answer may take `answer_timeout` seconds as a whole."""

    def __init__(self, answer_timeout: float, **named: Any) -> None:
        self._answer_timeout = answer_timeout
        super().__init__(**named)

    def init_poolmanager(self, *arguments: Any, **named: Any) -> None:
        super().init_poolmanager(*arguments, **named)
        limit = {"answer_timeout": self._answer_timeout}
        connection, secure_connection = type("C", (_Connection,), limit), type("S", (_SecureConnection,), limit)
        plain = type("Pool", (HTTPConnectionPool,), {"ConnectionCls": connection})
        secure = type("SecurePool", (HTTPSConnectionPool,), {"ConnectionCls": secure_connection})
        self.poolmanager.pool_classes_by_scheme = {"http": plain, "https": secure}


ABORTED = "Connection aborted"
"""How urllib3 says that the other side closed or reset the connection before an answer came."""


_REASONS = {
    r"certificate verify failed: (.+?)\.? \(_ssl": "the certificate is not trusted: {}",
    "ConnectTimeout": "no connection in time",
    "Read timed out": "no answer in time",
    "IncompleteRead": "the answer broke off, or was cut because it took too long",
    "InvalidChunkLength": "the chunks of the answer are broken",
    "failed to decode": "the answer is not encoded as its Content-Encoding says",
    ABORTED: "the connection was closed before the answer",
    r"\[Errno -?\d+\] ([^')\]]+)": "{}",
    r"NameResolutionError[^:]*: ([^('\"]+)": "{}",
}
"""What is found in an error of the libraries → what it means, in a few words."""


def reason(error: Exception) -> str:
    """Why a request failed, in a few words."""
    text = f"{error!r} {error}"
    for pattern, meaning in _REASONS.items():
        if match := re.search(pattern, text):
            return meaning.format(*(group.strip() for group in match.groups()))
    return " ".join(str(error).split())[:160]
