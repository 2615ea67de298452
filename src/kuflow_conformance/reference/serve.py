"""Running the reference server: in this process (`serve`), or as a child for the length of a run (`running`)."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.request
from collections.abc import Iterable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any
from urllib.parse import urlsplit

from kuflow_conformance import files
from kuflow_conformance import serving as asgi
from kuflow_conformance.errors import TargetUnavailable
from kuflow_conformance.reference.app import PREFIX, ReferenceServer
from kuflow_conformance.reference.bank import Switch

TOKEN_VARIABLES = {"acme": "KUFLOW_TOKEN", "globex": "KUFLOW_SECOND_TOKEN"}
START_TIMEOUT = 30.0


def serve(port: int, switches: Iterable[Switch], webhooks: Iterable[str], target_file: Path | None) -> None:
    """Serve on 127.0.0.1 until stopped.

    The tokens of the two tenants' applications come from the environment variables `KUFLOW_TOKEN` and
    `KUFLOW_SECOND_TOKEN`, and are made up where those are not set. `target_file` receives a target file that
    describes this server, once it listens.
    """
    tokens = {name: os.environ.get(variable) or secrets.token_urlsafe(24) for name, variable in TOKEN_VARIABLES.items()}
    server = ReferenceServer(tokens)
    server.webhooks = list(webhooks)
    server.platform.on_event = _deliver_to(server.webhooks)
    for switch in switches:
        switch.install(server)

    def ready(actual: int) -> None:
        url = f"http://127.0.0.1:{actual}{PREFIX}"
        if target_file:
            files.write_whole(target_file, target_toml(server, url, server.webhooks))
        print(f"Serving {url}", flush=True)
        for tenant in server.tenants:
            variable = TOKEN_VARIABLES[tenant.name]
            known = f"${variable}" if os.environ.get(variable) else tenant.token
            print(f"  tenant {tenant.name}: user {tenant.identifier}, password {known}", flush=True)

    asgi.serve(server.asgi, port, ready, **server.http_options)


@contextlib.contextmanager
def running(
    faults: Iterable[str] = (), variations: Iterable[str] = (), webhooks: Iterable[str] = ()
) -> Iterator[tuple[Path, dict[str, str]]]:
    """A reference server as a child process: its target file and the environment that holds its tokens."""
    tokens = {variable: secrets.token_urlsafe(24) for variable in TOKEN_VARIABLES.values()}
    with tempfile.TemporaryDirectory(prefix="kuflow-conformance-") as folder:
        target_file = Path(folder) / "target.toml"
        command = [
            sys.executable,
            "-m",
            "kuflow_conformance",
            "serve",
            "--port",
            "0",
            "--write-target",
            str(target_file),
        ]
        for flag, values in (("--fault", faults), ("--variation", variations), ("--webhook", webhooks)):
            command += [word for value in values for word in (flag, value)]
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env={**os.environ, **tokens}, text=True
        )
        try:
            _await_line(process)
            yield target_file, tokens
        finally:
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """A port of 127.0.0.1 that is free at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_line(process: subprocess.Popen[str]) -> None:
    """Wait until the server says where it serves, then keep its pipe empty."""
    lines: Queue[str] = Queue()
    assert process.stdout is not None
    stdout = process.stdout

    def read() -> None:
        for line in stdout:
            lines.put(line)
        lines.put("")

    threading.Thread(target=read, daemon=True).start()
    try:
        first = lines.get(timeout=START_TIMEOUT)
    except Empty as error:
        raise TargetUnavailable(f"the bundled server did not start within {START_TIMEOUT:.0f} s") from error
    if not first.startswith("Serving"):
        raise TargetUnavailable(f"the bundled server did not start: {first.strip() or 'it ended at once'}")


def target_toml(server: ReferenceServer, url: str, webhooks: list[str]) -> str:
    """A target file that describes `server`."""
    listen = f'webhook-listen = "{urlsplit(webhooks[0]).netloc}"' if webhooks else ""
    main, second = server.tenants
    tasks = "\n".join(
        f"[[test-bed.tasks]]\ncode = {_toml(definition.code)}\nvalid = {_toml(valid)}\ninvalid = {_toml(invalid)}\n"
        for definition, valid, invalid in zip(
            main.definition.tasks,
            ({"decision": "YES", "form": {"name": "Ann"}}, {"amount": 12.5}, {"address": "1 Main Street"}),
            ({"decision": "MAYBE"}, {"amount": -1}, {"address": ""}),
            strict=True,
        )
    )
    return f"""# Made by `kuflow-conformance serve --write-target`: the bundled reference server.
[target]
name = "bundled reference server"
base-url = "{url}"

[auth]
type = "basic"
user = "{main.identifier}"
password-env = "{TOKEN_VARIABLES[main.name]}"

[second-tenant]
type = "basic"
user = "{second.identifier}"
password-env = "{TOKEN_VARIABLES[second.name]}"

[test-bed]
tenant-id = "{main.id}"
process-definition-id = "{main.definition.id}"
principal-id = "{main.user.id}"
principal-email = "{main.user.email}"
application-id = "{server.platform.principals.visible(main.application)[31].id}"
group-ids = {json.dumps(list(main.groups))}
robot-id = "{main.robot}"
{listen}

[test-bed.robot-asset]
type = "PYTHON"
version = "3.12"
platform = "LINUX"
architecture = "X86_64"

[test-bed.user-action]
process-id = "{main.user_action_process}"
value-id = "{main.user_action_value}"

[test-bed.webforms]
code = "REVIEW"
property-path = "/form"

[test-bed.metadata]
valid = {_toml({"reference": "REF-1", "priority": 2})}
invalid = {_toml({"reference": "R", "priority": 9})}

[test-bed.entity]
valid = {_toml(ENTITY)}
invalid = {_toml({"customer": {}, "lines": [{"quantity": -1}]})}

{tasks}"""


ENTITY = {
    "customer": {"name": "Ann"},
    "lines": [{"sku": "A", "quantity": 1}, {"sku": "B"}],
    "net/gross": {"tax~rate": 0.21},
}
"""A valid entity of the bundled server, with what pointers have to escape."""


def _toml(value: Any) -> str:
    """`value` as an inline TOML value."""
    if isinstance(value, dict):
        return (
            "{ " + ", ".join(f"{json.dumps(key)} = {_toml(item)}" for key, item in value.items()) + " }"
            if value
            else "{}"
        )
    if isinstance(value, list):
        return "[" + ", ".join(map(_toml, value)) + "]"
    return json.dumps(value)


def _deliver_to(urls: list[str]) -> Any:
    """Deliver events in order, in a thread of its own, so that a slow or refusing receiver does not hold up the API."""
    queue: Queue[Any] = Queue()

    def work() -> None:
        while True:
            event = queue.get()
            for url in urls:
                request = urllib.request.Request(url, json.dumps(event).encode(), {"Content-Type": "application/json"})
                with contextlib.suppress(OSError):
                    urllib.request.urlopen(request, timeout=10).close()

    threading.Thread(target=work, daemon=True).start()
    return queue.put
