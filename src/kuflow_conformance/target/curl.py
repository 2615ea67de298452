"""A request as a command that anybody can paste."""

from __future__ import annotations

import shlex
from collections.abc import Mapping

from requests.structures import CaseInsensitiveDict

from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.redaction import Redactor

SHOWN = ("accept", "content-type", "transfer-encoding")
"""Headers that a command names, when they are not what curl sends anyway."""


def curl_command(exchange: Exchange, callers: Mapping[str, str], redactor: Redactor) -> str:
    """A command that sends the request again; secrets appear as environment variables.

    `callers` has, by name of the caller, the words by which curl signs for it.
    """
    headers = CaseInsensitiveDict(exchange.request_headers)
    words = ["curl", "-sS", "-i"]
    if exchange.method != "GET":
        words += ["-X", exchange.method]
    if exchange.caller in callers:
        words.append(callers[exchange.caller])
    elif authorization := headers.get("Authorization"):
        words += ["-H", shlex.quote(f"Authorization: {authorization}")]
    for name, value in exchange.request_headers.items():
        if name.lower() in SHOWN and (name.lower(), value) != ("accept", "*/*"):
            words += ["-H", shlex.quote(f"{name}: {value}")]
    if exchange.request_body:
        text = exchange.request_body[:2000].decode("utf-8", "backslashreplace")
        words += ["--data-binary", shlex.quote(text)]
    words.append(shlex.quote(exchange.url))
    return redactor.text(" ".join(words))
