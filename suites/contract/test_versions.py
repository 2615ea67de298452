"""The version of the API is in the path."""

import pytest
import requests

from kuflow_conformance.oracles import NotTested


@pytest.mark.requirement("VER-001")
def test_unknown_version(world, evidence):
    base, _, last = world.session.target.base_url.rpartition("/")
    if not last.startswith("v"):
        raise NotTested("the base URL does not end with the version")
    exchange = world.session.send_request(requests.Request("GET", f"{base}/v1999-01-01/principals"))
    evidence.check("VER-001", exchange, not exchange.ok, expected="no success for a version that never was")
