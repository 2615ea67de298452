"""Serving an ASGI application on 127.0.0.1 until stopped."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import uvicorn

from kuflow_conformance.errors import ConformanceError


def serve(application: Any, port: int, on_ready: Callable[[int], None], **options: Any) -> None:
    """Serve `application`; `on_ready` is told the port, which is chosen when `port` is 0, once it listens.

    `options` are those of `uvicorn.Config`. Raises ConformanceError when the port is taken.
    """
    instance = uvicorn.Server(uvicorn.Config(application, log_level="warning", access_log=False, **options))
    with socket.socket() as bound:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            bound.bind(("127.0.0.1", port))
        except OSError as error:
            raise ConformanceError(f"port {port} of 127.0.0.1 is not to be had: {error.strerror}") from error
        bound.listen()  # whoever is told the port may connect at once
        # asyncio does this by itself only for sockets it made; without it each answer waits 40 ms for a delayed ACK.
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        on_ready(bound.getsockname()[1])
        instance.run(sockets=[bound])
