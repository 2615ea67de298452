"""The receiving end of webhooks: listens on the address that the target sends its events to."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.target.exchange import Exchange

MAXIMUM_EVENT = 1024 * 1024


class Listener:
    """Keeps the requests that arrive, in order. `status` is what it answers them with."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.status = 200
        self._arrived: list[Exchange] = []
        self._changed = threading.Condition()

    def add(self, headers: dict[str, str], body: bytes) -> int:
        """Take in a request; returns the status to answer."""
        with self._changed:
            exchange = Exchange(
                operation=None,
                method="POST",
                url=self.url,
                request_headers=headers,
                request_body=body,
                status=self.status,
                headers={},
                body=b"",
                elapsed=0.0,
                started=datetime.now(UTC),
                caller="none",
                number=len(self._arrived) + 1,
            )
            self._arrived.append(exchange)
            self._changed.notify_all()
            return self.status

    @property
    def arrived(self) -> list[Exchange]:
        with self._changed:
            return list(self._arrived)

    def wait(self, enough: Callable[[list[Exchange]], bool], seconds: float) -> bool:
        """Wait until `enough` says so of what has arrived, at most `seconds`; returns what it says in the end."""
        deadline = time.monotonic() + seconds
        with self._changed:
            return self._changed.wait_for(lambda: enough(self._arrived), timeout=max(0.0, deadline - time.monotonic()))

    def settle(self, seconds: float) -> None:
        """Wait until nothing has arrived for so long."""
        count = -1
        while count < len(self.arrived):
            count = len(self.arrived)
            self.wait(lambda arrived, count=count: len(arrived) > count, seconds)  # type: ignore[misc]


@contextlib.contextmanager
def listening(address: str) -> Iterator[Listener]:
    """Listen on ``host:port``. Raises NotTested when that is not possible."""
    host, _, port = address.rpartition(":")
    listener = Listener(f"http://{address}/")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), MAXIMUM_EVENT)
            self.send_response(listener.add(dict(self.headers.items()), self.rfile.read(length)))
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *arguments: Any) -> None:
            """Say nothing."""

    try:
        server = ThreadingHTTPServer((host, int(port)), Handler)
    except (OSError, ValueError, OverflowError) as error:
        raise NotTested(f"cannot listen on test-bed.webhook-listen {address}: {error}") from error
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield listener
    finally:
        server.shutdown()
        server.server_close()
