"""The proxy is transparent: a client sees through it what the server says, byte by byte."""

from __future__ import annotations

import asyncio

import httpx
import pytest
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route

from kuflow_conformance.report.pages import live
from kuflow_conformance.target.target_file import Target
from kuflow_conformance.traffic.proxy import Proxy
from kuflow_conformance.traffic.traffic import Traffic

BASE = "http://target.example/v2024-06-14"


def _answer(request):
    path = request.url.path
    if path.endswith("/redirect"):
        return Response(status_code=307, headers={"Location": "/v2024-06-14/robots/"})
    if path.endswith("/limited"):
        return Response(status_code=429, headers={"Retry-After": "7"})
    answer = Response(f"{request.method} {request.url.query}".encode(), media_type="text/plain")
    answer.raw_headers += [
        (b"set-cookie", b"a=1"),
        (b"set-cookie", b"b=2"),
        (b"date", b"Thu, 01 Jan 2026 00:00:00 GMT"),
    ]
    answer.raw_headers.append((b"x-seen", request.headers.get("x-mine", "").encode()))
    return answer


@pytest.fixture
def passing(description, tmp_path):
    target = Target.model_validate({"target": {"base-url": BASE}, "auth": {"type": "none"}})
    traffic = Traffic("target", BASE, description, tmp_path)
    proxy = Proxy(target, description, traffic, lambda: live(traffic.so_far()))
    routes = [Route("/{path:path}", _answer, methods=["GET", "POST"])]
    proxy._client = httpx.AsyncClient(transport=httpx.ASGITransport(Starlette(routes=routes)))
    return proxy, traffic


def send(proxy, method, path, **named):
    async def once():
        transport = httpx.ASGITransport(proxy.asgi)
        async with httpx.AsyncClient(transport=transport, base_url="http://proxy.example") as client:
            return await client.request(method, path, **named)

    return asyncio.run(once())


def test_redirects_and_429_are_passed_on(passing):
    proxy, traffic = passing
    redirect, limited = (send(proxy, "GET", f"/v2024-06-14/{name}") for name in ("redirect", "limited"))
    assert (redirect.status_code, redirect.headers["location"]) == (307, "/v2024-06-14/robots/")
    assert (limited.status_code, limited.headers["retry-after"]) == (429, "7")
    proxy.close()
    assert traffic.passed_over == {"redirect": 1, "too many requests (429)": 1}


def test_headers_are_passed_on_as_they_are(passing):
    proxy, _ = passing
    answer = send(proxy, "GET", "/v2024-06-14/robots?a=%2F&a=2", headers={"X-Mine": "kept"})
    assert answer.headers.get_list("set-cookie") == ["a=1", "b=2"]
    assert answer.headers.get_list("date") == ["Thu, 01 Jan 2026 00:00:00 GMT"]
    assert answer.headers["x-seen"] == "kept"
    assert answer.text == "GET a=%2F&a=2"


def test_the_page_shows_the_verdict_so_far(passing):
    proxy, _ = passing
    send(proxy, "GET", "/v2024-06-14/robots")
    proxy.close()
    page = send(proxy, "GET", "/__conformance")
    assert page.status_code == 200
    assert "ANS-004" in page.text
    assert "Not conformant" in page.text
