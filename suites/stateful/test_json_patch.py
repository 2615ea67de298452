"""JSON Patch on each JSON value: the outcome is what RFC 6902 makes of the value read before."""

import pytest

from kuflow_conformance.oracles import NotTested, shown
from kuflow_conformance.oracles.json_patch import patched

BASE = {
    "text": "one",
    "number": 1,
    "real": 1.5,
    "yes": True,
    "no": False,
    "nothing": None,
    "list": [1, 2, 3],
    "rows": [{"name": "a", "tags": ["x"]}, {"name": "b", "tags": []}],
    "object": {"inner": {"leaf": "value"}},
    "pair": {"first": 1, "second": [True, None]},
    "a/b": "slash",
    "m~n": "tilde",
    "~1": "escaped",
}


def op(name, path, **more):
    return {"op": name, "path": path, **more}


def move(name, source, path):
    return {"op": name, "from": source, "path": path}


APPLY = {
    "add member": [op("add", "/new", value=1)],
    "add replaces": [op("add", "/text", value="two")],
    "add null": [op("add", "/new", value=None)],
    "add at index": [op("add", "/list/1", value=9)],
    "add at front": [op("add", "/list/0", value=9)],
    "add at length": [op("add", "/list/3", value=9)],
    "append": [op("add", "/list/-", value=9)],
    "append list": [op("add", "/list/-", value=[1, 2])],
    "add nested": [op("add", "/rows/1/tags/-", value="y")],
    "add object": [op("add", "/object/inner/more", value={"a": [1, {"b": None}]})],
    "remove member": [op("remove", "/text")],
    "remove first": [op("remove", "/list/0")],
    "remove middle": [op("remove", "/list/1")],
    "remove last": [op("remove", "/list/2")],
    "remove nested": [op("remove", "/object/inner/leaf")],
    "remove null": [op("remove", "/nothing")],
    "replace member": [op("replace", "/text", value="two")],
    "replace type": [op("replace", "/list", value={"now": "object"})],
    "replace element": [op("replace", "/list/1", value="two")],
    "replace by null": [op("replace", "/text", value=None)],
    "replace whole": [op("replace", "", value={"all": "new"})],
    "add whole": [op("add", "", value={"all": "new"})],
    "replace by false": [op("replace", "/text", value=False)],
    "replace by zero": [op("replace", "/text", value=0)],
    "replace by nothing": [op("replace", "/text", value="")],
    "replace nested": [op("replace", "/rows/0/name", value="z")],
    "remove all": [op("remove", "/list/0"), op("remove", "/list/0"), op("remove", "/list/0")],
    "move nested": [move("move", "/rows/0/tags/0", "/object/inner/tag")],
    "copy element": [move("copy", "/list/1", "/list/0")],
    "move escaped": [move("move", "/a~1b", "/m~0n")],
    "move member": [move("move", "/text", "/moved")],
    "move over": [move("move", "/text", "/number")],
    "move forward": [move("move", "/list/0", "/list/2")],
    "move backward": [move("move", "/list/2", "/list/0")],
    "move into list": [move("move", "/text", "/list/-")],
    "move to itself": [move("move", "/text", "/text")],
    "copy member": [move("copy", "/object", "/copied")],
    "copy into list": [move("copy", "/rows/0", "/rows/-")],
    "copy is its own": [move("copy", "/object", "/copied"), op("replace", "/copied/inner/leaf", value="changed")],
    "slash in name": [op("replace", "/a~1b", value="new")],
    "tilde in name": [op("replace", "/m~0n", value="new")],
    "escaped escape": [op("replace", "/~01", value="new")],
    "in order": [
        op("add", "/x", value=[]),
        op("add", "/x/-", value=1),
        op("add", "/x/0", value=0),
        op("remove", "/x/1"),
    ],
    "many": [op("add", f"/new {number}", value=number) for number in range(40)],
    "test then change": [op("test", "/text", value="one"), op("replace", "/text", value="two")],
}
EQUAL = {
    "text": "one",
    "number": 1,
    "real": 1.5,
    "yes": True,
    "no": False,
    "nothing": None,
    "list": [1, 2, 3],
    "object": {"inner": {"leaf": "value"}},
    "pair": {"second": [True, None], "first": 1},
}
UNEQUAL = [
    ("/text", "One"),
    ("/text", ""),
    ("/number", 2),
    ("/number", "1"),
    ("/number", True),
    ("/yes", False),
    ("/yes", "true"),
    ("/yes", 1),
    ("/no", None),
    ("/nothing", False),
    ("/nothing", ""),
    ("/nothing", 0),
    ("/nothing", {}),
    ("/list", [1, 3, 2]),
    ("/list", [1, 2, 3, 4]),
    ("/list", [[1, 2, 3]]),
    ("/list/0", "1"),
    ("/pair", {"first": 1, "second": [None, True]}),
    ("/pair", {"first": 1}),
    ("/list", [1, 2]),
    ("/list/0", 2),
    ("/object", {"inner": {}}),
    ("/object", {"inner": {"leaf": "value", "more": 1}}),
]
FAIL = {
    "remove missing": [op("remove", "/missing")],
    "replace missing": [op("replace", "/missing", value=1)],
    "test missing": [op("test", "/missing", value=1)],
    "add under missing": [op("add", "/missing/x", value=1)],
    "add under text": [op("add", "/text/x", value=1)],
    "add past the end": [op("add", "/list/4", value=1)],
    "remove past the end": [op("remove", "/list/3")],
    "replace past the end": [op("replace", "/list/3", value=1)],
    "remove the dash": [op("remove", "/list/-")],
    "index that is a name": [op("add", "/list/x", value=1)],
    "move from missing": [move("move", "/missing", "/x")],
    "copy from missing": [move("copy", "/missing", "/x")],
    "move into itself": [move("move", "/object", "/object/inner/x")],
    "path without slash": [op("add", "text", value=1)],
}
MALFORMED = {
    "no operation": [],
    "unknown operation": [op("merge", "/text", value=1)],
    "operation in capitals": [op("ADD ALL", "/text", value=1)],
    "no op": [{"path": "/text", "value": 1}],
    "no path": [{"op": "add", "value": 1}],
    "move without from": [op("move", "/x")],
    "copy without from": [op("copy", "/x")],
    "an object": op("add", "/text", value=1),
}


def _outcome(holder, evidence, requirement, operations):
    """Apply to a value read before; the answer and what is read back must be as RFC 6902 says."""
    before = holder.value(holder.get())
    try:
        expected = patched(before, operations)
    except ValueError as error:
        raise NotTested(f"the value saved before is not there to be patched: {error}") from error
    answer = holder.apply(operations)
    wording = f"{shown(operations)} to apply and give {shown(expected)}"
    if not evidence.accepted(requirement, answer, wording):
        return
    for exchange in (answer, holder.get()):
        if not evidence.equal(requirement, exchange, holder.value(exchange), expected, f"after {shown(operations)}"):
            return


def _refusal(holder, evidence, requirement, operations):
    """A patch that cannot apply is refused as a whole: nothing of it is kept."""
    before = holder.get()
    for steps in (
        (operations, [op("add", "/conformance", value=1), *operations])
        if isinstance(operations, list)
        else (operations,)
    ):
        if not operations and steps:
            continue  # an empty patch with something in it is no empty patch
        answer = holder.apply(steps)
        evidence.refused(requirement, answer, f"of {shown(steps)}")
        after = holder.get()
        if not answer.refused:
            return
        kept, seen = before.at(holder.where), after.at(holder.where)
        if not evidence.equal("PAT-003", answer, seen, kept, "as before the refused patch"):
            return
        evidence.unchanged("PAT-003", before, after, "nothing to change by a refused patch")


@pytest.fixture
def base(holder, evidence):
    """The holder, with a value in it that has something of every kind."""
    holder.put(BASE)
    return holder


@pytest.mark.long
@pytest.mark.requirement("PAT-001")
def test_applies(base, evidence):
    for operations in APPLY.values():
        base.put(BASE)
        _outcome(base, evidence, "PAT-001", operations)


@pytest.mark.requirement("PAT-001")
def test_patches_build_on_each_other(base, evidence):
    for operations in ([op("add", "/first", value=[1])], [op("add", "/first/-", value=2)], [op("remove", "/text")]):
        _outcome(base, evidence, "PAT-001", operations)
    seen = base.value(base.get()) or {}
    built = seen.get("first") == [1, 2] and "text" not in seen
    evidence.check("PAT-001", evidence.last, built, expected="what three patches made of the value", seen=seen)


@pytest.mark.requirement("PAT-002")
def test_equal_values_pass_the_test_operation(base, evidence):
    for name, value in EQUAL.items():
        _outcome(base, evidence, "PAT-002", [op("test", f"/{name}", value=value)])
    both = [op("test", "/object", value={"inner": {"leaf": "value"}}), op("test", "/a~1b", value="slash")]
    _outcome(base, evidence, "PAT-002", both)


@pytest.mark.long
@pytest.mark.requirement("PAT-002", "PAT-003")
def test_unequal_values_fail_the_test_operation(base, evidence):
    for path, value in UNEQUAL:
        _refusal(base, evidence, "PAT-002", [op("test", path, value=value)])


@pytest.mark.long
@pytest.mark.requirement("PAT-003", "PAT-004")
def test_what_cannot_apply_is_refused_as_a_whole(base, evidence):
    for operations in FAIL.values():
        _refusal(base, evidence, "PAT-004", operations)
    late = [op("add", "/conformance", value=1), op("remove", "/text"), op("test", "/number", value=2)]
    _refusal(base, evidence, "PAT-004", late)


@pytest.mark.requirement("PAT-003", "PAT-005")
def test_malformed_patch_is_refused(base, evidence):
    for operations in MALFORMED.values():
        _refusal(base, evidence, "PAT-005", operations)


@pytest.mark.requirement("PAT-006")
def test_validity_is_judged_again(holder, evidence):
    valid, invalid = holder.need("valid"), holder.need("invalid")
    for start, value, expected in ((valid, invalid, False), (invalid, valid, True)):
        holder.put(start)
        answer = holder.apply([op("replace", "", value=value)])
        if not answer.ok:  # the whole document is a place like any other, but a server may not know it
            steps = [op("remove", "/" + name.replace("~", "~0").replace("/", "~1")) for name in start]
            steps += [
                op("add", "/" + name.replace("~", "~0").replace("/", "~1"), value=part) for name, part in value.items()
            ]
            answer = holder.apply(steps)
        for exchange in (answer, holder.get()):
            if answer.ok:
                holder.shows_valid(evidence, "PAT-006", exchange, expected)


@pytest.mark.requirement("PAT-007")
def test_patch_as_plain_json(base, evidence):
    answer = base.apply([op("add", "/new", value=1)], content_type="application/json")
    evidence.observe("PAT-007", f"{base.patch}: {answer.status}")
