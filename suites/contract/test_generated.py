"""Property-based requests from the description: whatever is sent, the answer is as documented."""

import pytest

from kuflow_conformance.generation import cases as generation
from kuflow_conformance.oracles import JUDGED_ALWAYS
from kuflow_conformance.oracles.requests import REFUSALS


@pytest.mark.long
@pytest.mark.requirement(*JUDGED_ALWAYS, *REFUSALS)
@pytest.mark.operations("all")
def test_generated_requests(operation, cases, world, evidence):
    for case in cases:
        evidence.faults_refused(generation.send(case, operation, world))
