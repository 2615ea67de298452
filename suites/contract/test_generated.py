"""Property-based requests from the description: whatever is sent, the answer is as documented."""

import pytest

from kuflow_conformance.generation import cases as generation
from kuflow_conformance.oracles import JUDGED_ALWAYS
from kuflow_conformance.oracles.requests import REFUSALS, request_faults


@pytest.mark.long
@pytest.mark.requirement(*JUDGED_ALWAYS, *REFUSALS)
@pytest.mark.operations("all")
def test_generated_requests(operation, cases, world, evidence):
    """The first case that breaks something is shrunk: of those that complain, evidence shows the smallest request."""

    def broken(exchange):
        taken = {fault.requirement for fault in request_faults(exchange)} if exchange.ok else set()
        return taken | evidence.last_broke

    told = set()
    for case in cases:
        exchange = generation.send(case, operation, world)
        new = broken(exchange) - told
        if new and not exchange.failure:  # what gets no answer takes its time
            told |= new
            smaller = generation.smallest(case, operation, world, lambda answer, new=new: new <= broken(answer))
            exchange = smaller or exchange
        evidence.faults_refused(exchange)
