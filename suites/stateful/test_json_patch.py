"""JSON Patch on each JSON value: the outcome is what RFC 6902 makes of the value that was there."""

import random

import pytest

from kuflow_conformance.generation import patches, values
from kuflow_conformance.generation.shrinking import shrink
from kuflow_conformance.oracles.json_patch import MUST, SHOULD, outcome, well_formed
from kuflow_conformance.oracles.pointers import pointer
from kuflow_conformance.oracles.values import losses

DRAWN = {"core": 3, "full": 20}
"""Patches drawn for each place, by profile."""


def _carried_out(holder, evidence, patch):
    """Put the document and patch it; whether the outcome is wrong, None where it cannot be judged."""
    there = holder.value(holder.put(patch.document))
    expected = outcome(there, patch.operations) if isinstance(there, dict) else None
    if expected is None or not expected.applies or expected.firmness < MUST:
        return None  # that a value is not kept as it was put, is told of by itself
    answer = holder.apply(patch.operations)
    if answer.status == 413:
        return None
    if not evidence.accepted("PAT-001", answer, "a patch that applies to be carried out"):
        return True
    right = True
    for exchange in (answer, holder.get()):
        seen = holder.value(exchange)
        lost = "; ".join([*losses(expected.value, seen)][:3])
        wording = "what RFC 6902 makes of the value"
        right &= evidence.check(
            "PAT-001", exchange, not lost, expected=wording, seen=lost, compared=(expected.value, seen)
        )
    return not right


def _applies(holder, evidence, patch):
    """Carry out a patch; one that is too large in halves. What is wrong is shrunk."""
    wrong = _carried_out(holder, evidence, patch)
    if wrong is None:
        for half in patches.halves(patch):
            _applies(holder, evidence, half)
    elif wrong:

        def fails(smaller):
            candidate = patches.Patch(smaller.get("document"), smaller.get("operations"))
            if not (
                isinstance(candidate.document, dict) and candidate.operations and well_formed(candidate.operations)
            ):
                return None
            result = outcome(candidate.document, candidate.operations)
            return _carried_out(holder, evidence, candidate) if result.applies and result.firmness == MUST else None

        # What operations need of the document shows when there are few of them.
        smallest = shrink({"operations": patch.operations, "document": patch.document}, fails)
        holder.renew()  # so that little has led to it
        fails(smallest)


def _all_refused(holder, evidence, requirement, document, operations, what):
    """Patches of a document that are refused, each by itself, and leave everything as it was."""
    if not holder.put(document).ok:
        return
    before = holder.get()
    for steps in operations:
        answer = holder.apply(steps)
        if not evidence.refused(requirement, answer, what) and answer.ok:
            holder.put(document)
            before = holder.get()
    kept = "nothing to change by a refused patch"
    if not evidence.unchanged("PAT-003", before, holder.get(), kept):
        for steps in operations:  # which of them was it?
            holder.put(document)
            before = holder.get()
            answer = holder.apply(steps)
            after = holder.get()
            if answer.refused and not evidence.unchanged(
                "PAT-003", before, after, "nothing to change by a refused patch"
            ):
                return


def _share(items, holder, profile, seed):
    """What of all this is done in one of the three places: all in full, or a third."""
    if profile == "full":
        return items
    shuffled = random.Random(seed).sample(items, len(items))
    return shuffled[("metadata", "entity", "data").index(holder.name) :: 3]


@pytest.mark.long
@pytest.mark.requirement("PAT-001")
def test_applies(holder, evidence):
    for patch in (*patches.applicable(), *patches.with_odd_names()):
        _applies(holder, evidence, patch)


@pytest.mark.long
@pytest.mark.requirement("PAT-001")
def test_drawn_patches_apply(holder, evidence, profile, seed):
    own_seed = seed * 3 + ("metadata", "entity", "data").index(holder.name)
    for patch in values.drawn(patches.patches(values.values()), DRAWN[profile], own_seed):
        _applies(holder, evidence, patch)


@pytest.mark.requirement("PAT-001")
def test_patches_build_on_each_other(holder, evidence):
    there = holder.value(holder.put(patches.BASE))
    for steps in (
        [{"op": "add", "path": "/first", "value": [1]}],
        [{"op": "add", "path": "/first/-", "value": None}],
        [{"op": "remove", "path": "/text"}, {"op": "move", "from": "/object", "path": "/first/0"}],
    ):
        if not isinstance(there, dict) or not outcome(there, steps).applies:
            return
        there = outcome(there, steps).value
        answer = holder.apply(steps)
        if not evidence.accepted("PAT-001", answer, "a patch on what earlier patches have made of the value"):
            return
        for exchange in (answer, holder.get()):
            holder.shows_value(evidence, "PAT-001", exchange, there, "which all patches until now have made of it")


@pytest.mark.long
@pytest.mark.requirement("PAT-003", "PAT-004")
def test_what_does_not_apply_is_refused(holder, evidence, profile, seed):
    refused = _share(patches.inapplicable(), holder, profile, seed)
    _all_refused(holder, evidence, "PAT-004", patches.BASE, refused, "of a patch that does not apply")


@pytest.mark.requirement("PAT-003", "PAT-004")
def test_a_patch_is_carried_out_as_a_whole_or_not_at_all(holder, evidence, seed):
    good = [{"op": "add", "path": "/conformance", "value": 1}, {"op": "replace", "path": "/list/0", "value": 9}]
    refused = random.Random(seed).sample(patches.inapplicable(), 8)
    mixed = [[*good, *steps, {"op": "remove", "path": "/text"}] for steps in refused]
    _all_refused(holder, evidence, "PAT-004", patches.BASE, mixed, "of a patch with an operation that does not apply")


@pytest.mark.long
@pytest.mark.requirement("PAT-002", "PAT-003")
def test_unequal_values_fail_the_test_operation(holder, evidence, profile, seed):
    document = patches.unequal()[0].document
    tests = [patch.operations for patch in _share(patches.unequal(), holder, profile, seed)]
    _all_refused(holder, evidence, "PAT-002", document, tests, "of a test against another value")


@pytest.mark.requirement("PAT-002")
def test_equal_values_pass_the_test_operation(holder, evidence):
    document = patches.unequal()[0].document | patches.BASE
    there = holder.value(holder.put(document))
    if isinstance(there, dict):
        tests = [{"op": "test", "path": pointer(name), "value": value} for name, value in there.items()]
        evidence.accepted("PAT-002", holder.apply(tests), "tests against equal values to succeed")


@pytest.mark.requirement("PAT-008")
def test_lenient_readings(holder, evidence, profile, seed):
    lenient = _share(patches.inapplicable(SHOULD), holder, profile, seed)
    _all_refused(holder, evidence, "PAT-008", patches.BASE, lenient, "of a patch that only a lenient reading can apply")


@pytest.mark.requirement("PAT-009")
def test_numbers_are_equal_by_value(holder, evidence):
    if holder.put(patches.EQUAL_NUMBERS.document).ok:
        answer = holder.apply(patches.EQUAL_NUMBERS.operations)
        evidence.accepted("PAT-009", answer, "a test of 1 against 1.0 to succeed")


@pytest.mark.requirement("PAT-010")
def test_what_is_open_to_reading(holder, evidence):
    for what, operations in patches.OPEN_TO_READING:
        if holder.put(patches.BASE).ok:
            answer = holder.apply(operations)
            evidence.observe("PAT-010", f"{what}: {answer.status}")


@pytest.mark.requirement("PAT-003", "PAT-005")
def test_malformed_patches(holder, evidence):
    malformed = [operations for _, operations in patches.MALFORMED]
    _all_refused(holder, evidence, "PAT-005", patches.BASE, malformed, "of a malformed patch")


@pytest.mark.requirement("PAT-006")
def test_validity_is_judged_again(holder, evidence):
    valid, invalid = holder.need("valid"), holder.need("invalid")
    for start, value, expected in ((valid, invalid, False), (invalid, valid, True)):
        holder.put(start)
        answer = holder.apply([{"op": "replace", "path": "", "value": value}])
        if not answer.ok:  # the whole document is a place like any other, but a server may not know it
            steps = [{"op": "remove", "path": pointer(name)} for name in start]
            steps += [{"op": "add", "path": pointer(name), "value": part} for name, part in value.items()]
            answer = holder.apply(steps)
        for exchange in (answer, holder.get()):
            if answer.ok:
                holder.shows_valid(evidence, "PAT-006", exchange, expected)


@pytest.mark.requirement("PAT-007")
def test_patch_as_plain_json(holder, evidence):
    holder.put({"text": "one"})
    answer = holder.apply([{"op": "add", "path": "/new", "value": 1}], content_type="application/json")
    evidence.observe("PAT-007", f"{holder.patch}: {answer.status}")
