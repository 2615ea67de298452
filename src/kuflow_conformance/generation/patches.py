"""JSON documents with patches on them: each operation on each kind of place, by each form of pointer.

Patches that apply are long, with a part of the document for each case, so that one request stands for many cases.
What must not apply is one patch each.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import combinations, permutations
from typing import Any, NamedTuple

from hypothesis import strategies as st

from kuflow_conformance.oracles.json_patch import MUST, Firmness, JsonPatch, outcome
from kuflow_conformance.oracles.pointers import places, pointer, tokens

Operation = dict[str, Any]


class Patch(NamedTuple):
    """A document and the operations on it."""

    document: dict[str, Any]
    operations: JsonPatch


NAMES = (
    *("plain", "-", "0", "1", "01", "-1", "a/b", "/", "//", "m~n", "~", "~0", "~1", "~01", "a~1b", "~~", "/~1/~0"),
    *(
        "%41",
        "%2F",
        "é",
        "e\u0301",
        "ключ",
        "\U0001f680",
        "with space",
        " ",
        'q"\\',
        "#",
        "#/a",
        "a,b",
        "+1",
        "1.0",
        "1e0",
    ),
    *("value", "path", "from", "op", "null", "n" * 100),
)
"""Names that pointers may get wrong: those that look like indexes, escapes, or something else."""

ODD_NAMES = ("", "a.b", "$ref", "^a", "a[0]", "*", "\n")
"""Names that a database may refuse."""

KINDS: tuple[Any, ...] = (None, True, False, 0, 1.5, "", "text", [], [1, [2]], {}, {"a": {"b": [None]}})
"""What an operation may bring, and what it may meet."""


def operation(name: str, *path: str | int, **more: Any) -> Operation:
    return {"op": name, "path": pointer(*path), **more}


def relocation(name: str, source: tuple[str | int, ...], target: tuple[str | int, ...]) -> Operation:
    return {"op": name, "from": pointer(*source), "path": pointer(*target)}


# What applies


def _by_name(name: str) -> tuple[Any, JsonPatch]:
    """Each operation on a member of this name, there and not there."""
    old, rest = {name: "old"}, {name: "old", "rest": 1}
    document: dict[str, Any] = {
        **{area: {"rest": 1} for area in ("added", "moved to", "copied to")},
        **dict.fromkeys(("added over", "replaced", "removed", "tested", "moved", "copied", "moved over"), rest),
        "below": {name: {name: old, "list": [old]}},
    }
    operations = [
        operation("add", "added", name, value="new"),
        operation("add", "added over", name, value="new"),
        operation("replace", "replaced", name, value="new"),
        operation("remove", "removed", name),
        operation("test", "tested", name, value="old"),
        relocation("move", ("moved", name), ("moved", "new")),
        relocation("move", ("moved to", "rest"), ("moved to", name)),
        relocation("move", ("moved over", "rest"), ("moved over", name)),
        relocation("copy", ("copied", name), ("copied", "new")),
        relocation("copy", ("copied to", "rest"), ("copied to", name)),
        operation("add", "below", name, name, "new", value=1),
        operation("replace", "below", name, "list", 0, name, value=None),
    ]
    return document, operations


def _by_kind(kind: Any) -> tuple[Any, JsonPatch]:
    """Each operation on a value of this kind, in objects and lists, and with it."""
    document = {"there": kind, "list": [kind, "rest", kind], "gone": {"x": kind}, "free": {}, "over": [1, {"x": 1}]}
    operations = [
        operation("test", "there", value=kind),
        operation("test", "list", 2, value=kind),
        relocation("copy", ("there",), ("free", "copied")),
        relocation("copy", ("list", 0), ("free", "from list")),
        relocation("move", ("gone", "x"), ("free", "moved")),
        operation("remove", "list", 0),
        operation("add", "list", "-", value=kind),
        operation("add", "list", 1, value=[kind]),
        operation("add", "free", "added", value=kind),
        operation("replace", "over", 0, value=kind),
        operation("replace", "over", 1, "x", value={"x": kind}),
        operation("replace", "there", value="replaced"),
    ]
    return document, operations


def _lists() -> Iterator[tuple[Any, JsonPatch]]:
    """Each operation at each index of lists of objects, lists and scalars."""
    for index in (0, 1, 2):
        yield [1, 2, 3], [operation("remove", index)]
        yield [1, 2, 3], [operation("replace", index, value="new")]
        yield [[1], [2], [3]], [operation("add", index, 0, value="new"), operation("remove", index, 1)]
        yield [{"a": 1}, {"a": 2}, {"a": 3}], [operation("replace", index, "a", value="new")]
        yield [1, 2, 3], [operation("test", index, value=index + 1)]
    for place in (0, 1, 3, "-"):
        yield [1, 2, 3], [operation("add", place, value="new")]
        yield [1, 2, 3], [operation("add", place, value=["new"])]
    for place in (0, "-"):
        yield [], [operation("add", place, value="new"), operation("add", place, value="newer")]
    for source, target in permutations((0, 1, 2), 2):
        yield [1, 2, 3], [relocation("move", (source,), (target,))]
        yield [1, 2, 3], [relocation("copy", (source,), (target,))]
    yield (
        [1, 2, 3],
        [relocation("move", (0,), ("-",)), relocation("copy", (0,), ("-",)), relocation("copy", (1,), (4,))],
    )
    yield [[1, 2], [3]], [relocation("move", (0, 1), (1, 0)), relocation("copy", (1,), (0, "-"))]
    yield [1, 2, 3], [operation("remove", 0), operation("remove", 0), operation("remove", 0)]
    long = [*range(12)]
    yield long, [operation("remove", 11), operation("replace", 10, value="new"), operation("add", 11, value="last")]


def _objects() -> Iterator[tuple[Any, JsonPatch]]:
    """What operations on objects may get wrong."""
    tree = {"a": {"b": {"c": 1}}, "d": [1]}
    yield tree, [relocation("move", ("a", "b"), ("a",))]
    yield tree, [relocation("copy", ("a",), ("a", "b", "a"))]
    yield tree, [relocation("copy", ("a",), ("e",)), operation("replace", "e", "b", "c", value=2)]
    yield tree, [relocation("copy", ("a",), ("e",)), operation("replace", "a", "b", "c", value=2)]
    yield tree, [relocation("move", ("a",), ("a",)), relocation("move", ("d", 0), ("d", 0))]
    yield {"a": 1, "ab": 2}, [relocation("move", ("a",), ("ab",))]
    yield {"0": {"x": 1}, "01": {"y": 2}}, [relocation("move", ("0",), ("01", "z"))]
    yield tree, [operation("test", "a", value={"b": {"c": 1}}), operation("test", "d", value=[1])]
    yield {"x": {"m": 1, "n": [True]}}, [operation("test", "x", value={"n": [True], "m": 1})]
    yield tree, [operation("add", "a", value=1), operation("test", "a", value=1), operation("remove", "a")]
    yield tree, [operation("add", "d", value=[]), *(operation("add", "d", "-", value=number) for number in range(12))]


def _joined(cases: Iterator[tuple[Any, JsonPatch]], most: int = 48) -> Iterator[Patch]:
    """Cases, each in a part of one document, with about so many operations a patch."""
    document: dict[str, Any] = {}
    operations: JsonPatch = []
    for number, (part, steps) in enumerate(cases):
        area = f"part {number}"
        document[area] = part
        for step in steps:
            moved = {name: pointer(area) + step[name] for name in ("path", "from") if name in step}
            operations.append(step | moved)
        if len(operations) >= most:
            yield Patch(document, operations)
            document, operations = {}, []
    if operations:
        yield Patch(document, operations)


def halves(patch: Patch) -> list[Patch]:
    """A patch of several parts as two; none where it has only one."""
    areas = [*patch.document]
    middle = len(areas) // 2
    if not middle or any(len(step["path"].split("/")) < 2 for step in patch.operations):
        return []
    found = []
    for half in (areas[:middle], areas[middle:]):
        operations = [step for step in patch.operations if tokens(step["path"])[0] in half]
        found.append(Patch({area: patch.document[area] for area in half}, operations))
    return found


WHOLE = {"text": "one", "list": [1, {"a": None}], "object": {"x": {}}}


def applicable() -> list[Patch]:
    """Every operation × kind of place × form of pointer, in a few long patches."""
    return [
        *_joined(map(_by_name, NAMES)),
        *_joined(map(_by_kind, KINDS)),
        *_joined(_lists()),
        *_joined(_objects()),
        Patch({"list": []}, [operation("add", "list", "-", value=number) for number in range(150)]),
        Patch(WHOLE, [operation("test", value=WHOLE), operation("replace", value={"all": {"new": [1]}})]),
        Patch(WHOLE, [operation("add", value={"a": 1}), operation("add", "b", value=2), operation("remove", "a")]),
    ]


def with_odd_names() -> list[Patch]:
    """As `applicable`, with names that a database may refuse: each a patch of its own."""
    return [*_joined(map(_by_name, ODD_NAMES), most=1)]


# What does not apply, is open, or depends on how strictly numbers are read

BASE: dict[str, Any] = {
    "text": "one",
    "number": 1,
    "real": 1.5,
    "yes": True,
    "nothing": None,
    "list": [1, 2, 3],
    "rows": [{"name": "a", "x": {}}, {"name": "b", "x": {}}],
    "object": {"inner": {"leaf": "value"}},
    "empty": {},
    "none": [],
}

_INDEXES = ("3", "9", "-", "01", "00", "-1", "-0", "+1", "1.0", "1e0", "0x1", "", " 1", "x", "1x", "99999999999")
_ABSENT = (
    "missing",
    "Text",
    "text ",
    "",
    "0",
    "-",
    "a~1b",
    "%74ext",
    "te\u0301xt",
    "__proto__",
    "constructor",
    "length",
)
_SCALARS = ("text", "number", "yes", "nothing")


def _aimed(path: tuple[str, ...]) -> Iterator[Operation]:
    """Every operation at a place."""
    yield operation("remove", *path)
    yield operation("replace", *path, value=1)
    yield operation("test", *path, value=1)
    yield operation("add", *path, value=1)
    yield relocation("move", path, ("new",))
    yield relocation("copy", path, ("new",))
    yield relocation("move", ("text",), path)
    yield relocation("copy", ("text",), path)


def _everywhere_else() -> Iterator[Operation]:
    for index in _INDEXES:
        yield from _aimed(("list", index))
    for name in _ABSENT:
        yield from _aimed((name,))
        yield from _aimed(("missing", name))
    for name in _SCALARS:
        yield from (step for child in ("0", "x", "length", "") for step in _aimed((name, child)))
    for path in (
        ("none", "0"),
        ("empty", "x", "y"),
        ("rows", "0", "x", "y", "z"),
        ("list", "0", "0"),
        ("rows", "name"),
    ):
        yield from _aimed(path)
    for absent in ("missing", "object/missing", "list/3", "text/x"):
        yield operation("test", *absent.split("/"), value=None)
    for name in ("object", "rows"):
        yield relocation("move", (name,), (name, 0))
    yield relocation("move", ("object",), ("object", "inner", "x"))
    yield relocation("move", ("object", "inner"), ("object", "inner", "leaf", "x"))
    yield relocation("move", ("rows", 0), ("rows", 0, "y"))
    yield relocation("move", ("rows", 1), ("rows", 1, "x", "y"))
    yield relocation("move", (), ("object", "x"))
    for written in ("text", "text/0", "object/inner", "#/text", "./text"):
        yield {"op": "replace", "path": written, "value": 1}
        yield {"op": "move", "from": written, "path": "/new"}


def inapplicable(firmness: Firmness = MUST) -> list[JsonPatch]:
    """Patches of one operation on `BASE` that have to be refused so firmly."""
    return [[step] for step in _everywhere_else() if _verdict(step) == (False, firmness)]


def _verdict(step: Operation) -> tuple[bool, Firmness]:
    result = outcome(BASE, [step])
    return result.applies, result.firmness


_ALIKE: tuple[tuple[Any, ...], ...] = (
    (None, False, 0, "", [], {}, "null"),
    (1, True, "1", [1], "true", 1.5, -1, 2),
    ([1, 2], [2, 1], [1, 2, 2], [[1, 2]], [1], {"0": 1, "1": 2}),
    ({"a": 1}, {"a": 1, "b": None}, {"A": 1}, {"a": True}, {"a": "1"}, {"b": 1}),
    ("a", "A", "a ", "\ta"),
    ("é", "e\u0301", "e"),
    ({"x": [{"y": 1}]}, {"x": [{"y": 2}]}, {"x": [{"y": 1}, {}]}, {"x": [{}]}),
)


def unequal() -> list[Patch]:
    """The test operation on pairs that careless comparisons take for equal."""
    pairs = [pair for values in _ALIKE for pair in combinations(values, 2)]
    document = {f"value {number}": one for number, (one, _) in enumerate(pairs)}
    return [
        Patch(document, [operation("test", f"value {number}", value=other)]) for number, (_, other) in enumerate(pairs)
    ]


EQUAL_NUMBERS = Patch(
    {"whole": 1, "real": 1.5, "list": [10, {"x": -2}]},
    [
        operation("test", "whole", value=1.0),
        operation("test", "list", value=[10.0, {"x": -2.0}]),
    ],
)
"""Numbers that are equal by value (RFC 6902 section 4.6)."""

OPEN_TO_READING: tuple[tuple[str, JsonPatch], ...] = (
    ("add without value", [{"op": "add", "path": "/new"}]),
    ("replace without value", [{"op": "replace", "path": "/text"}]),
    ("test of null without value", [{"op": "test", "path": "/nothing"}]),
    ("a member that no operation has", [{"op": "add", "path": "/new", "value": 1, "comment": "x"}]),
    ("an escape that is none", [{"op": "add", "path": "/~2", "value": 1}]),
    ("a tilde at the end", [{"op": "add", "path": "/x~", "value": 1}]),
    ("remove the whole", [{"op": "remove", "path": ""}]),
    ("replace the whole by a list", [{"op": "replace", "path": "", "value": [1]}]),
    ("copy the whole into itself", [{"op": "copy", "from": "", "path": "/new"}]),
    ("move a child to the whole", [{"op": "move", "from": "/object", "path": ""}]),
)
"""What may be refused or carried out."""

MALFORMED: tuple[tuple[str, Any], ...] = (
    ("no operation", []),
    ("unknown operation", [{"op": "merge", "path": "/text", "value": 1}]),
    ("operation in capitals", [{"op": "ADD ALL", "path": "/text", "value": 1}]),
    ("no op", [{"path": "/text", "value": 1}]),
    ("no path", [{"op": "add", "value": 1}]),
    ("move without from", [{"op": "move", "path": "/x"}]),
    ("copy without from", [{"op": "copy", "path": "/x"}]),
    ("a path that is a list", [{"op": "add", "path": ["text"], "value": 1}]),
    ("an op that is an object", [{"op": {"add": 1}, "path": "/text", "value": 1}]),
    ("an object", {"op": "add", "path": "/text", "value": 1}),
    ("a text as operation", ["add"]),
    ("an operation in a list of its own", [[{"op": "add", "path": "/text", "value": 1}]]),
)


# What is drawn


@st.composite
def patches(draw: st.DrawFn, values: st.SearchStrategy[Any]) -> Patch:
    """A document, and up to a dozen operations, each on what the ones before have left."""
    document = draw(st.dictionaries(st.sampled_from(NAMES), values, min_size=2, max_size=6))
    operations: JsonPatch = []
    now: Any = document
    for _ in range(draw(st.integers(4, 12))):
        step = draw(_operations(now, values))
        result = outcome(now, [step])
        if result.applies and result.firmness == MUST:
            operations.append(step)
            now = result.value
    return Patch(document, operations or [operation("test", value=document)])


def _operations(document: Any, values: st.SearchStrategy[Any]) -> st.SearchStrategy[Operation]:
    there = st.sampled_from([names for names, _ in places(document)] or [()])
    names = st.sampled_from(NAMES)
    free = st.one_of(there, st.builds(lambda path, name: (*path, name), there, names), names.map(lambda name: (name,)))
    end = there.map(lambda path: (*path, "-"))
    return st.one_of(
        st.builds(lambda path, value: operation("add", *path, value=value), st.one_of(free, end), values),
        st.builds(lambda path, value: operation("replace", *path, value=value), there, values),
        there.map(lambda path: operation("remove", *path)),
        st.builds(relocation, st.sampled_from(("move", "copy")), there, st.one_of(free, end)),
        there.map(lambda path: operation("test", *path, value=_at(document, path))),
    )


def _at(document: Any, path: tuple[str | int, ...]) -> Any:
    for name in path:
        document = document[name]
    return document
