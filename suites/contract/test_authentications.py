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
        mine = same_id(unnamed.object.get("tenantId"), world.bed.tenant_id)
        expected = f"credentials for {world.bed.tenant_id}, as without tenantId"
        evidence.check("ATH-003", not (unnamed.ok and mine), exchange, expected=expected)
    if exchange.refused:
        raise NotTested(f"the target issues no {type_}: {exchange.status}")
    return exchange


COARSENESS_OF_DATE = timedelta(seconds=2)
"""Date has whole seconds, and servers may write it anew only each second."""


@pytest.mark.requirement("ATH-001", "ATH-003")
def test_engine_token(world, evidence):
    exchange = _issued(world, evidence, "ENGINE_TOKEN")
    token = exchange.object.get("engineToken") or {}
    seen = exchange.object.get("type")
    evidence.check("ATH-003", seen == "ENGINE_TOKEN", exchange, expected="type ENGINE_TOKEN", seen=seen)
    tenant, wanted = exchange.object.get("tenantId"), world.bed.tenant_id
    if tenant is not None and wanted is not None:
        evidence.check("ATH-003", same_id(tenant, wanted), exchange, expected=f"tenantId {wanted}", seen=tenant)
    evidence.check("ATH-001", bool(token.get("token")), exchange, expected="an engineToken with a token", seen="none")
    expiry = parse_instant(token.get("expiredAt"))
    future = expiry is not None and expiry > (exchange.date or datetime.now(UTC)) + COARSENESS_OF_DATE
    evidence.check("ATH-001", future, exchange, expected="an expiredAt in the future", seen=token.get("expiredAt"))


def _parses(load, pem):
    try:
        load(str(pem).encode())
    except (ValueError, TypeError):
        return False
    return True


@pytest.mark.requirement("ATH-002", "ATH-003", "ATH-004")
def test_engine_certificate(world, evidence):
    exchange = _issued(world, evidence, "ENGINE_CERTIFICATE")
    seen = exchange.object.get("type")
    evidence.check("ATH-003", seen == "ENGINE_CERTIFICATE", exchange, expected="type ENGINE_CERTIFICATE", seen=seen)
    certificate = exchange.object.get("engineCertificate") or {}
    evidence.check("ATH-002", bool(certificate.get("namespace")), exchange, expected="a namespace", seen="none")
    tls = certificate.get("tls") or {}
    for name in ("serverRootCaCertificate", "clientCertificate"):
        parses = _parses(x509.load_pem_x509_certificates, tls.get(name))
        evidence.check("ATH-002", parses, exchange, expected=f"{name} as PEM", seen=str(tls.get(name))[:40])
    parses = _parses(lambda pem: load_pem_private_key(pem, None), tls.get("clientPrivateKey"))
    if evidence.check("ATH-002", parses, exchange, expected="clientPrivateKey as PEM", seen="something else"):
        try:
            client = x509.load_pem_x509_certificates(str(tls.get("clientCertificate")).encode())[0]
        except ValueError:
            return
        key = load_pem_private_key(str(tls.get("clientPrivateKey")).encode(), None)
        fits = client.public_key() == key.public_key()
        evidence.check("ATH-004", fits, exchange, expected="the key of clientCertificate", seen="another key")
