"""Callers: how their requests are signed, and how `curl` would sign them without showing a secret."""

from __future__ import annotations

import base64
import shlex

import requests
from requests.auth import HTTPBasicAuth

from kuflow_conformance.errors import TargetUnavailable
from kuflow_conformance.target.target_file import Auth, secret
from kuflow_conformance.target.transport import reason


class Credentials:
    """A caller: how its requests are signed, and how `curl` would sign them without showing the secret."""

    def __init__(self, name: str, header: str | None, curl: str) -> None:
        self.name = name
        self.header = header
        self.curl = curl

    @classmethod
    def nobody(cls) -> Credentials:
        return cls("none", None, "")

    @classmethod
    def made_up(cls, name: str, header: str) -> Credentials:
        """Credentials that are wrong on purpose, and so no secret."""
        return cls(name, header, f"-H {shlex.quote(f'Authorization: {header}')}")

    @classmethod
    def of(cls, name: str, auth: Auth, session: requests.Session) -> Credentials:
        """The credentials of the target file. Raises InvalidTarget or TargetUnavailable."""
        if auth.type == "none":
            return cls(name, None, "")
        if auth.type == "oauth2":
            return cls(name, f"Bearer {_oauth_token(auth, session)}", '-H "Authorization: Bearer $TOKEN"')
        if auth.type == "bearer" and auth.token_env:
            return cls(name, auth.header(), f'-H "Authorization: Bearer ${auth.token_env}"')
        if auth.type == "bearer":
            pair = f'$(printf %s "{auth.user}:${auth.password_env}" | base64 -w0)'
            return cls(name, auth.header(), f'-H "Authorization: Bearer {pair}"')
        return cls(name, auth.header(), f'-u "{auth.user}:${auth.password_env}"')


def almost_right(auth: Auth, other: Auth | None, main: Credentials) -> list[Credentials]:
    """The credentials of `auth` with the secret a little spoilt: each has to be refused.

    `other` are credentials of somebody else, whose secret is right, but not for this user.
    """
    if auth.type == "none":
        return []
    if auth.type == "oauth2" or auth.token_env:
        scheme, _, token = str(main.header).partition(" ")
        changes = {"a token with a letter more": (token + "x", "x"), "a token cut short": (token[:-3], " (cut)")}
        shown = f"${auth.token_env or 'TOKEN'}"
        return [
            Credentials(name, f"{scheme} {changed}", f'-H "Authorization: {scheme} {shown}{suffix}"')
            for name, (changed, suffix) in changes.items()
        ]
    assert auth.password_env is not None
    password, variable = secret(auth.password_env), auth.password_env
    changed = {
        "a password with a letter more": (password + "x", f"${{{variable}}}x"),
        "a password without its last letter": (password[:-1], f"${{{variable}%?}}"),
        "a password in the other case": (password.swapcase(), f'$(printf %s "${variable}" | tr a-zA-Z A-Za-z)'),
        "a password with a colon and more": (f"{password}:x", f"${variable}:x"),
        "a password behind a colon": (f":{password}", f":${variable}"),
        "a password with NUL and more": (f"{password}\0x", f"${variable}"),
        "a password of 4,000 letters": ("x" * 4000, "$(printf %4000s | tr ' ' x)"),
        "no password": ("", ""),
    }
    if other is not None and other.password_env and secret(other.password_env) != password:
        changed["somebody else's password"] = (secret(other.password_env), f"${other.password_env}")
    pairs = {name: (str(auth.user), word, shown) for name, (word, shown) in changed.items() if word != password}
    pairs["nobody's name"] = ("", password, f"${variable}")
    if other is not None and other.user and other.user != auth.user:
        pairs["somebody else's name"] = (other.user, password, f"${variable}")
    return [
        Credentials(name, "Basic " + base64.b64encode(f"{user}:{word}".encode()).decode(), f'-u "{user}:{shown}"')
        for name, (user, word, shown) in pairs.items()
        if other is None or not other.password_env or (user, word) != (other.user, secret(other.password_env))
    ]


def written_otherwise(auth: Auth, main: Credentials) -> list[Credentials]:
    """The credentials of `auth` in other spellings: the name of a scheme has no case (RFC 9110 section 11.1)."""
    if main.header is None:
        return []
    scheme, _, value = main.header.partition(" ")
    shown = f"${auth.token_env or 'TOKEN'}"
    if auth.password_env:
        shown = f'$(printf %s "{auth.user}:${auth.password_env}" | base64 -w0)'
    spellings = {
        "the scheme in lower case": f"{scheme.lower()} ",
        "the scheme in upper case": f"{scheme.upper()} ",
        "two spaces after the scheme": f"{scheme}  ",
    }
    return [
        Credentials(name, start + value, f'-H "Authorization: {start}{shown}"') for name, start in spellings.items()
    ]


def _oauth_token(auth: Auth, session: requests.Session) -> str:
    """A token by client credentials (RFC 6749 section 4.4). Raises TargetUnavailable when none is issued."""
    assert auth.token_url is not None
    assert auth.client_id is not None
    assert auth.client_secret_env is not None
    form = {"grant_type": "client_credentials"} | ({"scope": auth.scope} if auth.scope else {})
    try:
        answer = session.post(
            auth.token_url,
            data=form,
            auth=HTTPBasicAuth(auth.client_id, secret(auth.client_secret_env)),
            timeout=30,
        )
        body = answer.json() if answer.ok else {}
    except (requests.RequestException, ValueError) as error:
        raise TargetUnavailable(f"the token endpoint {auth.token_url} does not answer: {reason(error)}") from error
    if not isinstance(body, dict) or not isinstance(body.get("access_token"), str):
        raise TargetUnavailable(
            f"the token endpoint {auth.token_url} issues no token: status {answer.status_code}; "
            "check the client id and secret"
        )
    return str(body["access_token"])
