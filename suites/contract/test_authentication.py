"""Every operation demands credentials, and the right ones."""

import base64

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.target.credentials import Credentials


def _basic(pair: str) -> str:
    return "Basic " + base64.b64encode(pair.encode()).decode()


def _spoilt(header: str) -> str:
    """The real credentials with one character changed; what is left of them is no secret."""
    scheme, _, value = header.partition(" ")
    if scheme == "Basic":
        user, _, _ = base64.b64decode(value).decode().partition(":")
        return _basic(f"{user}:wrong")
    return "Bearer " + base64.b64encode(b"wrong:wrong").decode()


UNKNOWN = {
    "an unknown user": _basic("3f0c2c3e-0000-4000-8000-5d0f0d0f0d0f:wrong"),
    "an unknown token": "Bearer not-a-token",
}
MALFORMED = {
    "scheme only": "Basic",
    "not base64": "Basic %%%",
    "no colon": "Basic " + base64.b64encode(b"nobody").decode(),
    "unknown scheme": "Token not-a-token",
}


def _refused(evidence, requirement, exchange, what):
    """The documentation names no status code; that it be 401 or 403 is good sense."""
    if evidence.refused(requirement, exchange, what) and requirement != "AUT-003":
        telling = exchange.status in (401, 403, 429)
        evidence.check("AUT-009", exchange, telling, expected=f"401 or 403 {what}", seen=exchange.status)
    if exchange.status == 401:
        named = "www-authenticate" in {name.lower() for name in exchange.headers}
        evidence.check("AUT-004", exchange, named, expected="a WWW-Authenticate header", seen="none")


@pytest.fixture
def good_call(operation, world):
    """A call that would succeed; on something of its own, should the target let it through."""
    return world.good_call(operation.id, consumes=True)


@pytest.mark.requirement("AUT-001", "AUT-004", "AUT-009")
@pytest.mark.operations("all")
def test_no_credentials(good_call, world, evidence):
    exchange = world.send(good_call, caller=Credentials.nobody())
    _refused(evidence, "AUT-001", exchange, "without credentials")


@pytest.mark.requirement("AUT-002", "AUT-004", "AUT-009")
@pytest.mark.operations("all")
def test_wrong_credentials(good_call, world, evidence):
    wrong = {"a wrong password": _spoilt(world.session.main.header), **UNKNOWN}
    for name, header in wrong.items():
        exchange = world.send(good_call, caller=Credentials.made_up(name, header))
        _refused(evidence, "AUT-002", exchange, f"of credentials with {name}")


@pytest.mark.requirement("AUT-002", "AUT-004", "AUT-009")
@pytest.mark.operations("findPrincipals", "retrievePrincipal")
def test_almost_right_credentials(good_call, world, evidence):
    for caller in world.session.almost_right:
        exchange = world.send(good_call, caller=caller)
        _refused(evidence, "AUT-002", exchange, f"of {caller.name}")


@pytest.mark.requirement("AUT-008")
def test_pair_as_bearer_token(world, evidence):
    auth = world.session.target.auth
    if auth.type != "basic":
        raise NotTested("the credentials are no identifier with a token")
    token = str(world.session.main.header).partition(" ")[2]
    caller = Credentials("the pair as bearer token", f"Bearer {token}", "")
    exchange = world.send(world.good_call("findPrincipals"), caller=caller)
    evidence.observe("AUT-008", f"{exchange.status}")


@pytest.mark.requirement("AUT-003", "AUT-004")
@pytest.mark.operations("all")
def test_malformed_credentials(good_call, world, evidence):
    for name, header in MALFORMED.items():
        exchange = world.send(good_call, caller=Credentials.made_up(name, header))
        _refused(evidence, "AUT-003", exchange, f"of malformed credentials: {name}")
