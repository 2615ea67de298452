"""A proxy that a client is pointed at instead of its server: it hands everything on, and everything is judged."""

from __future__ import annotations

from urllib.parse import urlsplit

import requests
from starlette.applications import Starlette
from starlette.concurrency import run_in_threadpool
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from kuflow_conformance.description.openapi import Description
from kuflow_conformance.errors import TargetUnavailable
from kuflow_conformance.target.credentials import Credentials
from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.session import Session
from kuflow_conformance.target.target_file import Target
from kuflow_conformance.traffic.traffic import CLIENT, CURL_OF_CLIENT, Seen, Traffic

METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")

_NOT_HANDED_ON = {
    *("connection", "keep-alive", "proxy-authenticate", "proxy-authorization", "proxy-connection"),
    *("te", "trailer", "transfer-encoding", "upgrade"),  # RFC 9110 section 7.6.1
    *("host", "content-length", "accept-encoding", "content-encoding", "expect"),  # differ on the other side
}


class Proxy:
    """Hands requests on to `target` and shows each exchange to `traffic`. `asgi` is the application."""

    def __init__(self, target: Target, description: Description, traffic: Traffic) -> None:
        parts = urlsplit(target.base_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._target = target
        self._description = description
        self._traffic = traffic
        self._session = self._open()
        self.asgi = Starlette(routes=[Route("/{path:path}", self._answer, methods=METHODS)])

    def _open(self) -> Session:
        return Session(self._target, self._description)

    async def _answer(self, request: Request) -> Response:
        body = await request.body()
        return await run_in_threadpool(self._hand_on, request, body)

    def _hand_on(self, request: Request, body: bytes) -> Response:
        headers = {name: value for name, value in request.headers.items() if name not in _NOT_HANDED_ON}
        authorization = headers.pop("authorization", None)
        path = request.scope["raw_path"].decode("latin-1")
        query = request.scope["query_string"].decode("latin-1")
        url = self._origin + path + (f"?{query}" if query else "")
        client = Credentials(CLIENT, authorization, CURL_OF_CLIENT[CLIENT])
        try:
            exchange = self._session.send_request(requests.Request(request.method, url, headers, data=body), client)
        except TargetUnavailable as error:
            self._session = self._open()  # it may come back
            return _bad_gateway(str(error))
        except (requests.RequestException, ValueError) as error:  # what no request can be made of
            return _bad_gateway(f"{type(error).__name__}: {error}")
        self._traffic.see(Seen(exchange))
        return _response(exchange)


def _bad_gateway(why: str) -> Response:
    return Response(f"kuflow-conformance: {why}", 502, media_type="text/plain")


def _response(exchange: Exchange) -> Response:
    if exchange.failure:
        return _bad_gateway(exchange.failure)
    kept = {name: value for name, value in exchange.headers.items() if name.lower() not in _NOT_HANDED_ON}
    return Response(exchange.body, exchange.status, kept)
