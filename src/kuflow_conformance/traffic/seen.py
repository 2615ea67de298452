"""What is known of an exchange of somebody else: a recorder may have left out, cut or encoded parts of it."""

from __future__ import annotations

import gzip
import hashlib
import zlib
from dataclasses import dataclass
from functools import cached_property

from kuflow_conformance.target.exchange import Exchange

CLIENT = "client"
"""The name of the caller, whoever it was."""

_CONDITIONAL = ("if-none-match", "if-modified-since", "if-match", "if-unmodified-since", "if-range", "range")


@dataclass(frozen=True)
class Digest:
    """What is remembered of bytes that may be large."""

    size: int
    sha256: str

    @classmethod
    def of(cls, content: bytes) -> Digest:
        return cls(len(content), hashlib.sha256(content).hexdigest())


@dataclass
class Seen:
    """An exchange of somebody else, and how much of it is known.

    `answer` and `request` stand for bodies of which only the digest was kept, since they are large. `timed` says
    whether it is known when the answer came. `headers_known` says whether a header that is not there was not sent:
    recorders leave out credentials, or all headers. A body that is not `exact` was recorded as text, which may have
    changed bytes of it.
    """

    exchange: Exchange
    request_body_known: bool = True
    answer_body_known: bool = True
    answer: Digest | None = None
    request: Digest | None = None
    timed: bool = True
    moment_known: bool = True
    headers_known: bool = True
    exact_answer: bool = True
    exact_request: bool = True
    encoded: str = ""
    """The content encoding of an answer that could not be undone."""

    @cached_property
    def answer_digest(self) -> Digest | None:
        """Of the answer's body; None when it is not known."""
        known = self.answer_body_known and self.exact_answer
        return self.answer or (Digest.of(self.exchange.body) if known else None)

    @cached_property
    def request_digest(self) -> Digest | None:
        """Of the request's body; None when it is not known."""
        known = self.request_body_known and self.exact_request
        return self.request or (Digest.of(self.exchange.request_body) if known else None)

    @property
    def unjudged(self) -> str:
        """Why the documentation says nothing of such an answer, or too little of it is known; empty when it does.

        Redirects, and answers to conditional and range requests (RFC 9110 sections 13 and 14), are between client and
        server. So is the wish to slow down (RFC 6585 section 4).
        """
        exchange = self.exchange
        if exchange.failure:
            return ""
        if exchange.status < 200:
            return "no answer recorded"
        if 300 <= exchange.status < 400 and exchange.status != 304:
            return "redirect"
        if exchange.status == 429:
            return "too many requests (429)"
        if exchange.status == 411:  # of what stands before the application (RFC 9110 section 15.5.12)
            return "length required (411)"
        if any(name.lower() in _CONDITIONAL for name in exchange.request_headers):
            return "conditional or range request"
        if self.encoded:
            return f"body encoded as {self.encoded}"
        if not self.answer_body_known:
            return "body not recorded"
        if not self.headers_known and not exchange.media_type:
            return "headers not recorded"
        if not exchange.ok and not self.moment_known and exchange.date is None:
            return "moment not recorded"
        return ""


def decoded(body: bytes, encoding: str) -> bytes | None:
    """`body` without its content encoding (RFC 9110 section 8.4); None when it cannot be undone."""
    for name in reversed([part.strip().lower() for part in encoding.split(",") if part.strip()]):
        try:
            if name in ("gzip", "x-gzip"):
                body = gzip.decompress(body)
            elif name == "deflate":
                body = zlib.decompress(body, zlib.MAX_WBITS if body[:1] == b"\x78" else -zlib.MAX_WBITS)
            elif name != "identity":
                return None
        except (OSError, EOFError, zlib.error):
            return None
    return body
