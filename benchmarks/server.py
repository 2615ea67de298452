"""The bundled server, made slow or full: ``python benchmarks/server.py TARGET_FILE [--latency MS] [--rows N]``.

Prints a line when it serves. The tokens come from KUFLOW_TOKEN and KUFLOW_SECOND_TOKEN.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import socket
import uuid
from pathlib import Path
from typing import Any

import uvicorn

from kuflow_conformance.reference import serve
from kuflow_conformance.reference.app import PREFIX, ReferenceServer


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("target_file", type=Path)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--rows", type=int, default=0)
    options = parser.parse_args()
    server = ReferenceServer({"acme": os.environ["KUFLOW_TOKEN"], "globex": os.environ["KUFLOW_SECOND_TOKEN"]})
    tenant = server.tenants[0]
    for _ in range(options.rows):
        body = {"id": str(uuid.uuid4()), "processDefinitionId": tenant.definition.id}
        server.platform.create_process(tenant.application, body)
    inner = server.asgi

    async def slowly(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] == "http" and options.latency:
            await asyncio.sleep(options.latency / 1000)
        await inner(scope, receive, send)

    config = uvicorn.Config(slowly, log_level="error")
    with socket.create_server(("127.0.0.1", 0)) as bound:
        bound.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        url = f"http://127.0.0.1:{bound.getsockname()[1]}{PREFIX}"
        options.target_file.write_text(serve.target_toml(server, url, []))
        print("Serving", flush=True)
        uvicorn.Server(config).run(sockets=[bound])


if __name__ == "__main__":
    main()
