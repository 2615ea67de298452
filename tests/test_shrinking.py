"""What is shrunk still fails, and is small; what is drawn is the same for the same seed."""

import pytest

from kuflow_conformance.generation import patches, values
from kuflow_conformance.generation.shrinking import shrink, size
from kuflow_conformance.oracles.json_patch import MUST, SHOULD, outcome


def counted(fails):
    def count(candidate):
        count.attempts += 1
        return fails(candidate)

    count.attempts = 0
    return count


def test_one_member_of_many_is_found():
    fails = counted(lambda value: any(part == {"nothing": None} for part in value.values()))
    small = shrink(values.members(values.ORDINARY), fails)
    assert [*small.values()] == [{"nothing": None}]
    assert fails.attempts <= 40


def test_a_text_is_cut_to_where_it_begins_to_fail():
    fails = counted(lambda value: len(value.get("text", "")) > 65_535)
    assert shrink({"text": "x" * 70_000, "more": [1, 2, 3]}, fails) == {"text": "x" * 65_536}
    assert fails.attempts <= 60


def test_lists_numbers_and_what_is_deep_down():
    assert shrink({"a": [1, {"b": [5, 7, 9]}], "c": 1}, lambda value: "7" in repr(value)) == {"a": [{"b": [7]}]}
    assert shrink([30, 40, 50], lambda value: len(value) > 1) == [0, 0]


def test_attempts_are_bounded_and_what_makes_no_sense_is_none():
    fails = counted(lambda value: len(value) > 3)
    assert len(shrink([*range(1000)], fails, attempts=5)) < 100
    assert fails.attempts == 5
    assert shrink({"op": 10, "path": 2}, lambda value: None if "op" not in value else True) == {"op": 0}


@pytest.mark.parametrize("patch", [*patches.applicable(), *patches.with_odd_names()])
def test_generated_patches_apply(patch):
    result = outcome(patch.document, patch.operations)
    assert (result.applies, result.firmness) == (True, MUST), result.why


def test_generated_patches_have_every_operation_and_what_must_not_apply():
    used = {step["op"] for patch in patches.applicable() for step in patch.operations}
    assert used == {"add", "remove", "replace", "move", "copy", "test"}
    refused = {step["op"] for (step,) in patches.inapplicable()}
    assert refused == used
    assert len(patches.inapplicable(SHOULD)) > 20
    for document, operations in patches.unequal():
        result = outcome(document, operations)
        assert (result.applies, result.firmness) == (False, MUST)
    number = outcome(*patches.EQUAL_NUMBERS)
    assert (number.applies, number.firmness) == (True, SHOULD)


def test_the_same_seed_draws_the_same():
    strategy = patches.patches(values.values())
    first = values.drawn(strategy, 5, 1)
    assert first == values.drawn(strategy, 5, 1)
    assert first != values.drawn(strategy, 5, 2)
    assert all(outcome(*patch).firmness == MUST for patch in first)


def test_sizes():
    assert size({"a": [1, "é"]}) == len('{"a":[1,"é"]}')
