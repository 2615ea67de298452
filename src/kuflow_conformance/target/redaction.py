"""Secrets taken out of whatever is written: terminal, reports, records, traces."""

from __future__ import annotations

import base64
import contextlib
import re
from collections.abc import Mapping, Sequence

REDACTED = "***"


SECRET_KEYS = ("token", "clientPrivateKey", "access_token")
"""Properties whose values are secrets."""


_SECRET_HEADERS = ("authorization", "proxy-authorization", "cookie", "set-cookie")


CONTROL = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""Characters that do things to a terminal, and that HTML and XML forbid."""


def _picture(match: re.Match[str]) -> str:
    """A control character as Unicode pictures it: ␀ for NUL."""
    code = ord(match.group())
    return "␡" if code == 0x7F else chr(0x2400 + code)


class Redactor:
    """Takes secrets out of whatever is written: those of the target file, and those that answers carry."""

    def __init__(self, secrets: Sequence[str]) -> None:
        self._secrets: list[str] = []
        self.add(secrets)
        names = "|".join(SECRET_KEYS)
        self._fields = re.compile(rf'("(?:{names})"\s*:\s*")((?:[^"\\]|\\.)*)')
        # A text may have been cut anywhere before it comes here.
        string = r'"(?:[^"\\]|\\.)*(?:"|\\?$)'
        flat = rf'[^"{{}}]|{string}'
        self._environment = re.compile(
            rf'("environmentVariables"\s*:\s*)\{{(?:{flat}|\{{(?:{flat})*(?:\}}|$))*(?:\}}|$)'
        )

    def add(self, secrets: Sequence[str]) -> None:
        """Take these out as well."""
        known = {*self._secrets, *(secret for secret in secrets if len(secret) > 3)}
        self._secrets = sorted(known, key=len, reverse=True)

    def learn(self, authorization: str) -> None:
        """Take out what the value of an `Authorization` header holds: a token, or a pair with a password."""
        value = authorization.partition(" ")[2]
        self.add([value])
        with contextlib.suppress(ValueError):
            self.add([base64.b64decode(value).decode().partition(":")[2]])

    def text(self, text: str) -> str:
        """`text` without secrets, and without what no file or page can hold: lone surrogates, control characters."""
        text = CONTROL.sub(_picture, text.encode("utf-8", "backslashreplace").decode())
        for value in self._secrets:
            text = text.replace(value, REDACTED)
            text = _without_beginning_of(value, text)
        text = self._fields.sub(rf"\1{REDACTED}", text)
        return self._environment.sub(rf'\1"{REDACTED}"', text)

    def headers(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {
            name: REDACTED if name.lower() in _SECRET_HEADERS else self.text(value) for name, value in headers.items()
        }


def _without_beginning_of(secret_value: str, text: str) -> str:
    """`text` without the beginning of a secret that it was cut in."""
    for mark in ("", "…"):
        if text[: len(text) - len(mark)][-4:] not in secret_value:
            continue  # which is nearly always
        for length in range(len(secret_value) - 1, 3, -1):
            if text.endswith(secret_value[:length] + mark):
                return text[: len(text) - length - len(mark)] + REDACTED + mark
    return text
