"""Canaries: secrets planted wherever there can be one, and looked for in everything that a run writes."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import uvicorn

from kuflow_conformance.reference import bank, serve
from kuflow_conformance.reference.app import ReferenceServer

CANARY = "c4n4ry-"
MAIN, SECOND, GATEWAY = (f"{CANARY}{name}-secret" for name in ("main", "second", "gateway"))


def leaky_server() -> ReferenceServer:
    """A server whose answers are full of secrets and wrong, so that they are kept as evidence."""
    server = ReferenceServer({"acme": MAIN, "globex": SECOND})

    def answer(original, status, body, headers=None):
        response = original(status, body, headers)
        response.headers["Set-Cookie"] = f"session={CANARY}cookie"
        return response

    def authentication(body):
        if "engineToken" in body:
            body["engineToken"] = {"token": f"{CANARY}engine", "expiredAt": "never"}
        if "engineCertificate" in body:
            tls = body["engineCertificate"]["tls"]
            tls["clientPrivateKey"] = f"-----BEGIN PRIVATE KEY-----\n{CANARY}key\n-----END PRIVATE KEY-----"
        body["type"] = 7

    def robot(body):
        body["environmentVariables"] = {"PASSWORD": f"{CANARY}environment", "NESTED": "a {brace}"}
        body["name"] = 7

    bank.around(server, "json_response", answer)
    bank.on_answer(server, ["createAuthentication"], authentication)
    bank.on_answer(server, ["retrieveRobot"], robot)
    # An echo of what was sent is where secrets come back from.
    bank.around(
        server,
        "error_body",
        lambda original, refusal: {**original(refusal), "message": f"wrong: {MAIN}", "status": 7},
    )
    return server


@pytest.fixture
def target_file(tmp_path):
    server = leaky_server()
    port = serve.free_port()
    instance = uvicorn.Server(uvicorn.Config(server.asgi, host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=instance.run, daemon=True)
    thread.start()
    while not instance.started:
        time.sleep(0.05)
    path = tmp_path / "target.toml"
    path.write_text(serve.target_toml(server, f"http://127.0.0.1:{port}/v2024-06-14", []))
    yield path
    instance.should_exit = True
    thread.join()


def command_lines() -> str:
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found.append(path.read_bytes().decode("utf-8", "replace"))
        except OSError:
            continue
    return "\n".join(line for line in found if "kuflow_conformance" in line)


def test_no_canary_is_found_anywhere(target_file, tmp_path):
    reports = tmp_path / "reports"
    words = [sys.executable, "-m", "kuflow_conformance", "run", "--target", str(target_file)]
    words += ["--set", 'http.headers-env={X-Gateway-Key="GATEWAY_KEY"}', "--reports", str(reports)]
    for area in ("AUT", "ATH", "ROB", "SCH", "ERR"):
        words += ["--only", area]
    secrets = {"KUFLOW_TOKEN": MAIN, "KUFLOW_SECOND_TOKEN": SECOND, "GATEWAY_KEY": GATEWAY}
    run = subprocess.Popen(
        words, env={**os.environ, **secrets}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    shown = ""
    while run.poll() is None and len(shown) < 1_000_000:
        shown += command_lines()
        time.sleep(0.5)
    output = run.communicate(timeout=120)[0]
    assert run.returncode == 1, output
    assert "kuflow_conformance" in shown
    assert CANARY not in shown
    assert CANARY not in output
    written = [path for path in reports.rglob("*") if path.is_file()]
    assert len(written) > 100
    leaks = [path.name for path in written if CANARY in path.read_text(errors="replace")]
    assert leaks == []
