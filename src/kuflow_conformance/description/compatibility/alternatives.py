"""Rules on alternatives (`anyOf`, `oneOf`, ``nullable``, subtypes), on `not` and on `if`."""

from __future__ import annotations

import itertools
from typing import TYPE_CHECKING, Any

from kuflow_conformance.description.compatibility.findings import judged
from kuflow_conformance.description.compatibility.flat import Flat, Group, Node, own, same, types_written, union
from kuflow_conformance.description.compatibility.keywords import Difference
from kuflow_conformance.description.compatibility.normal import Schemas, cover, without

if TYPE_CHECKING:
    from kuflow_conformance.description.compatibility.schemas import Comparison, Pair

MANY = 64
"""Combinations of alternatives that are looked at one by one."""


def compare(run: Comparison, pair: Pair, old: Flat, new: Flat) -> None:
    """Compare two nodes of which at least one has alternatives."""
    if len(old.groups) == len(new.groups) == 1:
        _aligned(run, pair, old, new)
        return
    before, after = (split(schemas, node, by_type=True) for schemas, node in ((run.old, pair.old), (run.new, pair.new)))
    if before is None or after is None:
        undecided(run, pair, "alternative", "the alternatives have changed", old, new)
        return
    _match(run, pair, before, after)


def _aligned(run: Comparison, pair: Pair, old: Flat, new: Flat) -> None:
    """Both have alternatives beside other keywords."""
    (before,), (after,) = old.groups, new.groups
    rests = without(pair.old, old.groups), without(pair.new, new.groups)
    run.plain(pair, run.old.flat(rests[0]), run.new.flat(rests[1]))
    if before.keyword == after.keyword == "nullable":
        run.child(pair, "", before.branches[0], after.branches[0])
        return
    _match(run, pair, list(before.branches), list(after.branches))
    if before.keyword != after.keyword and "oneOf" in (before.keyword, after.keyword):
        narrower = after.keyword == "oneOf"
        schemas, group = (run.new, after) if narrower else (run.old, before)
        if len(group.branches) > 1 and not _exclusive(run, schemas, group):
            what = "only one of the alternatives may fit now" if narrower else "several of the alternatives may fit now"
            run.add(pair, Difference("alternative", what, narrower, not narrower, after.keyword), old, new)


def _exclusive(run: Comparison, schemas: Schemas, group: Group) -> bool:
    return all(run.values.disjoint(schemas, one, other) for one, other in itertools.combinations(group.branches, 2))


def split(schemas: Schemas, node: Node, *, by_type: bool = False) -> list[Node] | None:
    """The node as alternatives without alternatives in them, each of one type; None when there are too many."""
    work, done = [schemas.expand(node)], []
    while work:
        current = work.pop()
        groups = schemas.flat(current).groups
        if not groups:
            types = sorted(types_written(schemas.flat(current).types)) if by_type else []
            done += [schemas.expand((*current, own({"type": name}))) for name in types] if types[1:] else [current]
            continue
        rest = without(current, groups[:1])
        work += [schemas.expand(union(rest, branch)) for branch in reversed(groups[0].branches)]
        if len(work) + len(done) > MANY:
            return None
    return done


def listed(schemas: Schemas, node: Node) -> list[Any] | None:
    """All values that the alternatives of a node may allow, when they can be listed."""
    branches = split(schemas, node)
    values: list[Any] = []
    for branch in branches or ():
        finite = schemas.flat(branch).finite
        if finite is None:
            return None
        values += [value for value in finite if not any(same(value, other) for other in values)]
    return values if branches else None


def name_of(schemas: Schemas, node: Node) -> str:
    """The name of a schema that is an alternative; empty when it has none."""
    for part in node:
        raw = schemas.raw(part)
        if isinstance(raw, dict) and isinstance(raw.get("$ref"), str):
            return str(raw["$ref"]).rpartition("/")[2]
        if part.pointer.count("/") == 3 and part.pointer.startswith("/components/schemas/"):
            return part.pointer.rpartition("/")[2]
    return ""


def _match(run: Comparison, pair: Pair, before: list[Node], after: list[Node]) -> None:
    """Find for each alternative its counterpart; what has none is gone, or new."""
    names = [name_of(run.old, node) for node in before]
    names_now = [name_of(run.new, node) for node in after]
    pairs: dict[int, int] = {}
    for test in ("named", "alike", "safe", "only"):
        for one in (index for index in range(len(before)) if index not in pairs):
            for other in (index for index in range(len(after)) if index not in pairs.values()):
                if test == "named":
                    fits = bool(names[one]) and names[one] == names_now[other]
                elif test == "only":
                    fits = _last(run, before, after, one, other, pairs) and not (names[one] and names_now[other])
                else:
                    fits = bool(getattr(run.pair(before[one], after[other]), test))
                if fits:
                    pairs[one] = other
                    break
    for one, other in sorted(pairs.items()):
        label = f" {names[one] or f'#{one + 1}'}" if names[one] or len(before) > 1 else ""
        run.child(pair, label, before[one], after[other])
    gone = [one for one in range(len(before)) if one not in pairs]
    come = [other for other in range(len(after)) if other not in pairs.values()]
    _unmatched_branches(run, pair, [(before[i], names[i], i) for i in gone], after, lost=True)
    _unmatched_branches(run, pair, [(after[i], names_now[i], i) for i in come], before, lost=False)


def _last(run: Comparison, old: list[Node], new: list[Node], one: int, other: int, pairs: dict[int, int]) -> bool:
    """Whether two alternatives are the only ones of their type that have no counterpart."""
    types, types_now = run.old.flat(old[one]).types, run.new.flat(new[other]).types
    rivals = [i for i in range(len(old)) if i not in pairs and run.old.flat(old[i]).types & types_now]
    rivals_now = [i for i in range(len(new)) if i not in pairs.values() and run.new.flat(new[i]).types & types]
    return rivals == [one] and rivals_now == [other]


def _unmatched_branches(
    run: Comparison, pair: Pair, branches: list[tuple[Node, str, int]], others: list[Node], *, lost: bool
) -> None:
    """Alternatives without a counterpart are gone, or new.

    One without a name may be plainly contained in another; one with a name means something of its own.
    """
    schemas = run.old if lost else run.new
    for node, name, index in branches:
        flat = schemas.flat(node)
        if not flat.types:
            continue
        named = bool(name)
        name = name or ("null" if flat.types == {"null"} else f"#{index + 1}")
        level, reason = judged(lost, not lost, run.sent)
        if lost == run.sent and not named:
            pairs = (run.pair(node, other) if lost else run.pair(other, node) for other in others)
            if any(other.within for other in pairs):
                level, reason = "compatible", "another alternative allows all of it"
        what = f"the alternative {name} is {'gone' if lost else 'new'}"
        run.find(pair, level, "alternative", f" {name}", what, reason)
        cover(schemas, [node])


def undecided(run: Comparison, pair: Pair, kind: str, what: str, old: Flat, new: Flat, keyword: str = "") -> None:
    """Something has changed of which the rules do not know what follows; a proof may."""
    lost = not run.values.proved((run.old, pair.old), (run.new, pair.new))
    gained = not run.values.proved((run.new, pair.new), (run.old, pair.old))
    harmful = lost if run.sent else gained
    difference = Difference(kind, what, None if harmful else lost, None if harmful else gained, keyword)
    run.add(pair, difference, old, new)
    cover(run.old, [pair.old])
    cover(run.new, [pair.new])


def without_consequence(schemas: Schemas, node: Node) -> None:
    """Note the conditions of which nothing follows."""
    for part in node:
        raw = schemas.raw(part)
        if isinstance(raw, dict) and not part.pointer.startswith("!"):
            idle = {"if"} if not raw.keys() & {"then", "else"} else {"then", "else"} if "if" not in raw else set()
            for keyword in idle & raw.keys():
                schemas.document.cover(f"{part.pointer}/{keyword}")


def conditions(run: Comparison, pair: Pair, old: Flat, new: Flat) -> None:
    """Compare `not`, `if` and `contains`."""
    _nots(run, pair, old, new)
    _contained(run, pair, old, new)
    _ifs(run, pair, old, new)


def _equal(run: Comparison, one: Node, other: Node) -> bool:
    return run.pair(one, other).alike


def _unmatched(run: Comparison, old: list[Node], new: list[Node]) -> tuple[list[Node], list[Node]]:
    rest, gone = list(new), []
    for node in old:
        match = next((other for other in rest if _equal(run, node, other)), None)
        if match is None:
            gone.append(node)
        else:
            rest.remove(match)
    return gone, rest


def _nots(run: Comparison, pair: Pair, old: Flat, new: Flat) -> None:
    gone, come = _unmatched(run, old.nots, new.nots)
    if not gone and not come:
        return
    cover(run.old, gone)
    cover(run.new, come)
    if len(gone) == len(come) == 1:
        wider = run.values.proved((run.old, gone[0]), (run.new, come[0]))
        narrower = run.values.proved((run.new, come[0]), (run.old, gone[0]))
        known = wider or narrower
        what = "what is excluded has changed"
        lost, gained = (not narrower, not wider) if known else (None, None)
        run.add(pair, Difference("not", what, lost, gained, "not"), old, new)
    elif not gone or not come:
        what = "something is excluded now" if come else "nothing is excluded any more"
        run.add(pair, Difference("not", what, bool(come), bool(gone), "not"), old, new)
    else:
        undecided(run, pair, "not", "what is excluded has changed", old, new, "not")


def _contained(run: Comparison, pair: Pair, old: Flat, new: Flat) -> None:
    gone, come = _unmatched(run, old.contains, new.contains)
    limited = any("maxContains" in flat.bounds for flat in (old, new))
    if len(gone) == len(come) == 1 and not limited:
        run.child(pair, "[contains]", gone[0], come[0])
    elif gone or come:
        cover(run.old, gone)
        cover(run.new, come)
        what = "some item has to be of a certain kind now" if come else "no item has to be of a certain kind any more"
        if gone and come:
            undecided(run, pair, "contains", "what has to be contained has changed", old, new, "contains")
        else:
            run.add(pair, Difference("contains", what, bool(come), bool(gone), "contains"), old, new)


def _ifs(run: Comparison, pair: Pair, old: Flat, new: Flat) -> None:
    rest, gone = list(new.conditions), []
    for condition in old.conditions:
        match = next((c for c in rest if all(map(lambda a, b: _equal(run, a, b), condition, c))), None)
        if match:
            rest.remove(match)
        else:
            gone.append(condition)
    if not gone and not rest:
        return
    cover(run.old, itertools.chain(*gone))
    cover(run.new, itertools.chain(*rest))
    if len(gone) == len(rest) == 1 and _equal(run, gone[0][0], rest[0][0]):
        run.child(pair, " then", gone[0][1], rest[0][1])
        run.child(pair, " else", gone[0][2], rest[0][2])
    elif gone and rest:
        undecided(run, pair, "condition", "what depends on a condition has changed", old, new, "if")
    else:
        what = "something depends on a condition now" if rest else "nothing depends on a condition any more"
        run.add(pair, Difference("condition", what, bool(rest), bool(gone), "if"), old, new)
