"""Credentials for the workflow engine."""

from datetime import UTC, datetime

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from kuflow_conformance.oracles import NotTested
from kuflow_conformance.oracles.instants import parse_instant


def _issued(world, type_):
    tenant = {"tenantId": world.bed.tenant_id} if world.bed.tenant_id else {}
    exchange = world.call("createAuthentication", body={"type": type_, **tenant})
    if exchange.refused:
        raise NotTested(f"the target issues no {type_}: {exchange.status}")
    return exchange


@pytest.mark.requirement("ATH-001", "ATH-003")
def test_engine_token(world, evidence):
    exchange = _issued(world, "ENGINE_TOKEN")
    token = exchange.object.get("engineToken") or {}
    seen = exchange.object.get("type")
    evidence.check("ATH-003", seen == "ENGINE_TOKEN", exchange, expected="type ENGINE_TOKEN", seen=seen)
    evidence.check("ATH-001", bool(token.get("token")), exchange, expected="an engineToken with a token", seen="none")
    expiry = parse_instant(token.get("expiredAt"))
    future = expiry is not None and expiry > datetime.now(UTC)
    evidence.check("ATH-001", future, exchange, expected="an expiredAt in the future", seen=token.get("expiredAt"))


def _parses(load, pem):
    try:
        load(str(pem).encode())
    except (ValueError, TypeError):
        return False
    return True


@pytest.mark.requirement("ATH-002", "ATH-003")
def test_engine_certificate(world, evidence):
    exchange = _issued(world, "ENGINE_CERTIFICATE")
    seen = exchange.object.get("type")
    evidence.check("ATH-003", seen == "ENGINE_CERTIFICATE", exchange, expected="type ENGINE_CERTIFICATE", seen=seen)
    certificate = exchange.object.get("engineCertificate") or {}
    evidence.check("ATH-002", bool(certificate.get("namespace")), exchange, expected="a namespace", seen="none")
    tls = certificate.get("tls") or {}
    for name in ("serverRootCaCertificate", "clientCertificate"):
        parses = _parses(x509.load_pem_x509_certificates, tls.get(name))
        evidence.check("ATH-002", parses, exchange, expected=f"{name} as PEM", seen=str(tls.get(name))[:40])
    parses = _parses(lambda pem: load_pem_private_key(pem, None), tls.get("clientPrivateKey"))
    evidence.check("ATH-002", parses, exchange, expected="clientPrivateKey as PEM", seen="something else")
