"""Every operation can succeed: a well-formed request about things that exist."""

import pytest

from kuflow_conformance.oracles import NotTested

FOR_SOME = ("changeProcessInitiator", "claimProcessItemTask", "assignProcessItemTask")
"""Operations that need not be open to everybody: definitions name who may do what. Other tests say more of them."""


@pytest.mark.requirement("SUC-001")
@pytest.mark.operations("all")
def test_good_request_succeeds(operation, world, evidence):
    exchange = world.send(world.good_call(operation.id, consumes=True))
    if exchange.status == 403 or (exchange.refused and operation.id in FOR_SOME):
        raise NotTested(
            f"the target says that the credentials may not call {operation.id}: {exchange.describe()[:160]}"
        )
    statuses = " or ".join(map(str, operation.success_statuses))
    evidence.accepted("SUC-001", exchange, f"success ({statuses})")
