"""The worst servers there are: whatever they do, an exchange ends in bounded time and memory, with one clear line."""

from __future__ import annotations

import json
import threading
import time
import tracemalloc
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import ClassVar

import pytest
from hostile import BEHAVIOURS, HEAD, certificate, listening, whole

from kuflow_conformance.findings.evidence import Evidence, judge
from kuflow_conformance.findings.history import History
from kuflow_conformance.oracles.coverage import Coverage
from kuflow_conformance.target import session as sessions
from kuflow_conformance.target import target_file as target
from kuflow_conformance.target.session import Session

LIMIT = 5.0
"""Seconds in which an exchange has to end whose parts may take 1 second and whose whole may take 2."""

MEMORY = 300 * 2**20
"""Bytes that an exchange may take, at most: the largest answer a few times over."""

FINE = {"duplicate keys", "interim answers", "infinite number"}
"""What an exchange can be made of."""


@pytest.fixture
def open_session(description, monkeypatch):
    monkeypatch.setenv("TOKEN", "pass-word-1")

    def open_session(url, **more):
        settings = {
            "target.base-url": url,
            "auth.user": "app",
            "auth.password-env": "TOKEN",
            "http.read-timeout": 1,
            "http.answer-timeout": 2,
        }
        return Session(target.load(None, settings | more), description)

    return open_session


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_an_exchange_ends_whatever_the_server_does(name, open_session, description):
    with listening(BEHAVIOURS[name]) as port:
        session = open_session(f"http://127.0.0.1:{port}/v")
        tracemalloc.start()
        started = time.monotonic()
        exchange = session.call(description.operations["findProcesses"])
        findings = judge(exchange)
        evidence = Evidence(session.redactor, session.curl, Coverage(description), History(), set())
        evidence.see(exchange)
        elapsed, peak = time.monotonic() - started, tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert elapsed < LIMIT
    assert peak < MEMORY
    assert "\n" not in exchange.failure
    assert "Traceback" not in exchange.failure
    broken = {finding.requirement for finding in findings if not finding.holds}
    assert broken or name in FINE
    json.dumps(evidence.as_dict(), ensure_ascii=False).encode()  # everything can be written down


@pytest.mark.parametrize(
    ("name", "days", "said"),
    [
        ("localhost", 100, "self-signed certificate"),
        ("localhost", -1, "certificate"),
        ("elsewhere.example", 100, "certificate"),
    ],
)
def test_a_certificate_that_cannot_be_trusted_is_told(name, days, said, open_session, tmp_path):
    with listening(BEHAVIOURS["duplicate keys"], certificate(tmp_path, name, days=days)) as port:
        session = open_session(f"https://localhost:{port}/v")
        assert said in session.send("GET", "/x").failure
        careless = open_session(f"https://localhost:{port}/v", **{"http.verify": False})
        assert careless.send("GET", "/x").status == 200


@pytest.mark.parametrize(("name", "days", "said"), [("localhost", -1, "expired"), ("elsewhere.example", 100, "match")])
def test_a_known_authority_does_not_make_up_for_the_rest(name, days, said, open_session, tmp_path):
    context = certificate(tmp_path, name, days=days)
    with listening(BEHAVIOURS["duplicate keys"], context) as port:
        bundle = {"http.ca-bundle": str(tmp_path / f"{name}{days}.pem")}
        failure = open_session(f"https://localhost:{port}/v", **bundle).send("GET", "/x").failure
        assert said in failure


class Elsewhere(BaseHTTPRequestHandler):
    seen: ClassVar[list] = []

    def do_GET(self):
        type(self).seen.append(dict(self.headers))
        self.send_response(200)
        self.end_headers()

    def log_message(self, *arguments):
        pass


def test_nobody_else_is_asked_when_a_target_redirects(open_session):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Elsewhere)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    answer = b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:%d/\r\nContent-Length: 0\r\n\r\n" % server.server_port
    with listening(lambda connection: connection.sendall(answer)) as port:
        exchange = open_session(f"http://127.0.0.1:{port}/v").send("GET", "/x")
    server.shutdown()
    server.server_close()
    assert exchange.status == 302
    assert Elsewhere.seen == []


@pytest.mark.parametrize("status", [b"429 Too Many Requests", b"503 Service Unavailable"])
def test_retry_after_is_honoured(status, open_session):
    asked = []

    def busy(connection):
        asked.append(time.monotonic())
        head = b"HTTP/1.1 " + status + b"\r\nRetry-After: 1\r\n"
        connection.sendall(whole(b"{}", head) if len(asked) < 3 else whole(b"{}", HEAD))

    with listening(busy) as port:
        assert open_session(f"http://127.0.0.1:{port}/v").send("GET", "/x").status == 200
    assert asked[2] - asked[0] >= 2


def test_a_503_without_retry_after_is_an_answer(open_session):
    answer = whole(b"{}", b"HTTP/1.1 503 Service Unavailable\r\n")
    with listening(lambda connection: connection.sendall(answer)) as port:
        assert open_session(f"http://127.0.0.1:{port}/v").send("GET", "/x").status == 503


def test_a_target_that_comes_back_is_asked_on(open_session, monkeypatch):
    """It closes every connection for two seconds, as while it is restarted."""
    monkeypatch.setattr(sessions, "RECOVERY", 10.0)
    back = time.monotonic() + 2

    def restarting(connection):
        if time.monotonic() > back:
            connection.sendall(whole(b"{}"))

    with listening(restarting) as port:
        session = open_session(f"http://127.0.0.1:{port}/v")
        failures = [bool(session.send("GET", "/x").failure) for _ in range(sessions.FAILURES_BEFORE_GIVING_UP + 2)]
    assert failures == [True] * sessions.FAILURES_BEFORE_GIVING_UP + [False, False]
