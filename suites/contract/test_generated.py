"""Property-based requests from the description: whatever is sent, the answer is as documented."""

import pytest

from kuflow_conformance import generation
from kuflow_conformance.oracles import JUDGED_ALWAYS
from kuflow_conformance.oracles.requests import REFUSALS, request_faults


@pytest.mark.long
@pytest.mark.requirement(*JUDGED_ALWAYS, *REFUSALS)
@pytest.mark.operations("all")
def test_generated_requests(operation, cases, world, evidence):
    for case in cases:
        exchange = generation.send(case, operation, world)
        for fault in request_faults(exchange):
            evidence.check(fault.requirement, exchange.refused, exchange, expected=f"a refusal (4xx), as {fault.what}")
