"""Credentials for the workflow engine."""

from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.instants import parse_instant
from kuflow_conformance.oracles.resources import same_id


def _issued(world, evidence, type_):
    """Credentials for the caller's own tenant; who gets them without naming it, gets them when naming it as well."""
    tenant = {"tenantId": world.bed.tenant_id} if world.bed.tenant_id else {}
    exchange = world.call("createAuthentication", body={"type": type_, **tenant})
    if exchange.refused and tenant:
        unnamed = world.call("createAuthentication", body={"type": type_})
        mine, expected = same_id(unnamed.at("tenantId"), world.bed.tenant_id), f"credentials for {world.bed.tenant_id}"
        evidence.check("ATH-003", exchange, not (unnamed.ok and mine), expected=f"{expected}, as without tenantId")
    if exchange.refused:
        raise NotTested(f"the target issues no {type_}: {exchange.status}")
    return exchange


COARSENESS_OF_DATE = timedelta(seconds=2)
"""Date has whole seconds, and servers may write it anew only each second."""


@pytest.mark.requirement("ATH-001", "ATH-003")
def test_engine_token(world, evidence):
    exchange = _issued(world, evidence, "ENGINE_TOKEN")
    evidence.shows("ATH-003", exchange, {"type": "ENGINE_TOKEN"})
    if exchange.at("tenantId") is not None:
        evidence.shows("ATH-003", exchange, {"tenantId": world.bed.tenant_id})
    token, expiry = exchange.at("engineToken.token"), exchange.at("engineToken.expiredAt")
    evidence.check("ATH-001", exchange, bool(token), expected="an engineToken with a token", seen="none")
    moment, now = parse_instant(expiry), exchange.date or datetime.now(UTC)
    future = moment is not None and moment > now + COARSENESS_OF_DATE
    evidence.check("ATH-001", exchange, future, expected="an expiredAt in the future", seen=expiry)


def _parses(load, pem):
    try:
        load(str(pem).encode())
    except (ValueError, TypeError):
        return False
    return True


@pytest.mark.requirement("ATH-002", "ATH-003", "ATH-004")
def test_engine_certificate(world, evidence):
    exchange = _issued(world, evidence, "ENGINE_CERTIFICATE")
    evidence.shows("ATH-003", exchange, {"type": "ENGINE_CERTIFICATE"})
    namespace, tls = exchange.at("engineCertificate.namespace"), exchange.at("engineCertificate.tls") or {}
    evidence.check("ATH-002", exchange, bool(namespace), expected="a namespace", seen="none")
    for name in ("serverRootCaCertificate", "clientCertificate"):
        parses = _parses(x509.load_pem_x509_certificates, tls.get(name))
        evidence.check("ATH-002", exchange, parses, expected=f"{name} as PEM", seen=str(tls.get(name))[:40])
    parses = _parses(lambda pem: load_pem_private_key(pem, None), tls.get("clientPrivateKey"))
    if evidence.check("ATH-002", exchange, parses, expected="clientPrivateKey as PEM", seen="something else"):
        try:
            client = x509.load_pem_x509_certificates(str(tls.get("clientCertificate")).encode())[0]
        except ValueError:
            return
        key = load_pem_private_key(str(tls.get("clientPrivateKey")).encode(), None)
        fits = client.public_key() == key.public_key()
        evidence.check("ATH-004", exchange, fits, expected="the key of clientCertificate", seen="another key")
