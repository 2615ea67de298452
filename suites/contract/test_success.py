"""Every operation can succeed: a well-formed request about things that exist."""

import pytest

from kuflow_conformance.oracles import NotTested


@pytest.mark.requirement("SUC-001")
@pytest.mark.operations("all")
def test_good_request_succeeds(operation, world, evidence):
    exchange = world.send(world.good_call(operation.id, consumes=True))
    if exchange.status == 403:
        raise NotTested(f"the target says that the credentials may not call {operation.id}")
    statuses = " or ".join(map(str, operation.success_statuses))
    evidence.check("SUC-001", exchange.ok, exchange, expected=f"success ({statuses})")
