"""The oracle of JSON Patch: every operation on every kind of place, there and not there, and what is left open."""

import pytest

from kuflow_conformance.oracles.json_patch import Firmness, outcome
from kuflow_conformance.oracles.pointers import places, pointer, points_into, related, tokens
from kuflow_conformance.oracles.values import json_equal

OPEN, SHOULD, MUST = Firmness
DOCUMENT = {
    "text": "word",
    "whole": 1,
    "real": 1.5,
    "yes": True,
    "nothing": None,
    "list": ["a", "b", "c"],
    "deep": [{"in": [1, [2, 3]]}, {"x": {}}],
    "object": {"x": {"y": 1}},
    "": "no name",
    "-": "dash",
    "0": "zero",
    "01": "zero one",
    "a/b": "slash",
    "m~n": "tilde",
    "~1": "tilde one",
    "%41": "percent",
    "é": "accent",
    " ": "space",
    'q"\\': "quotes",
}


def changed(**members):
    """The document with members changed; those that are `...` gone."""
    return {name: value for name, value in (DOCUMENT | members).items() if value is not ...}


def op(name, path, **more):
    return {"op": name, "path": path, **more}


def fro(name, source, path):
    return {"op": name, "from": source, "path": path}


APPLIES = [
    ("add a member", op("add", "/new", value=1), changed(new=1)),
    ("add null", op("add", "/new", value=None), changed(new=None)),
    ("add a member that is there", op("add", "/text", value=[]), changed(text=[])),
    ("add over null", op("add", "/nothing", value={}), changed(nothing={})),
    ("add in front", op("add", "/list/0", value="z"), changed(list=["z", "a", "b", "c"])),
    ("add within", op("add", "/list/1", value="z"), changed(list=["a", "z", "b", "c"])),
    ("add at the length", op("add", "/list/3", value="z"), changed(list=["a", "b", "c", "z"])),
    ("append", op("add", "/list/-", value=["z"]), changed(list=["a", "b", "c", ["z"]])),
    ("add deep down", op("add", "/deep/0/in/1/0", value=9), changed(deep=[{"in": [1, [9, 2, 3]]}, {"x": {}}])),
    ("add to an empty object", op("add", "/deep/1/x/y", value=1), changed(deep=[{"in": [1, [2, 3]]}, {"x": {"y": 1}}])),
    ("add the whole", op("add", "", value={"b": 1}), {"b": 1}),
    ("remove a member", op("remove", "/text"), changed(text=...)),
    ("remove null", op("remove", "/nothing"), changed(nothing=...)),
    ("remove an element", op("remove", "/list/1"), changed(list=["a", "c"])),
    ("remove the last", op("remove", "/list/2"), changed(list=["a", "b"])),
    ("remove deep down", op("remove", "/deep/0/in/1"), changed(deep=[{"in": [1]}, {"x": {}}])),
    ("replace a member", op("replace", "/whole", value="1"), changed(whole="1")),
    ("replace null", op("replace", "/nothing", value=0), changed(nothing=0)),
    ("replace by null", op("replace", "/text", value=None), changed(text=None)),
    ("replace an element", op("replace", "/list/0", value={}), changed(list=[{}, "b", "c"])),
    ("replace the whole", op("replace", "", value={}), {}),
    ("move a member", fro("move", "/text", "/new"), changed(text=..., new="word")),
    ("move null", fro("move", "/nothing", "/new"), changed(nothing=..., new=None)),
    ("move over another", fro("move", "/text", "/object"), changed(text=..., object="word")),
    ("move a child over its parent", fro("move", "/object/x", "/object"), changed(object={"y": 1})),
    ("move to where it is", fro("move", "/object", "/object"), DOCUMENT),
    ("move up a list", fro("move", "/list/0", "/list/2"), changed(list=["b", "c", "a"])),
    ("move down a list", fro("move", "/list/2", "/list/0"), changed(list=["c", "a", "b"])),
    ("move to the end", fro("move", "/list/0", "/list/-"), changed(list=["b", "c", "a"])),
    ("move out of a list", fro("move", "/list/1", "/new"), changed(list=["a", "c"], new="b")),
    ("a name that begins alike is no parent", fro("move", "/0", "/01"), changed(**{"0": ..., "01": "zero"})),
    ("copy a member", fro("copy", "/object", "/new"), changed(new={"x": {"y": 1}})),
    ("copy null", fro("copy", "/nothing", "/new"), changed(new=None)),
    ("copy within a list", fro("copy", "/list/0", "/list/2"), changed(list=["a", "b", "a", "c"])),
    ("copy into a child", fro("copy", "/object", "/object/z"), changed(object={"x": {"y": 1}, "z": {"x": {"y": 1}}})),
    ("test a text", op("test", "/text", value="word"), DOCUMENT),
    ("test null", op("test", "/nothing", value=None), DOCUMENT),
    ("test true", op("test", "/yes", value=True), DOCUMENT),
    ("test an object in another order", op("test", "/deep/0", value={"in": [1, [2, 3]]}), DOCUMENT),
    ("test an element", op("test", "/list/2", value="c"), DOCUMENT),
    ("test the whole", op("test", "", value=DOCUMENT), DOCUMENT),
    ("no name", op("replace", "/", value=2), changed(**{"": 2})),
    ("no name twice", op("add", "/object/x/", value=2), changed(object={"x": {"y": 1, "": 2}})),
    ("a dash is a name in an object", op("remove", "/-"), changed(**{"-": ...})),
    ("digits are a name in an object", op("replace", "/0", value=2), changed(**{"0": 2})),
    ("leading zeros are a name in an object", op("replace", "/01", value=2), changed(**{"01": 2})),
    ("-1 is a name in an object", op("add", "/-1", value=2), changed(**{"-1": 2})),
    ("~1 is a slash", op("remove", "/a~1b"), changed(**{"a/b": ...})),
    ("~0 is a tilde", op("remove", "/m~0n"), changed(**{"m~n": ...})),
    ("~01 is ~1", op("remove", "/~01"), changed(**{"~1": ...})),
    ("~00 is ~0", op("add", "/~00", value=1), changed(**{"~0": 1})),
    ("~1~0 is /~", op("add", "/~1~0", value=1), changed(**{"/~": 1})),
    ("percent signs stay", op("remove", "/%41"), changed(**{"%41": ...})),
    ("letters beyond ASCII", op("remove", "/é"), changed(**{"é": ...})),
    ("spaces and quotes", op("test", '/q"\\', value="quotes"), DOCUMENT),
]  # fmt: skip

REFUSED = [
    ("remove what is not there", op("remove", "/new"), MUST),
    ("remove beyond the end", op("remove", "/list/3"), MUST),
    ("remove the dash", op("remove", "/list/-"), MUST),
    ("remove below a text", op("remove", "/text/0"), SHOULD),
    ("remove below a number", op("remove", "/whole/0"), MUST),
    ("what every object has in JavaScript", op("remove", "/constructor"), SHOULD),
    ("replace what is not there", op("replace", "/new", value=1), MUST),
    ("replace below what is not there", op("replace", "/new/x", value=1), MUST),
    ("replace the dash", op("replace", "/list/-", value=1), MUST),
    ("add below what is not there", op("add", "/new/x", value=1), MUST),
    ("add below null", op("add", "/nothing/x", value=1), MUST),
    ("add below a text", op("add", "/text/0", value="x"), MUST),
    ("add below a number", op("add", "/whole/x", value=1), MUST),
    ("add beyond the end", op("add", "/list/4", value=1), MUST),
    ("add by a name to a list", op("add", "/list/x", value=1), MUST),
    ("a slash escaped is none", op("add", "/object~1x", value=1) | {"op": "remove"}, MUST),
    ("names are compared letter by letter", op("remove", "/e\u0301"), MUST),
    ("percent signs are no escapes", op("remove", "/%74ext"), MUST),
    ("move what is not there", fro("move", "/new", "/x"), MUST),
    ("move an object into itself", fro("move", "/object", "/object/x/z"), MUST),
    ("move the whole", fro("move", "", "/x"), MUST),
    ("move an element into itself, where no other follows", fro("move", "/deep/1", "/deep/1/x"), MUST),
    ("move an element into what moves up", fro("move", "/deep/0", "/deep/0/x"), SHOULD),
    ("copy what is not there", fro("copy", "/list/3", "/x"), MUST),
    ("copy to where nothing can be", fro("copy", "/text", "/new/x"), MUST),
    ("move without from", op("move", "/x"), MUST),
    ("test what is not there", op("test", "/new", value=1), MUST),
    ("test the dash", op("test", "/list/-", value="c"), MUST),
    ("test null where nothing is", op("test", "/new", value=None), SHOULD),
    ("test a letter of a text", op("test", "/text/0", value="w"), SHOULD),
    ("1 is not true", op("test", "/yes", value=1), MUST),
    ("1 is not \"1\"", op("test", "/whole", value="1"), MUST),
    ("null is not false", op("test", "/nothing", value=False), MUST),
    ("null is not an empty object", op("test", "/nothing", value={}), MUST),
    ("lists have an order", op("test", "/list", value=["b", "a", "c"]), MUST),
    ("part of an object", op("test", "/object", value={}), MUST),
    ("[true] is not [1]", op("test", "/deep/0/in/0", value=True), MUST),
    ("another number", op("test", "/whole", value=1.1), MUST),
    ("leading zeros", op("remove", "/list/01"), SHOULD),
    ("a negative index", op("remove", "/list/-1"), SHOULD),
    ("a signed index", op("remove", "/list/+1"), SHOULD),
    ("a fraction", op("remove", "/list/1.0"), SHOULD),
    ("an exponent", op("remove", "/list/1e0"), SHOULD),
    ("no index at all", op("add", "/list/", value=1), SHOULD),
    ("no slash", op("add", "text", value=1), MUST),
    ("an escape that is none", op("add", "/~2", value=1), OPEN),
    ("a tilde at the end", op("add", "/x~", value=1), OPEN),
    ("remove the whole", op("remove", ""), OPEN),
]  # fmt: skip

IN_DOUBT = [
    ("1.0 is 1", op("test", "/whole", value=1.0), DOCUMENT, SHOULD),
    ("1.0 is 1 further down", op("test", "/deep/0/in", value=[1.0, [2, 3]]), DOCUMENT, SHOULD),
    ("no value", op("add", "/new"), changed(new=None), OPEN),
    ("no value to replace by", op("replace", "/text"), changed(text=None), OPEN),
    ("no value to test", op("test", "/nothing"), DOCUMENT, OPEN),
    ("the whole becomes a list", op("replace", "", value=[]), [], OPEN),
    ("the whole is copied into itself", fro("copy", "", "/new"), changed(new=DOCUMENT), OPEN),
    ("a child becomes the whole", fro("move", "/object", ""), {"x": {"y": 1}}, OPEN),
]


@pytest.mark.parametrize(("meaning", "operation", "expected"), APPLIES, ids=[case[0] for case in APPLIES])
def test_what_applies(meaning, operation, expected):
    result = outcome(DOCUMENT, [operation])
    assert (result.applies, result.firmness) == (True, MUST), result.why
    assert json_equal(result.value, expected)


@pytest.mark.parametrize(("meaning", "operation", "firmness"), REFUSED, ids=[case[0] for case in REFUSED])
def test_what_does_not_apply(meaning, operation, firmness):
    result = outcome(DOCUMENT, [operation])
    assert (result.applies, result.firmness) == (False, firmness)
    assert result.why


@pytest.mark.parametrize(("meaning", "operation", "expected", "firmness"), IN_DOUBT, ids=[case[0] for case in IN_DOUBT])
def test_what_applies_where_it_is_accepted(meaning, operation, expected, firmness):
    result = outcome(DOCUMENT, [operation])
    assert (result.applies, result.firmness) == (True, firmness)
    assert result.value == expected


def test_operations_follow_on_each_other_and_leave_the_value_alone():
    value = {"a": [1, {"b": 2}]}
    steps = [
        op("add", "/a/-", value=3),
        fro("copy", "/a/1", "/c"),
        op("replace", "/c/b", value=9),
        op("remove", "/a/0"),
    ]
    assert outcome(value, steps).value == {"a": [{"b": 2}, 3], "c": {"b": 9}}
    assert value == {"a": [1, {"b": 2}]}
    assert not outcome(value, [*steps, op("test", "/a/0/b", value=9)]).applies


def test_a_copy_is_no_alias():
    added = {"b": 1}
    result = outcome({}, [op("add", "/a", value=added), op("replace", "/a/b", value=2)])
    assert result.value == {"a": {"b": 2}}
    assert added == {"b": 1}


def test_a_patch_is_as_firm_as_its_least_firm_operation():
    assert outcome(DOCUMENT, [op("add", "/x"), op("remove", "/missing")]).firmness == OPEN
    assert outcome(DOCUMENT, [op("test", "/whole", value=1.0), op("remove", "/text")]).firmness == SHOULD


@pytest.mark.parametrize("names", [(), ("",), ("a/b", "m~n"), ("~1", 0, "~0"), ("é", "%2F", " ")])
def test_pointers_read_back(names):
    assert tokens(pointer(*names)) == [*map(str, names)]


def test_places_and_pointers_into_them():
    value = {"a": [{"b/c": 1}, []]}
    found = [pointer(*names) for names, _ in places(value)]
    assert found == ["/a", "/a/0", "/a/0/b~1c", "/a/1"]
    assert all(points_into(place, value) for place in found)
    assert not points_into("/a/b", value)
    assert not points_into("/a/01", value)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [("/a", "/a", True), ("/a", "/a/0", True), ("/a/0", "/a", True), ("", "/a", True), ("/a", "/ab", False)],
)
def test_related_pointers(one, other, expected):
    assert related(one, other) is expected
