"""Rules on what is exchanged: parameters, bodies, answers and headers.

`sent` says who writes: clients send the request of an operation and receive its answer; of a webhook or a callback they
receive the request and send the answer.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from kuflow_conformance.description.compatibility import media
from kuflow_conformance.description.compatibility.document import At
from kuflow_conformance.description.compatibility.flat import ANYTHING, Node, Part

if TYPE_CHECKING:
    from kuflow_conformance.description.compatibility.operations import Walk

NOT_PARAMETERS = ("accept", "content-type", "authorization")
"""Headers that are described elsewhere (OpenAPI 3.0.4 section 4.7.12.1)."""

STYLES = {"query": "form", "cookie": "form", "path": "simple", "header": "simple"}

_SEND, _WAIT = "clients send it", "clients wait for it"


def parameters(walk: Walk, old: dict[Any, At], new: dict[Any, At], *, sent: bool) -> None:
    """Compare the parameters of two operations, by location and name (path: by position)."""
    for key, parameter in old.items():
        place = f"{parameter.plain('in')} {parameter.plain('name')}"
        if key not in new:
            parameter.cover()
            reason = _SEND if sent else "clients read it"
            walk.add("breaking", "parameter-removed", place, "it is gone", reason, parameter)
        else:
            _parameter(walk, parameter, new[key], place, sent=sent)
    for key, parameter in new.items():
        if key in old:
            continue
        place = f"{parameter.plain('in')} {parameter.plain('name')}"
        parameter.cover()
        if parameter.plain("required") and sent:
            text = "it is new and required", "nobody sends it"
            walk.add("breaking", "parameter-required", place, *text, None, parameter)
        else:
            text = (
                "it is new and optional" if sent else "it is new",
                "it may be omitted" if sent else "it may be ignored",
            )
            walk.add("compatible", "parameter-added", place, *text, None, parameter)


def _parameter(walk: Walk, old: At, new: At, place: str, *, sent: bool) -> None:
    for at in (old, new):
        at.plain("in")
        at.plain("name")
    _needed(walk, old, new, "parameter", place, sent=sent)
    lists = _may_be(walk, old, new, {"array", "object"}, sent)
    structured = _may_be(walk, old, new, {"array", "object"}, sent) or old.value.get("in") in ("path",)
    style, style_now = (_style(at) for at in (old, new))
    if style != style_now and (
        structured or not {style, style_now} <= {"form", "spaceDelimited", "pipeDelimited", "deepObject"}
    ):
        what = f"style {style} is now {style_now}"
        walk.add("breaking", "style", place, what, "it is written otherwise", old, new, "style")
    explode, explode_now = (bool(at.plain("explode", s == "form")) for at, s in ((old, style), (new, style_now)))
    if explode != explode_now and lists:
        what = "each value is written by itself now" if explode_now else "all values are written in one now"
        walk.add("breaking", "style", place, what, "it is written otherwise", old, new, "explode")
    for key in ("allowEmptyValue", "allowReserved"):
        before, after = (bool(at.plain(key, False)) for at in (old, new))
        if before != after:
            narrower = before if sent else after
            words = {"allowEmptyValue": "an empty value", "allowReserved": "a reserved character"}[key]
            what = f"{words} is {'refused' if before else 'allowed'} now"
            level = "breaking" if narrower else "compatible"
            walk.add(level, "style", place, what, _SEND if narrower else "clients need not", old, new, key)
    _carried(walk, old, new, place, sent=sent)


def _needed(walk: Walk, old: At, new: At, kind: str, place: str, *, sent: bool) -> None:
    """Compare whether something has to be there."""
    before, after = bool(old.plain("required", False)), bool(new.plain("required", False))
    if after and not before:
        text = ("it is required now", "clients may omit it") if sent else ("it is always there now", "more to rely on")
        walk.add("breaking" if sent else "compatible", f"{kind}-required", place, *text, old, new, "required")
    elif before and not after:
        text = (
            ("it is optional now", "sending it is right") if sent else ("it may be missing now", "clients rely on it")
        )
        walk.add("compatible" if sent else "breaking", f"{kind}-optional", place, *text, old, new, "required")


def _style(at: At) -> str:
    return str(at.plain("style", STYLES.get(str(at.value.get("in", "header")), "simple")))


def _may_be(walk: Walk, old: At, new: At, types: set[str], sent: bool) -> bool:
    """Whether a parameter may be of one of these types, before and now."""
    comparison = walk.comparison(sent)
    for schemas, at in ((comparison.old, old), (comparison.new, new)):
        if isinstance(at.value.get("schema"), dict) and not walk.types(schemas, _schema(at)) & types:
            return False
    return True


def _schema(at: At) -> Node:
    return (Part(at.below("schema")),) if "schema" in at.value else ANYTHING


def _carried(walk: Walk, old: At, new: At, place: str, *, sent: bool) -> None:
    """Compare what a parameter or a header carries."""
    before, after = old.members("content"), new.members("content")
    if bool(before) != bool(after):
        for at in (old, new):
            at.document.cover(at.below("content" if "content" in at.value else "schema")) if at.value.keys() & {
                "content",
                "schema",
            } else None
        words = next(iter({**before, **after}))
        what = f"it is written as {words} now" if after else f"it is not written as {words} any more"
        walk.add("breaking", "style", place, what, "it is written otherwise", old, new, "content")
        return
    if before:
        _content(walk, before, after, place, sent=sent)
        return
    pair = walk.comparison(sent).pair(_schema(old), _schema(new), text=True)
    walk.report(pair, place)
    one, other = (
        schemas.flat(node).default
        for schemas, node in ((walk.comparison(sent).old, pair.old), (walk.comparison(sent).new, pair.new))
    )
    if one != other and not old.value.get("required"):
        words, other_words = (value[0] if value else "none" for value in (one, other))
        what = f"default {words} is now {other_words}"
        harmful = bool(one) and sent
        reason = "clients that leave it out get something else" if harmful else "see what follows when it is left out"
        walk.add("breaking" if harmful else "risky", "default", place, what, reason, old, new, "schema")


def body(walk: Walk, old: At | None, new: At | None, *, sent: bool) -> None:
    """Compare the bodies of two requests."""
    if old is None and new is None:
        return
    if new is None and old is not None:
        old.cover()
        walk.add("breaking", "body-removed", "body", "it is gone", _SEND if sent else _WAIT, old)
    elif old is None and new is not None:
        new.cover()
        required = bool(new.plain("required")) and sent
        kind, text = (
            ("body-required", "nobody sends it")
            if required
            else ("body-added", "it may be omitted" if sent else "it may be ignored")
        )
        what = "it is new and required" if required else "it is new"
        walk.add("breaking" if required else "compatible", kind, "body", what, text, None, new)
    elif old is not None and new is not None:
        _needed(walk, old, new, "body", "body", sent=sent)
        _content(walk, old.members("content"), new.members("content"), "body", sent=sent)


def _content(
    walk: Walk, old: dict[str, At], new: dict[str, At], place: str, *, sent: bool, answer: bool = False
) -> None:
    """Compare content by media type."""
    used: set[str] = set()
    for name, item in old.items():
        found = media.counterparts(name, new)
        if not found:
            item.cover()
            named = f"{place} {name}"
            if sent or answer:
                reason = _SEND if sent else "clients read it"
                walk.add("breaking", "media-type-removed", named, "it is gone", reason, item)
            else:
                walk.add("compatible", "media-type-removed", named, "it is gone", "clients get less", item)
            continue
        narrower = [other for other in found if media.wider(name, other)]
        if narrower and sent:
            named = ", ".join(narrower)
            what = f"of {name} only {named} is accepted now"
            walk.add("breaking", "media-type-removed", f"{place} {name}", what, "clients may send others", item)
        for other in found:
            used.add(other)
            if not sent and media.wider(other, name):
                what = f"{name} is now {other}"
                walk.add(
                    "risky",
                    "media-type-added",
                    f"{place} {other}",
                    what,
                    "clients may get something else",
                    item,
                    new[other],
                )
            _media(walk, item, new[other], name, place, sent=sent)
    for name, item in new.items():
        if name in used:
            continue
        item.cover()
        if sent or answer or not old:
            walk.add("compatible", "media-type-added", f"{place} {name}", "it is new", "a choice more", None, item)
        else:
            walk.add(
                "breaking", "media-type-added", f"{place} {name}", "it is new", "clients cannot read it", None, item
            )


def _media(walk: Walk, old: At, new: At, name: str, place: str, *, sent: bool) -> None:
    nodes: list[Node] = []
    for at in (old, new):
        nodes.append(_schema(at))
    comparison = walk.comparison(sent)
    binary = media.binary(name) and all(
        node == ANYTHING or media.BINARY in schemas.flat(node).encodings.values() or not schemas.expand(node)
        for schemas, node in zip((comparison.old, comparison.new), nodes, strict=True)
    )
    if binary:
        for at in (old, new):
            if "schema" in at.value:
                at.document.cover(at.below("schema"))
        return
    walk.report(comparison.pair(*nodes), place)
    before, after = old.members("encoding"), new.members("encoding")
    for key in before.keys() & after.keys():
        _encoding(walk, before[key], after[key], f"{place}/{key}", sent=sent)


def _encoding(walk: Walk, old: At, new: At, place: str, *, sent: bool) -> None:
    one, other = (str(at.plain("contentType", "")) for at in (old, new))
    if one != other:
        before, after = ([t.strip() for t in text.split(",") if t.strip()] for text in (one, other))
        smaller, larger = (before, after) if sent else (after, before)
        lost = bool(larger) and (not smaller or not all(media.counterparts(name, larger) for name in smaller))
        what = f"contentType {one or 'none'} is now {other or 'none'}"
        reason = "it is written otherwise" if lost else "it is a choice more"
        walk.add("breaking" if lost else "compatible", "encoding", place, what, reason, old, new, "contentType")
    for key, default in (("style", "form"), ("explode", None), ("allowReserved", False)):
        before_value = old.plain(key, default if key != "explode" else old.value.get("style", "form") == "form")
        after_value = new.plain(key, default if key != "explode" else new.value.get("style", "form") == "form")
        if before_value != after_value:
            what = f"{key} {before_value} is now {after_value}"
            walk.add("breaking", "encoding", place, what, "it is written otherwise", old, new, key)
    _headers(walk, old, new, place, sent=sent)


def answers(walk: Walk, old: dict[str, At], new: dict[str, At], *, sent: bool) -> None:
    """Compare the answers of two operations by status code."""
    used: set[str] = set()
    for code, answer in old.items():
        place = f"answer {code}"
        found = _codes(code, new)
        used.update(found)
        if not found:
            answer.cover()
            if sent:
                walk.add("breaking", "status-removed", place, "it is gone", "clients answer so", answer)
            else:
                level = "breaking" if code[0] in "23d" else "risky"
                walk.add(level, "status-removed", place, "it is gone", _WAIT, answer)
        for other in found:
            _answer(walk, answer, new[other], place, sent=sent)
    for code, answer in new.items():
        if code in used:
            continue
        known = _covering(code, old)
        if known:
            _answer(walk, old[known], answer, f"answer {code}", sent=sent)
            continue
        answer.cover()
        success = code[0] in "23" and not sent
        reason = "clients do not know this success" if success else "a choice more" if sent else "clients expect errors"
        walk.add(
            "breaking" if success else "compatible", "status-added", f"answer {code}", "it is new", reason, None, answer
        )


def _codes(code: str, others: dict[str, At]) -> list[str]:
    """The status codes among others that say what becomes of this one."""
    if code in others:
        return [code]
    upper = code.upper()
    if upper[1:] == "XX":
        same = [other for other in others if other.upper() == upper or (other.isdigit() and other[0] == code[0])]
        return same
    covering = f"{code[0]}XX"
    for other in others:
        if other.upper() == covering:
            return [other]
    return ["default"] if "default" in others and code[0] not in "23d" else []


def _covering(code: str, others: dict[str, At]) -> str | None:
    for other in others:
        if other.upper() == f"{code[0]}XX" and code != "default":
            return other
    return "default" if "default" in others else None


def _answer(walk: Walk, old: At, new: At, place: str, *, sent: bool) -> None:
    before, after = old.members("content"), new.members("content")
    _content(walk, before, after, place, sent=sent, answer=True)
    _headers(walk, old, new, place, sent=sent)


def _headers(walk: Walk, old: At, new: At, place: str, *, sent: bool) -> None:
    before, after = (
        {name.lower(): at for name, at in answer.members("headers").items() if name.lower() != "content-type"}
        for answer in (old, new)
    )
    for name, header in before.items():
        where = f"{place} header {name}"
        if name not in after:
            header.cover()
            if sent:
                walk.add("risky", "header-removed", where, "it is gone", "what clients send is ignored", header)
            else:
                walk.add("breaking", "header-removed", where, "it is gone", "clients read it", header)
            continue
        _needed(walk, header, after[name], "header", where, sent=sent)
        explode, explode_now = (bool(at.plain("explode", False)) for at in (header, after[name]))
        if explode != explode_now and _may_be(walk, header, after[name], {"object"}, sent):
            walk.add(
                "breaking",
                "style",
                where,
                "explode has changed",
                "it is written otherwise",
                header,
                after[name],
                "explode",
            )
        _carried(walk, header, after[name], where, sent=sent)
    for name, header in after.items():
        if name not in before:
            header.cover()
            required = sent and bool(header.plain("required"))
            text = ("it is new and required", "nobody sends it") if required else ("it is new", "it may be ignored")
            walk.add(
                "breaking" if required else "compatible", "header-added", f"{place} header {name}", *text, None, header
            )
