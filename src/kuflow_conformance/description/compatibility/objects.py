"""Rules on objects: their properties, which of them are required, and which others may be there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from kuflow_conformance.description.compatibility.flat import ANYTHING, Flat, Node, matches, own, union
from kuflow_conformance.description.compatibility.keywords import Difference
from kuflow_conformance.description.compatibility.normal import Schemas, cover
from kuflow_conformance.description.compatibility.values import pinned

if TYPE_CHECKING:
    from kuflow_conformance.description.compatibility.schemas import Comparison, Pair

_NAME = (own({"type": "string"}),)


def compare(run: Comparison, pair: Pair, old: Flat, new: Flat) -> None:
    """Compare two nodes as far as they allow objects."""
    _discriminators(run, pair, old, new)
    for schemas, flat in ((run.old, old), (run.new, new)):
        for node in flat.hidden.values():
            cover(schemas, [node])
    for name, node in old.properties.items():
        if name in new.properties:
            _both(run, pair, old, new, name)
        else:
            _removed(run, pair, old, new, name, node)
    for name, node in new.properties.items():
        if name not in old.properties:
            _added(run, pair, old, new, name, node)
    _required(run, pair, old, new)
    _further(run, pair, old, new)
    _dependent(run, pair, old, new)
    if old.names or new.names:
        run.child(pair, " names", union(old.names or (), _NAME), union(new.names or (), _NAME))


def never(schemas: Schemas, node: Node | None) -> bool:
    """Whether a node allows nothing."""
    return node is not None and not schemas.flat(node).types


def other(flat: Flat, name: str) -> Node | None:
    """What a property that is not described by name has to be; None where nothing is said of it."""
    patterned = [node for pattern, node in flat.patterned.items() if matches(pattern, name)]
    return union(*patterned) if patterned else flat.additional


def _both(run: Comparison, pair: Pair, old: Flat, new: Flat, name: str) -> None:
    place, before, after = f"/{name}", old.properties[name], new.properties[name]
    if name in new.hidden and name not in old.hidden:
        text = "readOnly now", "what clients send is ignored, or refused"
        run.find(pair, "risky", "property-removed", place, *text, old, new, "properties", shown=False)
        return
    if name in old.hidden and name not in new.hidden:
        text = "it may be sent now", "nobody sends it yet"
        run.find(pair, "compatible", "property-added", place, *text, old, new, "properties")
        cover(run.new, [after])
        return
    if name in old.pins and name in new.pins:
        before, after = pinned(run.old, before, old.pins[name]), pinned(run.new, after, new.pins[name])
    below = run.child(pair, place, before, after)
    _default(run, pair, old, new, name, below)


def _default(run: Comparison, pair: Pair, old: Flat, new: Flat, name: str, below: Pair) -> None:
    before, after = run.old.flat(below.old), run.new.flat(below.new)
    if before.default == after.default or name in old.required or name in old.hidden:
        return
    words, other_words = (f.default[0] if f.default else "none" for f in (before, after))
    what = f"default {words} is now {other_words}"
    where = _below(new, "properties", name)
    old.where[where] = before.where.get("default", "")
    if run.sent and before.default:
        text = what, "clients that leave it out get something else"
        run.find(pair, "breaking", "default", f"/{name}", *text, old, new, where, shown=False)
    else:
        text = what, "see what follows when it is left out"
        run.find(pair, "risky", "default", f"/{name}", *text, old, new, where, shown=False)


def _removed(run: Comparison, pair: Pair, old: Flat, new: Flat, name: str, node: Node) -> None:
    place, fallback = f"/{name}", other(new, name)
    described = _below(old, "properties", name)
    cover(run.old, [node])
    if not run.sent:
        run.find(
            pair,
            "breaking",
            "property-removed",
            place,
            "it is gone",
            "clients read it",
            old,
            new,
            described,
            shown=False,
        )
    elif name in old.hidden:
        run.find(pair, "compatible", "property-removed", place, "it is gone", "clients do not send it", old, new)
    elif never(run.new, fallback):
        run.find(
            pair, "breaking", "property-removed", place, "it is refused now", "clients send it", old, new, described
        )
    else:
        text = "it is gone", "what clients send is ignored"
        run.find(pair, "risky", "property-removed", place, *text, old, new, described, shown=False)
        if fallback:
            run.child(pair, place, node, fallback)


def _added(run: Comparison, pair: Pair, old: Flat, new: Flat, name: str, node: Node) -> None:
    place, fallback = f"/{name}", other(old, name)
    cover(run.new, [node])
    described = _below(new, "properties", name)
    if never(run.old, fallback) and not run.sent:
        text = "it is new, and no further properties were expected", "clients may refuse it"
        run.find(pair, "breaking", "property-added", place, *text, old, new, described)
        return
    if run.sent and name in new.required:
        return  # said below
    constrained = run.new.expand(node) != () and run.sent and name not in new.hidden
    if fallback == ANYTHING and constrained and not run.pair(ANYTHING, node).safe:
        text = "it is new", "clients may have sent something else under that name"
        run.find(pair, "risky", "property-added", place, *text, old, new, described, shown=False)
    elif never(run.new, node):
        text = "it must not be there now", "clients may have sent it"
        run.find(pair, "risky", "property-added", place, *text, old, new, described, shown=False)
    else:
        run.find(pair, "compatible", "property-added", place, "it is new", "it may be ignored", old, new, described)
    if fallback and not never(run.old, fallback):
        run.child(pair, place, fallback, node)


def _below(flat: Flat, keyword: str, name: str) -> str:
    """The keyword under which the place of a property is known."""
    node = flat.properties.get(name, ())
    pointer = next((part.pointer for part in node if not part.pointer.startswith("!")), "")
    key = f"{keyword}/{name}"
    if pointer:
        flat.where[key] = pointer
    return key


def _required(run: Comparison, pair: Pair, old: Flat, new: Flat) -> None:
    for name in sorted(new.required - old.required):
        place = f"/{name}"
        if run.sent:
            text = "it is required now", "clients may omit it"
            run.find(pair, "breaking", "property-required", place, *text, old, new, "required")
        else:
            text = "it is always there now", "more to rely on"
            run.find(pair, "compatible", "property-required", place, *text, old, new, "required")
    for name in sorted(old.required - new.required):
        place = f"/{name}"
        if run.sent:
            if name in new.hidden and name not in old.hidden:
                continue
            text = "it is optional now", "sending it is right"
            run.find(pair, "compatible", "property-optional", place, *text, old, new, "required")
        elif name in new.properties or name not in old.properties:
            text = "it may be missing now", "clients rely on it"
            run.find(pair, "breaking", "property-optional", place, *text, old, new, "required")


def _further(run: Comparison, pair: Pair, old: Flat, new: Flat) -> None:
    for pattern, node in old.patterned.items():
        run.child(pair, f"/~{pattern}", node, new.patterned.get(pattern, new.additional or ANYTHING))
    for pattern, node in new.patterned.items():
        if pattern not in old.patterned:
            run.child(pair, f"/~{pattern}", old.additional or ANYTHING, node)
    before, after = old.additional or ANYTHING, new.additional or ANYTHING
    closed, closed_now = never(run.old, before), never(run.new, after)
    if closed != closed_now:
        what = "further properties are " + ("refused now" if closed_now else "allowed now")
        run.add(pair, Difference("additional-properties", what, closed_now, closed, "additionalProperties"), old, new)
        for schemas, node in ((run.old, before), (run.new, after)):
            cover(schemas, [node])
    elif not closed:
        run.child(pair, "/*", before, after)
    before_rest, after_rest = old.unevaluated_properties, new.unevaluated_properties
    if before_rest or after_rest:
        run.child(pair, "/*", before_rest or ANYTHING, after_rest or ANYTHING)


def _dependent(run: Comparison, pair: Pair, old: Flat, new: Flat) -> None:
    keyword = "dependentRequired"
    for name in sorted(old.dependent_required.keys() | new.dependent_required.keys()):
        before, after = (flat.dependent_required.get(name, frozenset()) for flat in (old, new))
        if more := after - before - old.required:
            what = f"with {name}, {', '.join(sorted(more))} is required now"
            run.add(pair, Difference("property-required", what, True, False, keyword), old, new, f"/{name}")
        if less := before - after - new.required:
            what = f"with {name}, {', '.join(sorted(less))} may be missing now"
            run.add(pair, Difference("property-optional", what, False, True, keyword), old, new, f"/{name}")
    for name in sorted(old.dependent.keys() | new.dependent.keys()):
        run.child(pair, f" with {name}", old.dependent.get(name, ANYTHING), new.dependent.get(name, ANYTHING))


def _discriminators(run: Comparison, pair: Pair, old: Flat, new: Flat) -> None:
    before, after = old.discriminators, new.discriminators
    if before == after:
        return
    words, other_words = (" and ".join(sorted(names)) or "none" for names in (before, after))
    what = f"the discriminator {words} is now {other_words}"
    if before and after:
        run.find(
            pair,
            "breaking",
            "discriminator",
            "",
            what,
            "clients tell by it what it is",
            old,
            new,
            "discriminator",
            shown=False,
        )
    else:
        risky = bool(after) == run.sent
        level = "risky" if risky else "compatible"
        reason = "clients may not know it" if run.sent else "clients may tell by it what it is"
        run.find(
            pair,
            level,
            "discriminator",
            "",
            what,
            reason if risky else "more to go by",
            old,
            new,
            "discriminator",
            shown=False,
        )
