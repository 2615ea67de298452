"""Credentials in odd company: on a connection that others use, twice in a header, far too long."""

import base64

import pytest

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.target.credentials import Credentials

LONG = 6000
"""Characters of a header that servers and gateways still read."""


def _pair(pair):
    return base64.b64encode(pair.encode()).decode()


WRONG = f"Basic {_pair('3f0c2c3e-0000-4000-8000-5d0f0d0f0d0f:wrong')}"
NOT_SIGNED = f"""{_pair('{"alg": "none"}')}.{_pair('{"sub": "admin"}')}."""
ODD = {
    "two wrong pairs in one header": f"{WRONG}, {WRONG}",
    "a wrong pair of many letters": f"Basic {_pair('x' * (LONG // 2))}",
    "a pair of colons": f"Basic {_pair('::')}",
    "a pair of nothing": f"Basic {_pair(':')}",
    "NUL for a name": f"Basic {_pair(chr(0) + ':' + chr(0))}",
    "a token of many letters": f"Bearer {'x' * LONG}",
    "a token of three dots": "Bearer ...",
    "a token that says it is not signed": f"Bearer {NOT_SIGNED}",
}


@pytest.mark.requirement("AUT-003")
@pytest.mark.operations("findPrincipals", "retrievePrincipal", "createProcess")
def test_odd_credentials(operation, world, evidence):
    call = world.good_call(operation.id)
    for name, header in ODD.items():
        exchange = world.send(call, caller=Credentials.made_up(name, header))
        evidence.refused("AUT-003", exchange, f"of {name}")


@pytest.mark.requirement("AUT-010")
@pytest.mark.operations("findPrincipals", "retrieveProcess", "changeProcessInitiator")
def test_callers_share_a_connection(operation, world, evidence):
    """Nobody and the wrong one, each after the right one, and the right one after each of them."""
    call = world.good_call(operation.id)
    if not world.send(call).ok:
        raise NotTested(f"{operation.id} does not succeed")
    main = world.session.main
    with world.session.one_connection():
        for other in (Credentials.nobody(), Credentials.made_up("wrong", WRONG)):
            first, stranger, last = (world.send(call, caller=caller) for caller in (main, other, main))
            for exchange in (first, last):
                served = exchange.ok or exchange.status == 429
                evidence.check("AUT-010", exchange, served, expected="success for the right credentials")
            evidence.refused("AUT-010", stranger, f"of {other.name} credentials, whatever the connection has carried")


@pytest.mark.requirement("AUT-010")
def test_tenants_share_a_connection(world, evidence):
    main, second = world.session.main, world.session.second
    if second is None:
        raise NotTested("there are no second credentials; add [second-tenant] to the target file")
    apart = {caller.name: set(world.call("findTenantUsers", caller=caller).keys) for caller in (main, second)}
    with world.session.one_connection():
        for caller in (main, second, main):
            exchange = world.call("findTenantUsers", caller=caller)
            other = apart[(second if caller is main else main).name] - apart[caller.name]
            strangers = other.intersection(exchange.keys)
            evidence.nothing("AUT-010", exchange, strangers, "the users that the caller sees on its own connection")


@pytest.mark.long
@pytest.mark.requirement("ANS-002")
@pytest.mark.operations("all")
def test_nul(operation, world):
    """A NUL in the path, in each parameter and in each text of the body; every answer is judged as it comes."""
    call = world.good_call(operation.id)
    if call.id is not None:
        for key in ("%00", f"{call.id}%00"):
            world.send(call, id=key)
    query = dict(call.query or {})
    for parameter in operation.query_parameters:
        world.send(call, query=query | {parameter.name: f"{query.get(parameter.name, '')}\0"})
    if query or operation.is_list:
        world.send(call, query=query | {"conformance\0": "\0"})
    if isinstance(call.body, dict):
        for body in _with_nul(call.body):
            world.send(call, body=body)


def _with_nul(value):
    """`value` with NUL at the end of one of its texts, each in turn; an identity stays, as no worker can be removed."""
    for name, part in value.items():
        if isinstance(part, dict):
            yield from (value | {name: changed} for changed in _with_nul(part))
        elif isinstance(part, str) and name != "identity":
            yield value | {name: f"{part}\0"}
