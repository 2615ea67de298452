"""A request as a command that anybody can paste."""

from __future__ import annotations

import re
import shlex
from collections.abc import Mapping

from requests.structures import CaseInsensitiveDict

from kuflow_conformance.target.exchange import Exchange
from kuflow_conformance.target.redaction import Redactor

SHOWN = ("accept", "content-type", "transfer-encoding")
"""Headers that a command names, when they are not what curl sends anyway."""


BODY_SHOWN = 2000
"""Bytes of a body that a command has at most."""

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\udc80-\udcff]")
_FORMAT = {"%": "%%", "\\": "\\\\"}


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
    before = ""
    if content := exchange.request_body[:BODY_SHOWN]:
        if _is_plain(content):
            words += ["--data-binary", shlex.quote(content.decode())]
        else:
            before = f"printf {shlex.quote(_as_format(content))} | "
            words += ["--data-binary", "@-"]
    words.append(shlex.quote(exchange.url))
    return redactor.text(before + " ".join(words))


def _is_plain(content: bytes) -> bool:
    """Whether a shell can be given a body as it is: text without control characters."""
    try:
        return not _CONTROL.search(content.decode())
    except UnicodeDecodeError:
        return False


def _as_format(content: bytes) -> str:
    """A body as a format of printf (POSIX), which writes any byte by its octal number, NUL included."""
    text = content.decode("utf-8", "surrogateescape")
    return "".join(_octal(letter) if _CONTROL.match(letter) else _FORMAT.get(letter, letter) for letter in text)


def _octal(letter: str) -> str:
    return "".join(f"\\{byte:03o}" for byte in letter.encode("utf-8", "surrogateescape"))
