"""The session: secrets stay secret, patience is kept, nothing but HTTP goes wrong in a way that is not told."""

from __future__ import annotations

import base64
import json
import os
import re
import subprocess
import threading
from collections import Counter
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest

from conftest import Running
from kuflow_conformance.errors import InvalidTarget, TargetUnavailable
from kuflow_conformance.target import session as sessions
from kuflow_conformance.target import target_file as target
from kuflow_conformance.target.curl import curl_command
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.redaction import Redactor
from kuflow_conformance.target.session import FAILURES_BEFORE_GIVING_UP, Session


class Script(BaseHTTPRequestHandler):
    """Answers by path, and counts."""

    protocol_version = "HTTP/1.1"
    count: ClassVar[Counter] = Counter()
    seen: ClassVar[list] = []

    def do_GET(self):
        path = self.path.partition("?")[0]
        type(self).count[path] += 1
        type(self).seen.append(dict(self.headers))
        if path == "/v/patience" and self.count[path] < 3:
            self._answer(429, b"", {"Retry-After": "0"})
        elif path == "/v/gone" or (path == "/v/once" and self.count[path] == 1):
            self.close_connection = True
        elif path == "/v/large":
            self._answer(200, b"x" * 1000)
        else:
            self._answer(200, b'{"token": "engine-secret"}')

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        authorization = base64.b64decode(self.headers["Authorization"].partition(" ")[2]).decode()
        if authorization == "client:oauth-secret" and b"client_credentials" in body:
            self._answer(200, json.dumps({"access_token": "issued-token"}).encode())
        else:
            self._answer(401, b"{}")

    def _answer(self, status, body, headers=None):
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *arguments):
        pass


@pytest.fixture
def url():
    Script.count.clear()
    Script.seen.clear()
    server = ThreadingHTTPServer(("127.0.0.1", 0), Script)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def open_session(url, description, monkeypatch, **more):
    monkeypatch.setenv("TOKEN", "pass-word-1")
    monkeypatch.setenv("OAUTH", "oauth-secret")
    settings = {"target.base-url": f"{url}/v", "auth.user": "app", "auth.password-env": "TOKEN"} | more
    return Session(target.load(None, settings), description)


def test_patience_is_kept(url, description, monkeypatch):
    assert open_session(url, description, monkeypatch).send("GET", "/patience").status == 200
    assert Script.count["/v/patience"] == 3


def test_a_connection_lost_once_is_no_finding(url, description, monkeypatch):
    assert open_session(url, description, monkeypatch).send("GET", "/once").status == 200


def test_one_path_that_is_never_answered_does_not_end_the_run(url, description, monkeypatch):
    session = open_session(url, description, monkeypatch)
    for _ in range(3 * FAILURES_BEFORE_GIVING_UP):
        assert "no answer" in session.send("GET", "/gone").failure
    assert session.send("GET", "/fine").status == 200


def test_a_target_that_is_gone_ends_the_run(description, monkeypatch):
    monkeypatch.setattr(sessions, "RECOVERY", 0.1)
    session = open_session("http://127.0.0.1:9", description, monkeypatch)
    for _ in range(FAILURES_BEFORE_GIVING_UP - 1):
        exchange = session.send("GET", "/gone")
        assert exchange.status == 0
        assert "no answer" in exchange.failure
    with pytest.raises(TargetUnavailable, match="stopped answering"):
        session.send("GET", "/gone")
    with pytest.raises(TargetUnavailable):
        session.send("GET", "/fine")


def test_a_read_only_session_refuses_to_write(url, description, monkeypatch):
    session = open_session(url, description, monkeypatch)
    session.read_only = True
    with pytest.raises(RuntimeError, match="read-only"):
        session.send("POST", "/processes")
    assert Script.count == {}


def test_curl_shows_no_secret_and_works(server: Running, description, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    session = Session(target.load(server.target_file, {}), description)
    exchange = session.call(description.operations["findProcesses"], query={"size": 1, "sort": "createdAt,desc"})
    command = session.curl(exchange)
    assert server.password not in command
    shown = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout
    assert json.loads(shown.split("\n\n")[-1])["metadata"]["size"] == 1


def test_curl_of_a_body_works(server: Running, description, monkeypatch):
    for name, value in server.environment.items():
        monkeypatch.setenv(name, value)
    session = Session(target.load(server.target_file, {}), description)
    body = {"identity": 'it\'s "quoted"', "taskQueue": "q", "hostname": "ünï", "ip": "127.0.0.1"}
    exchange = session.call(description.operations["createWorker"], body=body)
    shown = subprocess.run(["sh", "-c", session.curl(exchange)], capture_output=True, text=True, check=True).stdout
    assert json.loads(shown.split("\n\n")[-1])["hostname"] == "ünï"


@pytest.mark.parametrize(
    "text",
    [
        "pass-word-1",
        '{"token": "abc"}',
        '{"token":"a\\"bc"}',
        '{"tls": {"clientPrivateKey": "-----BEGIN abc"}}',
        '{"environmentVariables": {"A": "abc"}}',
        '{"environmentVariables": {"A": "a {brace}", "B": "abc"}}',
        '{"environmentVariables": {"A": {"B": "abc"}, "C": "abc"}}',
        '{"environmentVariables": {"A": "abc',
        "cut in mid-secret: pass-wor",
    ],
)
def test_redaction(text):
    assert "abc" not in Redactor(["pass-word-1"]).text(text)
    assert "pass-wor" not in Redactor(["pass-word-1"]).text(text)


def test_headers_are_redacted():
    shown = Redactor([]).headers({"authorization": "Basic x", "Set-Cookie": "a=b", "Accept": "c"})
    assert shown == {"authorization": "***", "Set-Cookie": "***", "Accept": "c"}


def test_oauth_client_credentials(url, description, monkeypatch):
    more = {
        "auth.type": "oauth2",
        "auth.token-url": f"{url}/token",
        "auth.client-id": "client",
        "auth.client-secret-env": "OAUTH",
    }
    session = open_session(url, description, monkeypatch, **more)
    session.send("GET", "/fine")
    assert Script.seen[-1]["Authorization"] == "Bearer issued-token"
    assert session.redactor.text("issued-token") == "***"


def test_oauth_refusal_is_told(url, description, monkeypatch):
    more = {
        "auth.type": "oauth2",
        "auth.token-url": f"{url}/token",
        "auth.client-id": "other",
        "auth.client-secret-env": "OAUTH",
    }
    with pytest.raises(TargetUnavailable, match="issues no token: status 401"):
        open_session(url, description, monkeypatch, **more)


def test_headers_of_the_target_file(url, description, monkeypatch):
    monkeypatch.setenv("GATEWAY", "gateway-secret")
    more = {"http.headers": {"X-Hint": "a"}, "http.headers-env": {"X-Key": "GATEWAY"}}
    session = open_session(url, description, monkeypatch, **more)
    session.send("GET", "/fine")
    assert (Script.seen[-1]["X-Hint"], Script.seen[-1]["X-Key"]) == ("a", "gateway-secret")
    assert session.redactor.headers({"X-Key": "gateway-secret"}) == {"X-Key": "***"}


def test_bearer_in_the_form_of_kuflow(url, description, monkeypatch):
    session = open_session(url, description, monkeypatch, **{"auth.type": "bearer"})
    session.send("GET", "/fine")
    assert base64.b64decode(Script.seen[-1]["Authorization"].removeprefix("Bearer ")) == b"app:pass-word-1"


def test_a_secret_that_is_not_set(url, description, monkeypatch):
    with pytest.raises(InvalidTarget, match="NOT_SET"):
        open_session(url, description, monkeypatch, **{"auth.password-env": "NOT_SET"})


@pytest.mark.parametrize(
    "content",
    [b"\x00", b'{"name": "a\x00b"}', b"100% \\n 'quoted' \x1b[31m\x7f", bytes(range(256)), "ünïcode\r\n".encode()],
)
def test_any_body_can_be_pasted_into_a_shell(content, tmp_path):
    """The command is run with a curl that only keeps what it is given."""
    exchange = Exchange(
        None, "POST", "http://127.0.0.1/x", {}, content, 200, {}, b"", 0.0, datetime.now(UTC), caller="main"
    )
    text = curl_command(exchange, {"main": ""}, Redactor([]))
    assert not re.search("[\x00-\x08\x0e-\x1f\x7f]", text)
    curl = tmp_path / "curl"
    keep = 'while [ "$1" != --data-binary ]; do shift; done; if [ "$2" = @- ]; then cat; else printf %s "$2"; fi'
    curl.write_text(f"#!/bin/sh\n{keep}\n")
    curl.chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(["sh", "-c", text], env={"PATH": path}, capture_output=True, check=True)
    assert done.stdout == content
