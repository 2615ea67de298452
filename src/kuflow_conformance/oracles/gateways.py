"""What may be answered by what stands before the application: its container, a gateway, a firewall.

The documentation speaks for the application. A request that no client of the documentation sends, such as one with a
bad escape in its path, may never reach it: Tomcat, IIS, nginx and firewalls refuse such requests themselves, with a
body of their own. So may they refuse what is too large, or close the connection on it.
"""

from __future__ import annotations

import re
from urllib.parse import unquote_to_bytes, urlsplit

from kuflow_conformance.target.exchange import Exchange

TOO_LARGE = (411, 413, 414, 431)
"""Statuses of requests that are too large, or of a length that is not said (RFC 9110 section 15.5, RFC 6585)."""

SMALL = 1024
"""Bytes of a body, an address or a header that every server takes."""

LARGE_BODY = 512 * 1024
"""Bytes of a body beyond which a server may close the connection before it has read everything."""

LONG_SEGMENT = 100
"""Characters of a part of the path that routers take; Fastify stops here."""

LONG_URL = 4096
"""Characters of an address that are taken everywhere; RFC 9110 section 4.1 wants 8,000."""

_PLAIN_SEGMENT = re.compile(r"[A-Za-z0-9._~-]*")
_ESCAPE = re.compile(r"%[0-9A-Fa-f]{2}")
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")
_SUSPICIOUS = re.compile(
    rb"""\.\.[/\\]|<[a-z!/?]|/etc/|\\u003c|'\s*(or|and|--|;)|'"|--|\b(union|select|drop|insert)\b.*\b(from|table|into)\b"""
    rb"""|\$\{|\{\{|javascript:|%00|%2e%2e|\x00|\\u0000|\r\n\S+:""",
    re.IGNORECASE | re.DOTALL,
)
"""What firewalls look for (OWASP Core Rule Set): paths that climb, markup, SQL, templates, injected headers."""


def refused_in_front(exchange: Exchange) -> str:
    """Why the refusal may come from before the application; empty when only the application can have made it."""
    if not exchange.refused:
        return ""
    if exchange.status in TOO_LARGE and _is_large(exchange):
        return "it is too large, or its length is not said"
    if len(exchange.url) > LONG_URL:
        return "its address is unusually long"
    parts = urlsplit(exchange.url)
    if not _is_plain_path(parts.path):
        return "its path has characters that no id has"
    if _is_odd_query(parts.query):
        return "its query has characters that no client sends"
    if exchange.status in (400, 403, 406) and _SUSPICIOUS.search(unquote_to_bytes(parts.query) + exchange.request_body):
        return "a firewall may take it for an attack"
    return ""


def _is_large(exchange: Exchange) -> bool:
    """Whether a request is larger than any server is sure to take, or does not say its length."""
    sizes = (len(exchange.request_body), len(exchange.url), *map(len, exchange.request_headers.values()))
    chunked = any(name.lower() == "transfer-encoding" for name in exchange.request_headers)
    return max(sizes) > SMALL or chunked


def cut_off_in_front(exchange: Exchange) -> bool:
    """Whether the connection may have been closed because the body is large."""
    return bool(exchange.failure) and len(exchange.request_body) > LARGE_BODY


def _is_plain_path(path: str) -> bool:
    segments = path.split("/")[1:]
    return all(
        _PLAIN_SEGMENT.fullmatch(segment) and segment not in ("", ".", "..") and len(segment) <= LONG_SEGMENT
        for segment in segments
    )


def _is_odd_query(query: str) -> bool:
    if "%" in _ESCAPE.sub("", query):
        return True
    raw = unquote_to_bytes(query)
    if _CONTROL.search(raw):
        return True
    try:
        raw.decode()
    except UnicodeDecodeError:
        return True
    return False
